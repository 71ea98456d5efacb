"""Policies: pure contributions of costs and rules to one model."""
