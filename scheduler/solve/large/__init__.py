"""Large models: sifting to near-optimal prices, cuts for whole nodes, and a dive, with a bound."""
