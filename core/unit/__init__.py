"""The unit of work: one transaction from drafts to events.

Its words are explained in `docs/glossary.md`.
"""
