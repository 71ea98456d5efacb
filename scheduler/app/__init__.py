"""The composition root: the only room that knows the tables of policies and adapters."""
