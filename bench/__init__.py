"""Measured comparisons: guanxi beside what its users would pick instead, on the same data in one run."""
