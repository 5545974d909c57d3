"""What runs without a request: delivery to after-commit hooks, and jobs.

Its words are explained in `docs/glossary.md`.
"""
