"""Tests of the loop and its effects."""
