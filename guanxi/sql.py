"""SQL for plugins: the constructs that SQLite and PostgreSQL spell differently, and helpers for exact arithmetic."""

from core.base.ids import new_stem, unordered_id
from core.db.sql import (
    Expression,
    add_days,
    day_of,
    days_between,
    folded,
    json_document,
    json_text,
    list_length,
    names_where,
    numbered,
    rounded_ratio,
    whole,
)

__all__ = [
    "Expression",
    "add_days",
    "day_of",
    "days_between",
    "folded",
    "json_document",
    "json_text",
    "list_length",
    "names_where",
    "new_stem",
    "numbered",
    "rounded_ratio",
    "unordered_id",
    "whole",
]
