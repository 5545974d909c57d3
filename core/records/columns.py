"""Columns as tables declare them: what they mean, what input they take, and what they refer to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import MappedColumn, mapped_column

from core.db.types import Scaled, Text
from core.records.forms import TEXT, TextForm

#: The permission that personal data needs, unless a column says otherwise.
PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """Describes a column beyond its type.

    Attributes:
        description: one sentence; it becomes the description in the schema.
        max_length, minimum, maximum, pattern: what input is refused, `hint` saying what is asked for.
        form: what the text is, such as an e-mail address: how it is checked and compared.
        personal: personal data, which `erasePersonalData` empties, here and in the log.
        permission: name of the permission that is needed to use it; None for everybody.
        read_only: kept by the system; no input sets it.
        internal: not a field of the API.
        long: a long text, compared and ordered less often, without a folded column of its own.
        exact: a code, compared by exact spelling, without a folded column.
        settled: the core fills it in where input leaves it out.
        past: a day, moment or year of something that has happened, so that it cannot be in the future.
        shared: a value that many records have, such as a region, so that an upsert does not find records by it, and
            that whoever erases one person does not take out of what is said elsewhere.
        references: the record a foreign key points at; `inverse` names the list on that record.
        part_of: the money field whose part this column is.
    """

    description: str = ""
    max_length: int | None = None
    minimum: Decimal | int | None = None
    maximum: Decimal | int | None = None
    pattern: str | None = None
    hint: str | None = None
    form: TextForm = TEXT
    personal: bool = False
    permission: str | None = None
    read_only: bool = False
    internal: bool = False
    long: bool = False
    exact: bool = False
    settled: bool = False
    past: bool = False
    shared: bool = False
    references: type[Any] | str | None = None
    inverse: str | None = None
    inverse_description: str | None = None
    part_of: str | None = None

    @property
    def target(self) -> str | None:
        """The name of the record that a foreign key points at."""
        return self.references.__name__ if isinstance(self.references, type) else self.references


@dataclass(frozen=True, slots=True)
class MoneyInfo:
    """A money field of a table: three columns `<name>_minor`, `<name>_currency`, `<name>_reporting`."""

    name: str
    nullable: bool
    info: ColumnInfo = field(default_factory=ColumnInfo)


def column(
    description: str,
    *,
    default: Any = ...,
    default_factory: Callable[[], Any] | None = None,
    index: bool = False,
    primary_key: bool = False,
    scale: int | None = None,
    max_length: int | None = None,
    minimum: Decimal | int | None = None,
    maximum: Decimal | int | None = None,
    pattern: str | None = None,
    hint: str | None = None,
    form: TextForm = TEXT,
    personal: bool = False,
    permission: Any = ...,
    read_only: bool = False,
    internal: bool = False,
    long: bool = False,
    exact: bool = False,
    settled: bool = False,
    past: bool = False,
    shared: bool = False,
) -> Any:
    """Declares a column: what it means and what input it takes.

    Args:
        description: one sentence for the schema.
        default, default_factory: as of a dataclass field; neither makes it required.
        index: make its filter and order cheap.
        primary_key: for tables that are not records.
        scale: decimal places of a `Decimal`; two where it is left out.
        max_length, minimum, maximum, pattern: limits of input; `hint` says in words what the pattern asks for.
        form: what a text, or each text of a list, is: `EMAIL`, `PHONE` or `LINK` of `guanxi`. It is checked, stored as
            typed, and compared in a form in which two spellings of the same are one.
        personal: personal data, emptied when the person it is about is erased.
        permission: name of the permission that is needed to see, use or change it, None for everybody; by default
            `personal` for personal data, else None.
        read_only: kept by the system, in no input.
        internal: not a field of the API.
        long: a long text (see `ColumnInfo.long`).
        exact: a code, compared by exact spelling, without a folded column.
        settled: filled in by the core where input leaves it out.
        past: a day, moment or year of something that has happened: it is refused where it is in the future.
        shared: a value that many records have, such as a region: rows of an upsert are not found by it, and what is
            said elsewhere keeps it where the personal data of one is erased.
    """
    if permission is ...:
        permission = PERSONAL if personal else None
    info = ColumnInfo(
        description,
        max_length,
        minimum,
        maximum,
        pattern,
        hint,
        form,
        personal,
        permission,
        read_only,
        internal,
        long,
        exact,
        settled,
        past,
        shared,
    )
    type_ = None if scale is None else Scaled(scale)
    return sql_column(info, default, default_factory, index=index, primary_key=primary_key, type_=type_)


def reference(
    to: type[Any] | str,
    description: str,
    *,
    inverse: str | None = None,
    inverse_description: str | None = None,
    default: Any = ...,
    on_destroy: str | None = None,
    primary_key: bool = False,
    read_only: bool = False,
    settled: bool = False,
) -> Any:
    """Declares a reference to a record: the column of a to-one relation, and of the list at its other end.

    Args:
        to: the record or other table with a column `id`, or its name where it is declared later in the same registry.
        description: one sentence for the schema.
        inverse: the name of the list on the other record, such as `contacts`; none gives it no list.
        inverse_description: one sentence for that list.
        default: None makes the reference optional; left out, it is required.
        on_destroy: `CASCADE` or `SET NULL` when the other record is destroyed; without it that is refused.
        primary_key: for tables that are not records.
        read_only: kept by the system, in no input.
        settled: filled in by the core where input leaves it out.
    """
    info = ColumnInfo(
        description,
        settled=settled,
        references=to,
        inverse=inverse,
        inverse_description=inverse_description,
        read_only=read_only,
        exact=True,
    )
    # The class completes a name with the plugin's prefix.
    key = None if isinstance(to, str) else ForeignKey(to.__table__.c.id, ondelete=on_destroy)
    made = sql_column(info, default, None, index=not primary_key, primary_key=primary_key, type_=Text, key=key)
    made.column.info["on_destroy"] = on_destroy
    return made


def sql_column(
    info: ColumnInfo,
    default: Any = ...,
    default_factory: Callable[[], Any] | None = None,
    *,
    index: bool = False,
    primary_key: bool = False,
    type_: Any = None,
    key: ForeignKey | None = None,
) -> MappedColumn[Any]:
    """A column as SQLAlchemy's mapping takes it; its `ColumnInfo` is in its `info`."""
    value = default_factory or default
    given = {} if value is ... else {"default": value}
    return mapped_column(
        *(part for part in (type_, key) if part is not None),
        primary_key=primary_key,
        insert_default=given.get("default"),
        info={"column": info, "index": index, **given},
    )


def column_info(column: Any) -> ColumnInfo:
    """The `ColumnInfo` of a table's column; that of a plain annotated attribute is empty."""
    found: ColumnInfo = column.info.get("column") or ColumnInfo()
    return found
