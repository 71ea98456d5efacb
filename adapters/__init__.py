"""Adapters: the sites that Tidegate observes and orders."""
