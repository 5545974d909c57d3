"""Outages: what a server does while its database is stopped, crashes, is full, or is taken away.

A server is a process of its own, and so is the database. Clients go on asking all the time, and keep a list of what
each was answered; afterwards that list is compared with what is in the database.
"""
