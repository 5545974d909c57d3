"""The schema as pages to read: made by the server, without scripts, at `/graphql/schema`."""
