"""Basics that do not depend on records: errors, text, time, ids, money, actors, settings."""
