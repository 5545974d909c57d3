"""One request: its document, its limits, and what it carries."""
