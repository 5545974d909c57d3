"""The records of the CRM and the rules of their domain."""
