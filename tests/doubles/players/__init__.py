"""Players: the parts of a cluster that act by themselves, over its API."""
