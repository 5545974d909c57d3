"""From HTTP to an answer: endpoint, engine, and the assembled schema."""
