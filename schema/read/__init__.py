"""Running plans: drivers, connections, and the values that Python fills in.

Its words are explained in `docs/glossary.md`.
"""
