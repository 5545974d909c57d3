"""Collecting receivables: payments, reminders and promises to pay, and what follows from them as of any day (C4)."""
