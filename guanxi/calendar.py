"""Days and periods for plugins: the calendar of the business, and how periods follow each other."""

from core.base.calendar import Calendar, last_of, shifted, year_before

__all__ = ["Calendar", "last_of", "shifted", "year_before"]
