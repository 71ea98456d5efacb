"""Speed and memory of the product, measured on this machine: `python -m tests.bench`."""
