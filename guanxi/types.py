"""Column types, for the revisions of plugins: what `guanxi migrations make` writes imports them from here."""

from core.db.types import Choice, Json, Scaled, Text, Timestamp

__all__ = ["Choice", "Json", "Scaled", "Text", "Timestamp"]
