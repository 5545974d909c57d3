"""Measured comparisons: guanxi and what its users would pick instead, on the same data in one run."""
