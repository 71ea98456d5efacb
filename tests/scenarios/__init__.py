"""Stories over hours: the real daemon in simulated worlds."""
