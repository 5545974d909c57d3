"""Basics that know nothing of records: errors, text, time, ids, money, actors, settings."""
