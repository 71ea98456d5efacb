"""Tests of the composition: documents, loop and world together."""
