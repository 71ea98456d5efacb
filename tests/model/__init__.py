"""Tests of blocks, capacity, catalogue and board, with builders of tiny worlds."""
