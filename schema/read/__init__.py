"""Running plans: drivers, connections, and the values that Python fills in."""
