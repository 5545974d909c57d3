"""What a client takes: media types, and compression."""

from functools import lru_cache

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"


@lru_cache(256)
def accepted(header: str) -> str | None:
    """The media type to answer with, among those a client accepts; None if it accepts none of ours."""
    ranked = []
    for place, part in enumerate(header.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = _number(next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1"))
        if quality > 0:
            ranked.append((-quality, place, name))
    for _, _, name in sorted(ranked):
        if name in (GRAPHQL_JSON, PLAIN_JSON, HTML, EVENT_STREAM):
            return name
        if name in ("*/*", "application/*"):
            return PLAIN_JSON
    return None


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
