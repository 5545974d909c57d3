"""Values taken from the cells of a row: columns, texts made of columns, constants, translations, conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from core.base.errors import InputError
from core.base.sentences import sentence
from guanxi.importing.values import as_text

#: Column to value of one row, cleaned: None where there is nothing.
Cells = Mapping[str, Any]

KEEP, REJECT, NULL, ABSENT = "keep", "reject", "null", "absent"


class Nothing(Enum):
    """Nothing is said of a field: its value stays. Null, which clears it, is something else."""

    SAID = "SAID"


@dataclass(frozen=True, slots=True)
class CellTemplate:
    """A text with columns in braces: `{product} for {account}`. Literal texts and columns take turns."""

    pieces: Sequence[str]

    @property
    def columns(self) -> Sequence[str]:
        """The columns it needs."""
        return self.pieces[1::2]

    def fill(self, cells: Cells) -> str | None:
        """The text for a row; None where one of its columns is empty."""
        values = [cells.get(column) for column in self.columns]
        if any(value is None for value in values):
            return None
        filled = list(self.pieces)
        filled[1::2] = [as_text(value) for value in values]
        return "".join(filled)


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value comes from and how it is translated.

    Attributes:
        column: the column it is in.
        templates: or texts made of columns; the first whose columns are all filled.
        constant: or the same for all rows.
        map: text of the source to value; the empty text stands for an empty column.
        unmapped: what becomes of a text that the map does not have: `keep`, `reject` or `null`.
    """

    column: str | None = None
    templates: Sequence[CellTemplate] = ()
    constant: Any = None
    map: Mapping[str, Any] | None = None
    unmapped: str = KEEP

    def found(self, cells: Cells) -> Any:
        """What the row has, untranslated; None where that is nothing."""
        if self.column is not None:
            return cells.get(self.column)
        if self.templates:
            texts = (template.fill(cells) for template in self.templates)
            return next((text for text in texts if text is not None), None)
        return self.constant

    def translated(self, found: Any) -> Any:
        """A found value after the map: a value, None for null, or `Nothing`.

        Raises:
            InputError: the map does not have it, and the policy is to reject.
        """
        if self.map is not None:
            text = "" if found is None else as_text(found)
            if text in self.map:
                return self.map[text]
            if found is not None and self.unmapped == REJECT:
                raise InputError(sentence("{text!r} is not in its map; add it there, or fix the row", text=text))
            if found is not None and self.unmapped == NULL:
                return None
        return Nothing.SAID if found is None else found

    def of(self, cells: Cells) -> Any:
        """The translated value of a row.

        Raises:
            InputError: as `translated`.
        """
        return self.translated(self.found(cells))


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one column: its text is one of these, or with `negated` none of them.

    An empty column is the empty text; a list is not text at all.
    """

    column: str
    texts: frozenset[str]
    negated: bool = False

    def holds(self, cells: Cells) -> bool:
        """Whether a row meets it."""
        value = cells.get(self.column)
        text = "" if value is None else None if isinstance(value, list) else as_text(value)
        return (text in self.texts) is not self.negated


def all_hold(tests: Sequence[Test], cells: Cells) -> bool:
    """Whether a row meets all conditions."""
    return all(test.holds(cells) for test in tests)
