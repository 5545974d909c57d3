"""The contract of plugins, and the host that orders and calls them.

Its words are explained in `docs/glossary.md`.
"""
