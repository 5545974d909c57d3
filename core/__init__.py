"""The domain: records, rules, unit of work, event log, plugin host, settings. Knows no GraphQL and no HTTP."""
