"""Checks of what inputs attach to a record: its tags and external ids."""

from collections.abc import Iterable, Sequence

from core.base.errors import InputError, UserError
from core.base.sentences import sentence
from core.base.text import fold
from core.records.checks import check_text
from schema.write.matching import RowInput

_MOST_TAGS, _LONGEST_TAG = 100, 100
_LONGEST_SYSTEM, _LONGEST_KEY = 64, 255


def stripped_tags(given: Iterable[str]) -> list[str]:
    """The tags without surrounding spaces, each once regardless of case."""
    found: dict[str, str] = {}
    for tag in given:
        if tag.strip():
            found.setdefault(fold(tag.strip()), tag.strip())
    return list(found.values())


def check_tags(tags: Sequence[str]) -> list[UserError]:
    """What is wrong with the tags of a record."""
    try:
        if len(tags) > _MOST_TAGS:
            raise InputError(
                sentence(
                    "{count} tags are too many; at most {most_tags} are possible", count=len(tags), most_tags=_MOST_TAGS
                )
            )
        for tag in tags:
            check_text(tag, _LONGEST_TAG)
    except InputError as error:
        return [UserError("INVALID", sentence("tags: {problem}", problem=error.message), ("tags",))]
    return []


def check_keys(keys: Sequence[RowInput]) -> list[UserError]:
    """What is wrong with the external ids of a record."""
    systems = [item["system"] for item in keys]
    twice = sorted({system for system in systems if systems.count(system) > 1})
    problems = [
        UserError(
            "INVALID",
            sentence("externalIds: two ids of {system!r}; a record has one per system", system=system),
            ("externalIds",),
        )
        for system in twice
    ]
    for item in keys:
        for part, longest in (("system", _LONGEST_SYSTEM), ("value", _LONGEST_KEY)):
            try:
                check_text(item[part], longest)
            except InputError as error:
                message = sentence("externalIds: {part}: {problem}", part=part, problem=error.message)
                return [*problems, UserError("INVALID", message, ("externalIds",))]
    return problems
