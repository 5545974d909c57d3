"""One request: its document, its limits, and what it carries.

Its words are explained in `docs/glossary.md`.
"""
