"""What is asked of the indexes: for a text the terms that match in each step, as an engine takes them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from core.db.database import POSTGRESQL, SQLITE
from core.search.entries import PERMITTED
from core.search.samples import MARKS
from core.search.terms import TYPE, asked_terms, is_begun, misspelt, whole, words

#: Looked into one after the other in each step: the samples, the smallest first, then everything.
PLACES = (*reversed(MARKS), "")
#: From the whole name to words with a mistake.
STEPS = 5
#: More words of a text are not looked for.
_MOST_WORDS = 12
#: What no entry has: no mark comes alone.
_NOWHERE = ("^", False)

#: A term, and whether others that begin with it will do.
Term = tuple[str, bool]
#: What matches: of each group any term.
Groups = Sequence[Sequence[Term]]


class Asked:
    """What somebody asks for who has some permissions, of some types of records."""

    def __init__(self, permissions: Sequence[str], types: Sequence[str] | None) -> None:
        """Remembers them.

        Args:
            permissions: by which fields it may find that need one.
            types: names of the records to find; None for all.
        """
        self._before = ["", *(f"{permission}{PERMITTED}" for permission in permissions)]
        self._types: Groups = []
        if types is not None:
            self._types = [[(f"{TYPE}{name.lower()}", False) for name in types] or [_NOWHERE]]

    def steps(self, text: str) -> list[Groups | None]:
        """What matches in each step; None where it is nothing, or what the step before has found."""
        asked = words(text)[:_MOST_WORDS]
        if not asked:
            return [None] * STEPS
        name = whole(text)
        steps: list[Groups] = [
            [[(name, False)]],
            [[(name, True)]],
            [self._any([term]) for word in asked for term in asked_terms(word)],
            [group for word in asked for group in self._beginning(word)],
            [group for word in asked for group in self._mistaken(word)],
        ]
        before = [None, *steps]
        return [None if step == last else [*step, *self._types] for step, last in zip(steps, before, strict=False)]

    def _any(self, terms: Sequence[str], begun: str | None = None) -> Sequence[Term]:
        found = [(f"{before}{term}", False) for before in self._before for term in terms]
        return found + [(f"{before}{begun}", True) for before in self._before if begun is not None]

    def _beginning(self, word: str) -> Iterator[Sequence[Term]]:
        if is_begun(word):
            yield self._any((), word)
        else:
            for term in asked_terms(word):
                yield self._any([term])

    def _mistaken(self, word: str) -> Iterator[Sequence[Term]]:
        if is_begun(word):
            yield self._any(misspelt(word), word)
        else:
            yield from self._beginning(word)


def _for_postgresql(groups: Groups, mark: str) -> str:
    parts = (" | ".join(f"'{mark}{term}'{':*' if begun else ''}" for term, begun in group) for group in groups)
    return " & ".join(f"({part})" for part in parts)


def _for_sqlite(groups: Groups, mark: str) -> str:
    parts = (" OR ".join(f'"{mark}{term}"{"*" if begun else ""}' for term, begun in group) for group in groups)
    return " AND ".join(f"({part})" for part in parts)


_SPELLED: Mapping[str, Callable[[Groups, str], str]] = {POSTGRESQL: _for_postgresql, SQLITE: _for_sqlite}


def walk(engine: str, steps: Sequence[Groups | None]) -> list[str]:
    """What an index is asked in each place of each step, spelled as the engine takes it."""
    spelled = _SPELLED[engine]
    return [spelled([[_NOWHERE]] if step is None else step, mark) for step in steps for mark in PLACES]


def looks(engine: str, steps: Sequence[Groups | None]) -> list[str]:
    """What one entry is asked in each step, as the engine takes it without its index.

    On SQLite it is JSON of the groups. A term has a blank before it, and after it where it is whole, and so it is found
    in a text of terms with blanks around them.
    """
    found: list[str] = []
    for step in steps:
        if step is None and found:
            found.append(found[-1])
        else:
            found.append(_LOOKED[engine]([[_NOWHERE]] if step is None else step))
    return found


def _as_json(groups: Groups) -> str:
    return json.dumps([[f" {term}" if begun else f" {term} " for term, begun in group] for group in groups])


_LOOKED: Mapping[str, Callable[[Groups], str]] = {
    POSTGRESQL: partial(_for_postgresql, mark=""),
    SQLITE: _as_json,
}
