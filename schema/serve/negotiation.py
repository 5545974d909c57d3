"""What a client takes: media types, languages, and compression."""

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, UnknownLocaleError

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
        for tag in tags:
            if _is_read(_locale(asked), _locale(tag)):
                return tag
    return tags[0]


def _is_read(asked: Locale | None, known: Locale | None) -> bool:
    """Whether who asks for one language can read another: in the same script, as far as both name one."""
    if asked is None or known is None or asked.language != known.language:
        return False
    return None in (asked.script, known.script) or asked.script == known.script


def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return None


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
