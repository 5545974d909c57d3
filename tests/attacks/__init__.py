"""Requests made to hold up or bring down a server.

`python -m tests.attacks` fires each at a served app while somebody else reads single records.
"""
