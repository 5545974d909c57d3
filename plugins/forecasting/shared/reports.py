"""How reports ask the catalog: sums and groups over any field, whoever's, and lists page by page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from guanxi import Context, InputError, Money
from guanxi.vocabulary import DateGrain, Outcome

Where = Mapping[str, Any]
Key = Mapping[str, Any]

_PLURALS = {"Opportunity": "opportunities", "PipelineState": "pipelineStates"}
_NO_VARIABLES: Mapping[str, tuple[str, Any]] = {}
_MONEY = frozenset({"expectedAmount", "weightedAmount", "actualAmount", "effectiveAmount"})


@dataclass(frozen=True, slots=True)
class Group:
    """Records that share their keys: how many there are, and the sums that were asked for."""

    keys: dict[str, Any]
    count: int
    sums: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of the pipeline.

    Attributes:
        moment: in the business.
        known_at: only what was recorded by then; all that is known today without it.
    """

    moment: datetime
    known_at: datetime | None = None

    def where(self) -> Where:
        """The states that held at the moment."""
        lasts = {"or": [{"validUntil": {"isNull": True}}, {"validUntil": {"gt": self.moment}}]}
        return every({"validFrom": {"lte": self.moment}}, lasts, self.known())

    def known(self) -> Where:
        """The states that were known."""
        if self.known_at is None:
            return {"supersededAt": {"isNull": True}}
        not_yet = [{"supersededAt": {"isNull": True}}, {"supersededAt": {"gt": self.known_at}}]
        return {"recordedAt": {"lte": self.known_at}, "or": not_yet}


def end_of(day: date) -> datetime:
    """The last moment of a day."""
    return datetime.combine(day + timedelta(days=1), time(), UTC) - timedelta(milliseconds=1)


def day_range(name: str, first: date, last: date) -> Where:
    """A date field lies between two days, both included."""
    return {name: {"gte": first, "lte": last}}


def moment_range(name: str, first: date, last: date) -> Where:
    """A moment lies between two days, both included."""
    return {name: {"gte": datetime.combine(first, time(), UTC), "lte": end_of(last)}}


def is_open() -> Where:
    """The state of an opportunity that is undecided."""
    return {"outcome": {"eq": Outcome.OPEN}}


def every(*conditions: Where | None) -> Where:
    """All of these that say something."""
    return {"and": [condition for condition in conditions if condition]}


def of_opportunity(*conditions: Where | None) -> Where | None:
    """The opportunity of a state or a sale meets these; nothing where none says anything."""
    said = [condition for condition in conditions if condition]
    return {"opportunity": {"and": said}} if said else None


def under(relation: str, by: Sequence[Key]) -> list[Key]:
    """Keys of a record, seen from one that leads to it."""
    return [{relation: key} for key in by]


def path_of(key: Key) -> tuple[str, ...]:
    """The names that lead to a key's field."""
    ((name, rest),) = key.items()
    return (name, *path_of(rest)) if isinstance(rest, Mapping) else (name,)


def grain_of(key: Key) -> DateGrain | None:
    """The grain of a key that is a date."""
    ((_, rest),) = key.items()
    if isinstance(rest, Mapping):
        return grain_of(rest)
    return None if rest is True else DateGrain(rest)


