"""What a client takes: media types, languages, and compression."""

from collections.abc import Iterable
from functools import lru_cache

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"
#: So many languages of a client are looked at.
_MOST_LANGUAGES = 10


@lru_cache(256)
def accepted(header: str) -> str | None:
    """The media type to answer with, among those a client accepts; None if it accepts none of ours."""
    for name in _ranked(header):
        if name in (GRAPHQL_JSON, PLAIN_JSON, HTML, EVENT_STREAM):
            return name
        if name in ("*/*", "application/*"):
            return PLAIN_JSON
    return None


def language_of(header: str, known: Iterable[str]) -> str:
    """The language to answer in, of those known by their BCP 47 tags: the first of them if a client takes none.

    `zh`, `zh-CN` and `zh-Hans-CN` take `zh-Hans`; `zh-TW`, which is written otherwise, does not.
    """
    tags = list(known)
    for asked in _ranked(header)[:_MOST_LANGUAGES]:
        if asked == "*":
            break
        language, script = _language_and_script(asked)
        for tag in tags:
            known_language, known_script = _language_and_script(tag)
            if language == known_language and (script == known_script or None in (script, known_script)):
                return tag
    return tags[0]


def _language_and_script(tag: str) -> tuple[str | None, str | None]:
    """A language and how it is written, as far as its tag or its region says so; neither of one that is not known."""
    # Most processes never need it.
    from babel import Locale, UnknownLocaleError

    try:
        found = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return None, None
    return found.language, found.script


def _ranked(header: str) -> list[str]:
    """What a client accepts, best first."""
    found = []
    for place, part in enumerate(header.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = _number(next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1"))
        if quality > 0:
            found.append((-quality, place, name))
    return [name for _, _, name in sorted(found)]


@lru_cache(256)
def takes_gzip(header: str) -> bool:
    """Whether a client takes a compressed answer."""
    found = {}
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        found[name] = _number(quality) > 0
    return found.get("gzip", found.get("*", False))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
