"""The unit of work: one transaction from drafts to events."""
