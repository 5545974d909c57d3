"""Backups: the whole database in one file, checked when it is taken and when it is restored."""
