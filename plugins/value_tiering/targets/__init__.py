"""Targets: what customers buy in a year, our share of it, and what is to be reached with each of them."""
