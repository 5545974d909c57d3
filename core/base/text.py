"""Text: folding for comparison, and the names of things in their several spellings."""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")


def fold(text: str) -> str:
    """Folds a text so that two texts compare equal whatever their case or width: NFKC, then Unicode case folding."""
    # Plain letters are as normal as they get.
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


@lru_cache(10_000)
def snake(name: str) -> str:
    """`StageTransition` and `stageTransition` become `stage_transition`."""
    return "_".join(word.lower() for word in _WORD.findall(name))


@lru_cache(10_000)
def camel(name: str) -> str:
    """`expected_amount` becomes `expectedAmount`; a camel-case name stays as it is."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def pascal(name: str) -> str:
    """`expected_amount` becomes `ExpectedAmount`."""
    return name[:1].upper() + camel(name)[1:]


def words(name: str) -> str:
    """`expectedAmount` and `expected_amount` become `expected amount`."""
    return snake(name).replace("_", " ")


def plural(name: str) -> str:
    """The regular English plural of a name: `Opportunity` becomes `Opportunities`."""
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    if name.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    return name + "s"


def with_article(noun: str) -> str:
    """`opportunity` becomes `an opportunity`, `user` becomes `a user`."""
    return ("an " if noun[:1] in "aeio" else "a ") + noun
