"""The GraphQL types made from the catalog, and those that plugins add."""
