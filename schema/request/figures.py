"""Figures and pages asked from Python: the documents that are asked, and their answers as Python values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.base.errors import InputError, TooManyGroupsError
from core.base.sentences import sentence
from core.host.contract import Figures
from schema.catalog.catalog import Catalog
from schema.catalog.kind import Kind
from schema.catalog.kinds import DateKind, DecimalKind, MomentKind, MoneyKind

AskCatalog = Callable[..., Any]
GroupBy = Mapping[str, Any]


class FiguresQuery:
    """What is asked of one record.

    Args:
        catalog: of the app.
        record: its name.
        fields: aggregate function to the names of its fields.

    Raises:
        InputError: there is no such record.
    """

    def __init__(self, catalog: Catalog, record: str, fields: Mapping[str, Sequence[str]]) -> None:
        if record not in catalog.records:
            raise InputError(
                sentence(
                    "there is no record {record!r}; available: {known}",
                    record=record,
                    known=sorted(catalog.records),
                )
            )
        self._record = catalog.records[record]
        self._fields = {function: names for function, names in fields.items() if names}

    def total(self, ask: AskCatalog, where: Mapping[str, Any] | None, as_of: date | None) -> Figures:
        """The totals of a list."""
        return self.totals_in(ask(self.total_text(), {"where": where}, as_of=as_of))

    def total_text(self) -> str:
        """The query of the totals of a list."""
        record = self._record
        return (
            f"query ($where: {record.name}Where) "
            f"{{ {record.plural}Aggregate(where: $where) {{ {self._selection()} }} }}"
        )

    def totals_in(self, answer: Mapping[str, Any]) -> Figures:
        """The totals in the answer to that query."""
        (found,) = answer.values()
        return self._figures({}, found)

    def groups(
        self, ask: AskCatalog, by: Sequence[GroupBy], where: Mapping[str, Any] | None, as_of: date | None, most: int
    ) -> list[Figures]:
        """The same by keys.

        Raises:
            TooManyGroupsError: there are more groups than one query returns.
        """
        record, keys = self._record, " ".join(_selected(key) for key in by)
        text = (
            f"query ($by: [{record.name}GroupKey!]!, $where: {record.name}Where) {{ {record.plural}GroupBy"
            f"(by: $by, where: $where) {{ keys {{ {keys} }} aggregate {{ {self._selection()} }} }} }}"
        )
        (answer,) = ask(text, {"by": list(by), "where": where}, as_of=as_of).values()
        if len(answer) >= most:
            raise TooManyGroupsError(most)
        return [self._figures(found["keys"], found["aggregate"]) for found in answer]

    def list_text(self, *, is_grouped: bool) -> str:
        """A query of the list as a whole, or of its groups."""
        record = self._record
        if is_grouped:
            return (
                f"query ($where: {record.name}Where, $by: [{record.name}GroupKey!]!) "
                f"{{ {record.plural}GroupBy(where: $where, by: $by) {{ aggregate {{ count }} }} }}"
            )
        return f"query ($where: {record.name}Where) {{ {record.plural}Aggregate(where: $where) {{ count }} }}"

    def pages(
        self,
        ask: AskCatalog,
        selection: str,
        where: Mapping[str, Any] | None,
        variables: Mapping[str, tuple[str, Any]],
        as_of: date | None,
        first: int,
    ) -> Iterator[dict[str, Any]]:
        """All records of a list in the order of their ids, with what is selected of each."""
        record = self._record
        declared = "".join(f", ${name}: {type_}" for name, (type_, _) in variables.items())
        given = {name: value for name, (_, value) in variables.items()} | {"where": where, "first": first}
        if _names_at_most(first, where):
            # As rules ask about the records that change: there is but one page.
            text = (
                f"query ($where: {record.name}Where, $first: Int{declared}) {{ {record.plural}"
                f"(where: $where, first: $first, orderBy: [{{id: ASC}}]) {{ nodes {{ {selection} }} }} }}"
            )
            (answer,) = ask(text, given, as_of=as_of).values()
            yield from answer["nodes"]
            return
        text = (
            f"query ($where: {record.name}Where, $first: Int, $after: String{declared}) {{ {record.plural}"
            f"(where: $where, first: $first, after: $after, orderBy: [{{id: ASC}}]) "
            f"{{ nodes {{ {selection} }} pageInfo {{ endCursor hasNextPage }} }} }}"
        )
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            (answer,) = ask(text, {**given, "after": page["endCursor"]}, as_of=as_of).values()
            yield from answer["nodes"]
            page = answer["pageInfo"]

    def _selection(self) -> str:
        parts = (
            f"{function} {{ {' '.join(self._selected_figure(function, name) for name in names)} }}"
            for function, names in self._fields.items()
        )
        return " ".join(["count", *parts])

    def _selected_figure(self, function: str, name: str) -> str:
        if not isinstance(self._kind(name), MoneyKind):
            return name
        return f"{name} {{ total {{ amount }} }}" if function == "sum" else f"{name} {{ amount }}"

    def _kind(self, name: str) -> Kind:
        if name not in self._record.fields:
            raise InputError(
                sentence(
                    "{record} has no field {name!r}; see the schema for those it has",
                    record=self._record.name,
                    name=name,
                )
            )
        return self._record.fields[name].kind

    def _figures(self, keys: Mapping[str, Any], answer: Mapping[str, Any]) -> Figures:
        found: dict[str, dict[str, Any]] = {function: {} for function in ("sum", "avg", "min", "max")}
        for function, names in self._fields.items():
            for name in names:
                made = self._kind(name).aggregate_kind(function)
                found[function][name] = _python(made, function, answer[function][name])
        return Figures(keys, answer["count"], **found)


def _selected(key: GroupBy) -> str:
    """The selection of a key among the keys of a group."""
    ((name, rest),) = key.items()
    return f"{name} {{ {_selected(rest)} }}" if isinstance(rest, Mapping) else name


def _python(kind: Kind, function: str, value: Any) -> Any:
    """A figure as Python knows it; the sum of nothing is 0."""
    if isinstance(kind, MoneyKind) and value is not None:
        value = (value["total"] if function == "sum" else value)["amount"]
    if value is None:
        return Decimal(0) if function == "sum" else None
    match kind:
        case MoneyKind() | DecimalKind():
            return Decimal(value)
        case DateKind():
            return date.fromisoformat(value)
        case MomentKind():
            return datetime.fromisoformat(value)
    return value


def _names_at_most(most: int, where: Mapping[str, Any] | None) -> bool:
    """Whether a filter selects records by their ids, and no more than so many."""
    ids = (where or {}).get("id") or {}
    return len(ids.get("in") or ()) <= most if ids.get("in") is not None else ids.get("eq") is not None
