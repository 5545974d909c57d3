"""The one field of the comparisons that needs Python: a batch function over two columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guanxi import Field, Plugin, hookimpl


class Labels(Plugin):
    """Adds `Customer.label`."""

    name, version, api = "bench_labels", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self) -> Iterable[Field]:
        """The Python field."""
        yield Field("Customer.label", python=labels, needs=["name", "region"], type=str, description="For badges.")


def labels(ctx: Any, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A text of two columns of each row."""
    return [f"{row['name']} ({row['region']})" for row in rows]
