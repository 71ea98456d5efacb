"""The simulated world: clock, load, prices, billing, baselines."""
