"""SQL for plugins: the constructs that SQLite and PostgreSQL spell differently, and helpers for exact arithmetic."""

from core.base.ids import new_stem, unordered_id
from core.db.days import day_of, period_start
from core.db.sql import (
    Expression,
    add_days,
    days_between,
    folded,
    is_listed,
    json_document,
    json_text,
    list_length,
    names_where,
    numbered,
    rounded_ratio,
    rounded_share,
    weighted_mean,
    whole,
)
from core.records.selections import Prepared, PreparedQuestion

__all__ = [
    "Expression",
    "Prepared",
    "PreparedQuestion",
    "add_days",
    "day_of",
    "days_between",
    "folded",
    "is_listed",
    "json_document",
    "json_text",
    "list_length",
    "names_where",
    "new_stem",
    "numbered",
    "period_start",
    "rounded_ratio",
    "rounded_share",
    "unordered_id",
    "weighted_mean",
    "whole",
]
