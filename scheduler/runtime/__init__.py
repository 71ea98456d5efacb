"""The loop and its effects: observe, act, journal, HTTP, timer, reload."""
