"""Solving: exact, restricted, greedy; every answer is checked by our own code."""
