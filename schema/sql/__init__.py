"""Pieces of SQL statements: JSON, bound values, selections.

Its words are explained in `docs/glossary.md`.
"""
