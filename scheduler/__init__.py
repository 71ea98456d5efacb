"""Tidegate: a hybrid-cloud GPU scheduler. The rooms are described in docs/architecture.md."""

__version__ = "0.1.0"
