"""Tests of the solving chain and of its check."""
