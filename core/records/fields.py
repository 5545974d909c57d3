"""What a plugin, and the core before it, declares: fields of records, and jobs."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from core.db.locks import EVERYTHING, Key
from core.db.sql import Expression
from core.records.record import Facet, Record, Table


class MoneyExpression(NamedTuple):
    """A money value in SQL: minor units, currency, and minor units of the reporting currency."""

    minor: Expression
    currency: Expression
    reporting: Expression


class Row(Protocol):
    """One row of a record inside a statement, as the expression of an SQL field sees it.

    An attribute is a column of the record's own table, by its Python name: `row.employee_count`.
    """

    @property
    def as_of(self) -> Expression:
        """The business date of the request: a bind, never the database's clock."""
        ...

    @property
    def now(self) -> Expression:
        """The moment of the request: a bind as well."""
        ...

    @property
    def actor(self) -> Expression:
        """The caller's id."""
        ...

    def as_fact(self) -> "Row":
        """The same row, on the way from which the caller's row scopes do not count: values are facts of a record."""
        ...

    def __getattr__(self, name: str) -> Any:
        """A column of the record's own table."""
        ...

    def column(self, name: str) -> Any:
        """The same by its name, for a column that is called like something else here, such as `source`."""
        ...

    def facet(self, facet: type[Facet]) -> Any:
        """The record's row in a facet table, joined once; where there is no row, its columns have their defaults."""
        ...

    def joined(self, model: type[Table], by: str, value: Expression) -> Any:
        """The row of a table whose column `by` has a value, joined once; of several such rows there must be one."""
        ...

    def to(self, relation: str) -> "Row":
        """The row a to-one relation leads to: `row.to("stage").win_probability`."""
        ...

    def other(self, path: str, type: type) -> Any:
        """Another SQL field, by its name in the API: `row.other("Customer.creditScore", int)`.

        A null of that type where no plugin provides it. A `Money` field gives a `MoneyExpression`.
        """
        ...

    def bind(self, value: Callable[[datetime], Any], type: type) -> Expression:
        """A value computed from the moment of the request, such as the date a year ago."""
        ...

    def over(
        self,
        record: type[Record],
        by: str,
        value: "Callable[[Row], Any]",
        where: "Callable[[Row], Any] | None" = None,
    ) -> Expression:
        """An aggregate over the living records that refer to this one by column `by`.

        `row.over(Contact, "customer_id", lambda contact: func.count())`.
        """
        ...

    def within(self, by: str, value: "Callable[[Row], Any]") -> Expression:
        """The sum of a whole number over this record and the living ones below it, at any depth, by a column.

        `row.within("parent_id", lambda member: member.employee_count)`; the column refers to a record of the same type.
        """
        ...


FieldExpression = Callable[[Row], Any]
BatchFunction = Callable[[Any, Sequence[Mapping[str, Any]]], Sequence[Any] | Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class History:
    """Where a plugin keeps what a field of a record was: `History(TierChange, "customer_id", "changed_at", "tier")`.

    Attributes:
        record: records of the plugin, one for each change.
        by: the column by which they refer to the record with the field.
        at: the column with the moment since when it had the value.
        value: the column with the value.
    """

    record: type[Record]
    by: str
    at: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field on a record, the plugin's own or another's. The core declares its derived fields the same way.

    Attributes:
        path: record and field in the API's spelling: `Customer.loyaltyPoints`.
        sql: a facet's column (`Points.earned`) or a function from the row to an expression. Usable in everything.
        description: one sentence for the schema.
        type: Python type of the value: str, int, Decimal, bool, date, datetime, an enumeration, Money, list of str or
            of an enumeration. Read off a facet's column where that is given.
        python: a batch function `(ctx, rows) -> values` for what SQL cannot say; output only. Sync or async.
        needs: API names of the fields the batch function gets.
        writable: appears in create, update, upsert and import: a facet's column, or with neither `sql` nor `python`
            something that is said with a change and that nothing stores. Hooks find that in `change.said`; the special
            mutations of the record take it too.
        permission: name of the permission that is needed to use it anywhere; None for everybody.
        personal: personal data, emptied in its facet and in the log when the person it is about is erased.
        filter, order, group, aggregate: what it may be used for; by default all that its type allows.
        non_null: always has a value. Only the core's own fields may be.
        deprecated: why not to use it any longer, and what to use instead.
        history: what the field was at a moment, for `asOf` of a single record: where that is kept, or a batch function
            like `python`, whose rows have `id` and `at`. What input sets needs none, since the log has it.
    """

    path: str
    sql: Any = None
    description: str = ""
    type: Any = None
    python: BatchFunction | None = None
    needs: Sequence[str] = ()
    writable: bool = False
    permission: str | None = None
    personal: bool = False
    filter: bool = True
    order: bool = True
    group: bool = True
    aggregate: bool = True
    non_null: bool = False
    deprecated: str | None = None
    history: History | BatchFunction | None = None

    @property
    def record(self) -> str:
        """Name of the record it is on."""
        return self.path.partition(".")[0]

    @property
    def name(self) -> str:
        """Its own name in the API."""
        return self.path.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Job:
    """Periodic work of a plugin: expiry, reminders, snapshots, training.

    Attributes:
        name: snake case; its name in `guanxi jobs run`.
        every: how often. The first time is as soon as a server runs; missed runs are made up for by one.
        run: a plain function that gets the plugin's context in a transaction of its own. What it returns is shown by
            `guanxi jobs`: what it did, in a few words, or None. It may be repeated, so it goes by the clock and by what
            it finds, never by when it ran last. An async function is for what waits for others, such as another
            server: it holds up no other job, gets the context of async hooks, without a session, and can be hurried
            by `ctx.hurry`.
        description: one sentence.
        locks: keys of the plugin that a run takes before it begins, as `lock_keys` returns them. By default the empty
            key, which excludes all others of the plugin; without any, the run takes its own by `ctx.lock`.
        at_start_of_day: it runs at the start of each day of the business as well, for what a day ends or begins.
    """

    name: str
    every: timedelta
    run: Callable[[Any], str | None] | Callable[[Any], Awaitable[str | None]]
    description: str
    locks: Iterable[Key] = (EVERYTHING,)
    at_start_of_day: bool = False
