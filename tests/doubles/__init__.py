"""What stands in for the outside: doubles of APIs, players of its parts, real control planes."""
