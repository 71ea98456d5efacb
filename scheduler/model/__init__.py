"""The optimisation model: blocks of unknowns, affine expressions, rules, board, policies."""