def value_at(keys: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What the keys of a group say at the end of a path."""
    found: Any = keys
    for name in path:
        found = None if found is None else found.get(name)
    return found


def mark(keys: Mapping[str, Any]) -> str:
    """The keys of a group as text, for comparison."""
    return json.dumps(keys, sort_keys=True, default=str)


class Asking:
    """Asks in one transaction.

    Args:
        ctx: of the transaction.
        most: groups and records that one query may give; as many as the settings allow without it.
    """

    def __init__(self, ctx: Context, most: int | None = None) -> None:
        self.ctx = ctx
        self.most = most

    @property
    def currency(self) -> str:
        """The reporting currency, in which all amounts are."""
        return self.ctx.reporting_currency

    @property
    def places(self) -> int:
        """Decimal places of its amounts."""
        exponent = Money(Decimal(0), self.currency).amount.as_tuple().exponent
        return -int(exponent)

    def total(self, record: str, where: Where, *sums: str) -> Group:
        """Number and sums of records."""
        text = f"query ($where: {record}Where!) {{ {_plural(record)}Aggregate(where: $where) {{ {_numbers(sums)} }} }}"
        (answer,) = self.ctx.query(text, {"where": where}).values()
        return _group({}, answer, sums)

    def groups(self, record: str, by: Sequence[Key], where: Where, *sums: str) -> list[Group]:
        """The same by keys.

        Raises:
            TooManyGroupsError: there are more than one query gives.
        """
        keys = " ".join(selected(key) for key in by)
        text = (
            f"query ($by: [{record}GroupKey!]!, $where: {record}Where!, $most: Int) {{ "
            f"{_plural(record)}GroupBy(by: $by, where: $where, first: $most) "
            f"{{ keys {{ {keys} }} aggregate {{ {_numbers(sums)} }} }} }}"
        )
        (answer,) = self.ctx.query(text, {"by": list(by), "where": where, "most": self.most}).values()
        if self.most is not None and len(answer) >= self.most:
            raise TooManyGroupsError(self.most)
        return [_group(found["keys"], found["aggregate"], sums) for found in answer]

    def grouped(self, record: str, by: Sequence[Key], where: Where, *sums: str) -> list[Group]:
        """Groups, or the whole as the only one where there are no keys."""
        return self.groups(record, by, where, *sums) if by else [self.total(record, where, *sums)]

    def pages(
        self, record: str, where: Where, selection: str, variables: Mapping[str, tuple[str, Any]] = _NO_VARIABLES
    ) -> Iterator[dict[str, Any]]:
        """All records of a list in the order of their ids, with what is selected of each.

        Args:
            record: its type.
            where: which ones.
            selection: the fields, which may use the variables.
            variables: type and value by name.
        """
        named = "".join(f", ${name}: {type_}" for name, (type_, _) in variables.items())
        given = {name: value for name, (_, value) in variables.items()} | {"where": where, "first": self.most}
        text = (
            f"query ($where: {record}Where!, $first: Int, $after: String{named}) {{ {_plural(record)}"
            f"(where: $where, first: $first, after: $after, orderBy: [{{id: ASC}}]) "
            f"{{ nodes {{ {selection} }} pageInfo {{ endCursor hasNextPage }} }} }}"
        )
        after = None
        while True:
            (answer,) = self.ctx.query(text, {**given, "after": after}).values()
            yield from answer["nodes"]
            if not answer["pageInfo"]["hasNextPage"]:
                return
            after = answer["pageInfo"]["endCursor"]


class TooManyGroupsError(InputError):
    """There are more groups than one query gives."""

    def __init__(self, most: int) -> None:
        super().__init__(f"by: this makes {most} groups or more; take fewer keys, or a narrower where")


def _plural(record: str) -> str:
    return _PLURALS.get(record, f"{record[:1].lower()}{record[1:]}s")


def selected(key: Key) -> str:
    """The selection of a key among the keys of a group."""
    ((name, rest),) = key.items()
    return f"{name} {{ {selected(rest)} }}" if isinstance(rest, Mapping) else name


def _numbers(sums: Sequence[str]) -> str:
    parts = " ".join(f"{name} {{ total {{ amount }} }}" if name in _MONEY else name for name in sums)
    return f"count sum {{ {parts} }}" if parts else "count"


def _group(keys: dict[str, Any], answer: Mapping[str, Any], sums: Sequence[str]) -> Group:
    found = {}
    for name in sums:
        value = answer["sum"][name]
        found[name] = Decimal((value["total"]["amount"] if name in _MONEY else value) or 0)
    return Group(keys, answer["count"], found)
