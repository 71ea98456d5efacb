"""From a solution to a plan, from a plan to actions, from actions to what is allowed."""
