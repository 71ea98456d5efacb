"""The words and pictures of Tidegate."""
