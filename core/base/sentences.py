"""Messages that keep the text and the values they are made of, so that they can be said in another language."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from functools import reduce
from typing import Any, Self

from core.base.text import camel, plural, words

#: Gives a text in another language.
Translate = Callable[[str], str]


def template(text: str) -> str:
    """Marks a text of which messages are made later, so that it is found by who translates."""
    return text


#: What is between the values of a list.
_BETWEEN = template(", ")


class _Listed(list[Any]):
    """A list as a message has it: its values one after another."""

    def __init__(self, values: Iterable[Any], between: str) -> None:
        super().__init__(values)
        self._between = between

    def __format__(self, spec: str) -> str:
        return self._between.join(format(value, spec) for value in self)


class Sentence(str):
    """A message, formatted in English.

    Attributes:
        template: what it is made of, with the names of values in braces.
        params: the values, ready for JSON; one may be a message itself, or a list, whose values it names one by one.
    """

    template: str
    params: Mapping[str, Any]

    def __new__(cls, template: str, params: Mapping[str, Any], between: str = _BETWEEN) -> Self:
        read = {name: _Listed(value, between) if isinstance(value, list) else value for name, value in params.items()}
        made = super().__new__(cls, template.format_map(read))
        made.template, made.params = template, params
        return made

    def __reduce__(self) -> Any:
        return type(self), (self.template, self.params)


class Term(Sentence):
    """A word in a message that has a translation of its own, such as the name of a record.

    Its template is the word as it is looked up; the text may have an article, or be the plural.
    """

    def __new__(cls, template: str, shown: Any = None) -> Self:
        made = str.__new__(cls, shown or template)
        made.template, made.params = template, {}
        return made

    def __reduce__(self) -> Any:
        return type(self), (self.template, str(self))

    def capitalized(self) -> "Term":
        """The same as it begins a line."""
        return Term(self.template, self[:1].upper() + self[1:])


def sentence(template: str, /, **params: Any) -> Sentence:
    """A message from a text with names in braces and their values: `sentence("at most {limit} rows", limit=5)`.

    A list is read as its values one after another, and stays a list in `params`. The text is written out where it is
    called, for translations are looked up by it.
    """
    return Sentence(template, {name: _plain(value) for name, value in params.items()})


def term(text: str, shown: str | None = None) -> Term:
    """A word that is a value of a message and has a translation of its own.

    Args:
        text: the word as translations have it.
        shown: how the message has it in English, such as with an article or in the plural.
    """
    return Term(text, shown)


def noun(name: str, count: int = 1) -> Term:
    """The name of a record as a word of a message: `noun("accountTeamMember")`, in the plural for several."""
    text = words(name)
    return Term(text, text if count == 1 else plural(text))


def joined(messages: Sequence[str]) -> str:
    """Messages one after another."""
    return reduce(lambda first, second: sentence("{first}; {second}", first=first, second=second), messages)


def translated(message: str, translate: Translate) -> str:
    """A message in another language: its own text and those of the messages and terms within it."""
    if isinstance(message, Term):
        return Term(translate(message.template))
    if not isinstance(message, Sentence):
        return translate(message)
    params = {name: _translated(value, translate) for name, value in message.params.items()}
    try:
        return Sentence(translate(message.template), params, translate(_BETWEEN))
    except (LookupError, ValueError):
        # A translation with places for other values says nothing.
        return message


def _translated(value: Any, translate: Translate) -> Any:
    if isinstance(value, list):
        return [_translated(item, translate) for item in value]
    return translated(value, translate) if isinstance(value, Sentence) else value


def replaced(message: str, change: Callable[[str], str]) -> str:
    """A message in which the texts among its values are changed; one that has no values is changed itself."""
    if isinstance(message, Term):
        return message
    if not isinstance(message, Sentence):
        return change(message)
    return Sentence(message.template, {name: _replaced(value, change) for name, value in message.params.items()})


def _replaced(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return replaced(value, change)
    if isinstance(value, list):
        return [_replaced(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _replaced(item, change) for key, item in value.items()}
    return value


def params_of(message: str) -> dict[str, Any]:
    """The values in a message by name as clients see names, those of messages within it among them."""
    found: dict[str, Any] = {}
    for name, value in getattr(message, "params", {}).items():
        if isinstance(value, Sentence) and not isinstance(value, Term):
            found = {**params_of(value), **found}
        else:
            found[camel(name)] = value
    return found


def parts_of(message: str) -> tuple[str, Any]:
    """The text and the values of a message as JSON takes them, for `from_parts`; a plain text has no values."""
    if isinstance(message, Term):
        return message.template, str(message)
    if not isinstance(message, Sentence):
        return message, None
    return message.template, {name: _part(value) for name, value in message.params.items()}


def _part(value: Any) -> Any:
    # A list within a list, so that it is not taken for the parts of a message.
    if isinstance(value, list):
        return [[_part(item) for item in value]]
    return list(parts_of(value)) if isinstance(value, Sentence) else value


def from_parts(text: str, params: Mapping[str, Any] | None = None) -> str:
    """The message that `parts_of` took apart; a plain text is returned as it is."""
    if params is None:
        return text
    return Sentence(text, {name: _from_part(value) for name, value in params.items()})


def _from_part(value: Any) -> Any:
    match value:
        case [str() as text, str() as shown]:
            return Term(text, shown)
        case [str() as text, dict() as params]:
            return Sentence(text, {name: _from_part(one) for name, one in params.items()})
        case [list() as items]:
            return [_from_part(item) for item in items]
    return value


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
