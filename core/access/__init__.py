"""Who may see and do what: permissions, roles, and whose records are whose."""
