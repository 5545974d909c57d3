"""Pieces of SQL statements: JSON, bound values, selections."""
