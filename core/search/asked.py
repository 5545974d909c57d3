"""What is asked of the indexes: for a text the terms that match in each step, as an engine takes them."""

from collections.abc import Callable, Mapping, Sequence

from core.db.engines import POSTGRESQL, SQLITE
from core.search.entries import PERMITTED
from core.search.samples import MARKS
from core.search.terms import (
    TYPE,
    Clue,
    asked_beginning,
    asked_mistake,
    asked_name,
    asked_name_beginning,
    asked_word,
    words,
)

#: Looked into one after the other in each step: the samples, the smallest first, then everything.
PLACES = (*reversed(MARKS), "")
#: From the whole name to words with a mistake.
STEPS = 5
#: More words of a text are not looked for.
_MOST_WORDS = 12
#: What no entry has: no mark comes alone.
_NOWHERE = ("^", False)

#: What matches: of each group any term.
Groups = Sequence[Sequence[Clue]]


def steps(text: str, permissions: Sequence[str], types: Sequence[str] | None) -> list[Groups | None]:
    """What matches in each step; None where it is nothing, or what the step before has found.

    Args:
        text: that somebody asks for.
        permissions: that they have, of those that fields need.
        types: names of the records to find; None for all.
    """
    asked = words(text)[:_MOST_WORDS]
    if not asked:
        return [None] * STEPS
    before = ["", *(f"{permission}{PERMITTED}" for permission in permissions)]

    def each(terms: Callable[[str], Groups]) -> Groups:
        groups = (group for word in asked for group in terms(word))
        return [[(first + term, begun) for first in before for term, begun in group] for group in groups]

    found: list[Groups] = [
        [asked_name(text)],
        [asked_name_beginning(text)],
        each(asked_word),
        each(asked_beginning),
        each(asked_mistake),
    ]
    of_types: Groups = []
    if types is not None:
        of_types = [[(f"{TYPE}{name.lower()}", False) for name in types] or [_NOWHERE]]
    return [None if step == last else [*step, *of_types] for step, last in zip(found, [None, *found], strict=False)]


def _for_postgresql(groups: Groups, mark: str, owners: Sequence[str]) -> str:
    parts = [" | ".join(f"'{mark}{term}'{':*' if begun else ''}" for term, begun in group) for group in groups]
    parts += [" | ".join(f"'{term}'" for term in owners)] if owners else []
    return " & ".join(f"({part})" for part in parts)


def _for_sqlite(groups: Groups, mark: str, owners: Sequence[str]) -> str:
    parts = [" OR ".join(f'"{mark}{term}"{"*" if begun else ""}' for term, begun in group) for group in groups]
    parts += [" OR ".join(f'"{term}"' for term in owners)] if owners else []
    return " AND ".join(f"({part})" for part in parts)


_SPELLED: Mapping[str, Callable[[Groups, str, Sequence[str]], str]] = {
    POSTGRESQL: _for_postgresql,
    SQLITE: _for_sqlite,
}


def walk(engine: str, asked: Sequence[Groups | None], owners: Sequence[str] | None) -> list[str]:
    """What an index is asked in each place of each step, spelled as the engine takes it.

    Args:
        engine: that is asked.
        asked: what matches in each step.
        owners: terms of which a record has one, in no sample; None if that does not count.
    """
    spelled = _SPELLED[engine]
    is_nobody = owners is not None and not owners
    return [
        spelled([[_NOWHERE]], mark, ()) if step is None or is_nobody else spelled(step, mark, owners or ())
        for step in asked
        for mark in PLACES
    ]
