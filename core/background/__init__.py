"""What runs without a request: delivery to after-commit hooks, and jobs."""
