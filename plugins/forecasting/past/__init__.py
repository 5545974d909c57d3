"""The pipeline of any past day, and what moved between two days."""
