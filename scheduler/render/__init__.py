"""Plans, summaries and pictures for people and machines."""
