"""The words of Tidegate as frozen values; standard library only."""
