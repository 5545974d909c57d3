"""The catalog: every record and field of one app, declared once.

Its words are explained in `docs/glossary.md`.
"""
