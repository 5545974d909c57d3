"""What is said of settings that cannot be used: the variable, its value, and what it may be."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

#: By pydantic's name of a fault: what the value may be.
_WANTED = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("float_parsing", "float_type", "decimal_parsing", "decimal_type", "finite_number"), "a number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), "a JSON list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "a JSON object"),
    **dict.fromkeys(("literal_error", "enum"), "{expected}"),
    **dict.fromkeys(("greater_than_equal", "less_than_equal", "greater_than", "less_than"), "a number"),
    "string_type": "a text",
    "date_from_datetime_parsing": "a day such as 2025-06-15",
    "date_parsing": "a day such as 2025-06-15",
}
_LIMITS = {"ge": "{} or more", "le": "{} or less", "gt": "more than {}", "lt": "less than {}"}


def explain(error: ValidationError, prefix: str, model: type[BaseModel]) -> str:
    """One line per fault: the environment variable, its value, what it may be.

    Args:
        error: of the settings.
        prefix: of the variables' names.
        model: of the settings.
    """
    return "; ".join(_line(fault, prefix, model) for fault in error.errors())


def _line(fault: Any, prefix: str, model: type[BaseModel]) -> str:
    place, kind = fault["loc"], fault["type"]
    name = prefix + "__".join(str(part) for part in place).upper()
    if kind == "missing":
        return f"{name} is not set"
    problem = fault["msg"].removeprefix("Value error, ")
    if not place:
        # A fault of all settings together has no value of its own, and shows none: one might be a password.
        return f"{name}…: {problem}"
    if kind in _WANTED:
        context = fault.get("ctx", {})
        problem = f"it must be {_WANTED[kind].format(**context)}{_limits(_limits_of(model, place) | context)}"
    return f"{name}={fault['input']!r}: {problem}"


def _limits(known: Mapping[str, Any]) -> str:
    if {"ge", "le"} <= known.keys():
        return f" from {known['ge']} to {known['le']}"
    found = [text.format(known[name]) for name, text in _LIMITS.items() if name in known]
    return f", {' and '.join(found)}" if found else ""


def _limits_of(model: type[BaseModel], place: tuple[Any, ...]) -> dict[str, Any]:
    """The limits that the declaration of a setting names."""
    fields = {name: field for key, field in model.model_fields.items() for name in (key, field.alias)}
    field = fields.get(place[0]) if len(place) == 1 else None
    limits = field.metadata if field is not None else ()
    return {name: getattr(limit, name) for limit in limits for name in _LIMITS if hasattr(limit, name)}
