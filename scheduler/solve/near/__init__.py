"""Near what runs: a small linear program kept warm, and whole numbers found beside its optimum."""
