"""The catalog: every record and field of one app, declared once."""
