"""Companions of texts: columns that the core keeps with them, by which they are compared and sorted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.records.forms import NameForm, TextForm


@dataclass(frozen=True, slots=True)
class Companion:
    """A column that holds what the core makes of a text in the same row.

    Attributes:
        name: of the column.
        text: name of the column with the text.
        make: from the text, and the region of telephone numbers without a country code, to what the column holds.
        version: from that region to what else its keys depend on; stored ones are stale where it is another.
    """

    name: str
    text: str
    make: Callable[[str, str], str]
    version: Callable[[str], str]

    def key(self, text: str | None, region: str) -> str | None:
        """What it holds for a text; None for none."""
        return None if text is None else self.make(text, region)


def folded(text: str, form: TextForm) -> Companion:
    """The companion by which texts are filtered and sorted."""
    return Companion(f"{text}_folded", text, form.key, form.version)


def pinyin(text: str, form: NameForm) -> Companion:
    """The companion by which names are sorted by pinyin."""
    return Companion(f"{text}_pinyin", text, form.sort_key, form.sort_version)


def keys_of(
    companions: Iterable[Companion], values: Mapping[str, Any], region: str
) -> Iterator[tuple[str, str | None]]:
    """The names of companions and what they hold.

    Args:
        companions: of a table.
        values: of a row, by names of columns; companions of texts that are not among them are left out.
        region: of telephone numbers without a country code.
    """
    for companion in companions:
        if companion.text in values:
            yield companion.name, companion.key(values[companion.text], region)
