"""Bringing a database up to date, and writing the revisions that do so; the core's own are in `versions`."""
