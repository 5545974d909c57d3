"""The code shown in the README and the docs."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A block of code of a page."""

    language: str
    text: str


def snippets(page: str, language: str) -> list[str]:
    """The blocks of a language on a page, named from the root of the project."""
    found = (Snippet(*match.groups()) for match in _FENCE.finditer((ROOT / page).read_text()))
    return [snippet.text for snippet in found if snippet.language == language]
