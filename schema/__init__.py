"""GraphQL: the catalog, the planner, types and inputs built from the catalog, operations, the HTTP endpoint."""
