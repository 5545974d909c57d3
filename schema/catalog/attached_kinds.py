"""Tags and external ids as fields of every record: shown as lists, filtered by what they hold."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import and_, func, not_, select
from sqlalchemy.sql.elements import ColumnElement

from core.base.text import fold
from core.db.sql import Expression, one_of
from core.log.attachments import ExternalId, Tag
from schema.catalog.kind import Condition, Filter, Kind, refuse_null
from schema.sql.binds import Binds
from schema.sql.json import TEXT, WHOLE, json_rows
from schema.sql.selections import Selection


class _Attached(Kind):
    can_order = False
    can_group = False


class TagsKind(_Attached):
    """The free words on a record. The value in SQL is the record's id."""

    graphql = input = "list[str]"
    filter_name = "TagsFilter"

    def json(self, value: Any, selection: Selection) -> Expression:
        tag = Tag.__table__.alias()
        names = select(tag.c.name).where(tag.c.record_id == value).order_by(tag.c.name).subquery()
        return select(json_rows(names.c.name, [names.c.name])).select_from(names).scalar_subquery()

    def conditions(
        self, value: Any, given: Filter, binds: Binds, folded_value: Callable[[], Expression] | None = None
    ) -> Iterator[Condition]:
        for operator, operand in given.items():
            refuse_null(operator, operand)
            tag = Tag.__table__.alias()
            mine = select(tag.c.name).where(tag.c.record_id == value)
            if operator == "isEmpty":
                yield not_(mine.exists()) if operand else mine.exists()
                continue
            wanted = binds.many([operand] if operator == "has" else operand, TEXT, fold)
            held = mine.where(one_of(tag.c.name_folded, wanted))
            if operator == "hasAll":
                distinct = held.with_only_columns(func.count(tag.c.name_folded.distinct())).scalar_subquery()
                count = binds.value(operand, WHOLE, lambda names: len({fold(name) for name in names}))
                yield distinct == count
            else:
                yield held.exists()


class ExternalIdsKind(_Attached):
    """A record's ids in other systems. The value in SQL is the record's id."""

    graphql = "list[ExternalId]"
    input = "list[ExternalIdInput]"
    filter_name = "ExternalIdsFilter"

    def json(self, value: Any, selection: Selection) -> Expression:
        key = ExternalId.__table__.alias()
        mine = (
            select(key.c.system, key.c.value)
            .where(key.c.record_id == value)
            .order_by(key.c.system, key.c.value)
            .subquery()
        )
        built = selection.build(
            "ExternalId", {"system": lambda field: mine.c.system, "value": lambda field: mine.c.value}
        )
        return select(json_rows(built, [mine.c.system, mine.c.value])).select_from(mine).scalar_subquery()

    def conditions(
        self, value: Any, given: Filter, binds: Binds, folded_value: Callable[[], Expression] | None = None
    ) -> Iterator[Condition]:
        for operator, operand in given.items():
            refuse_null(operator, operand)
            key = ExternalId.__table__.alias()
            mine = select(key.c.value).where(key.c.record_id == value)
            if operator == "isEmpty":
                yield not_(mine.exists()) if operand else mine.exists()
                continue
            asked: list[ColumnElement[bool]] = [key.c.system == binds.value(operand["system"], TEXT)]
            if operand.get("values") is not None:
                asked.append(one_of(key.c.value, binds.many(operand["values"], TEXT)))
            yield mine.where(and_(*asked)).exists()
