"""From a selection to one SQL statement.

Its words are explained in `docs/glossary.md`.
"""
