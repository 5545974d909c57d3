"""The first-party plugins. Each imports from `guanxi` what a stranger's plugin may import, and nothing else."""
