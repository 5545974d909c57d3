"""Walks through a list, page by page, from either end."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.oracle.asking import Ask
from tests.oracle.literals import arguments


@dataclass
class Walk:
    """A list and how it is paged through.

    Attributes:
        list: the field that gives it.
        given: its arguments, but for those of paging.
        size: of a page.
        backward: from the end.
        under: the query of one record that has the list; none for a list at the root.
    """

    list: str
    given: Mapping[str, Any]
    size: int
    backward: bool
    under: str | None = None

    def query(self) -> str:
        """The query of one page, which begins where `$from` says."""
        size, start = ("last", "before") if self.backward else ("first", "after")
        given = dict(self.given) | {size: self.size}
        inside = arguments(given).removesuffix(")") + f", {start}: $from)"
        info = "hasNextPage hasPreviousPage startCursor endCursor"
        page = f"page: {self.list}{inside} {{ edges {{ cursor node {{ id }} }} pageInfo {{ {info} }} }}"
        return f"query ($from: String) {{ {f'under: {self.under} {{ {page} }}' if self.under else page} }}"

    def pages(self, ask: Ask) -> Iterator[list[str]]:
        """The ids of each page in turn, in the order of the list."""
        more, end = ("hasPreviousPage", "startCursor") if self.backward else ("hasNextPage", "endCursor")
        start = None
        while True:
            answer = ask(self.query(), {"from": start})
            assert "errors" not in answer, answer
            data = answer["data"]["under"] if self.under else answer["data"]
            page, info = data["page"], data["page"]["pageInfo"]
            cursors = [edge["cursor"] for edge in page["edges"]]
            kept = [start, None] if self.backward else [None, start]
            assert [info["startCursor"], info["endCursor"]] == ([cursors[0], cursors[-1]] if cursors else kept)
            assert len(cursors) == self.size or not info[more]
            assert info["hasNextPage" if self.backward else "hasPreviousPage"] == (start is not None)
            yield [edge["node"]["id"] for edge in page["edges"]]
            if not info[more]:
                return
            start = info[end]

    def glued(self, ask: Ask, between: Callable[[], None] = lambda: None) -> list[str]:
        """The ids of all pages in the order of the list; `between` two pages something else may happen."""
        pages: list[list[str]] = []
        for page in self.pages(ask):
            pages.append(page)
            between()
        return [id for page in (reversed(pages) if self.backward else pages) for id in page]
