"""The database: connections, column types, and the SQL that both engines spell differently."""
