"""What others make for GraphQL, tried against a running server: audits, linters, code generators and clients."""
