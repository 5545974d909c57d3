"""Messages that keep the text and the values they are made of, so that they can be said in another language."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, Self


class Sentence(str):
    """A message, formatted in English.

    Attributes:
        template: what it is made of, with the names of values in braces.
        params: the values, ready for JSON; one may be a message itself.
    """

    template: str
    params: Mapping[str, Any]

    def __new__(cls, template: str, params: Mapping[str, Any]) -> Self:
        made = super().__new__(cls, template.format_map(params))
        made.template, made.params = template, params
        return made

    def __reduce__(self) -> Any:
        return type(self), (self.template, self.params)


def sentence(template: str, /, **params: Any) -> Sentence:
    """A message from a text with names in braces and their values: `sentence("at most {limit} rows", limit=5)`."""
    return Sentence(template, {name: _plain(value) for name, value in params.items()})


def params_of(message: str) -> dict[str, Any]:
    """The values in a message by name, those of messages within it among them."""
    found: dict[str, Any] = {}
    for name, value in getattr(message, "params", {}).items():
        if isinstance(value, Sentence):
            found = {**params_of(value), **found}
        else:
            found[name] = value
    return found


def parts_of(message: str) -> tuple[str, dict[str, Any]]:
    """The text and the values of a message as JSON takes them, for `from_parts`."""
    if not isinstance(message, Sentence):
        return message, {}
    params = {
        name: list(parts_of(value)) if isinstance(value, Sentence) else value for name, value in message.params.items()
    }
    return message.template, params


def _plain(value: Any) -> Any:
    """A value ready for JSON, as it is read in a message."""
    match value:
        case Enum():
            return value.value
        case bool() | int() | float() | str() | None:
            return value
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
        case date():
            return value.isoformat()
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
    return str(value)


def from_parts(text: str, params: Mapping[str, Any] | None = None) -> str:
    """The message that `parts_of` took apart; a text without values is one already."""
    if not params:
        return text
    return Sentence(text, {name: from_parts(*value) if _is_parts(value) else value for name, value in params.items()})


def _is_parts(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict)
