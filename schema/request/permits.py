"""What a caller may write: row by row, found out inside the transaction that writes."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

import orjson

from core.access.permissions import Right
from core.access.permit import FetchRows, Permit
from core.base.errors import UserError
from core.base.sentences import Term, noun, replaced, sentence, term
from core.base.text import with_article, words
from core.db.transaction import SqlStatement
from core.log.events import Action
from schema.catalog.access import Access, lacking
from schema.plan.plan import Plan
from schema.plan.planner import Planner
from schema.sql.binds import Moment

#: The right that each action needs.
RIGHTS: Mapping[Action, Right] = {
    Action.CREATED: Right.CREATE,
    Action.UPDATED: Right.CHANGE,
    Action.DELETED: Right.DELETE,
    Action.RESTORED: Right.DELETE,
    Action.DESTROYED: Right.DESTROY,
}

_ID = re.compile(r"\b([a-z]{3,12})_[0-9a-z]{6,}\b")


class PermitPlans:
    """The statements that find out, prepared once for each access."""

    def __init__(self, planner: Planner) -> None:
        self.catalog = planner.catalog
        self._planner = planner
        self.plan = lru_cache(1000)(self._plan)

    def _plan(self, access: Access, record: str, right: Right) -> Plan:
        return self._planner.permitted(self.catalog.records[record], right, access)


class AccessPermit(Permit):
    """What one caller may write and refer to under its access."""

    def __init__(self, plans: PermitPlans, access: Access, moment: Callable[[Collection[str]], Moment]) -> None:
        """A permit for one request.

        Args:
            plans: of the app.
            access: what the caller may see and do.
            moment: what the values of a statement about some records are read from.
        """
        self.access = access
        self.is_limited = access.writes is not None
        self._plans = plans
        self._moment = moment

    def has(self, permission: str | None) -> bool:
        """Whether it has a permission that is about no record."""
        return self.access.has(permission)

    def may(self, record: str, right: Right) -> bool:
        """Whether it may do something with records of a type at all."""
        return self.access.may(record, right)

    def is_scoped(self, record: str, right: Right) -> bool:
        """Whether it may do that with some rows of a record only."""
        return self.access.limit(record, right) is not None

    def allowed(self, fetch: FetchRows, record: str, right: Right, ids: Collection[str]) -> Collection[str]:
        """Those of some records with which it may do something, as a transaction sees them."""
        if not self.is_limited:
            return ids
        if not ids or not self.access.may(record, right):
            return ()
        if self.access.limit(record, right) is None:
            return ids
        plan = self._plans.plan(self.access, record, right)
        rows = fetch(SqlStatement(plan.sql, plan.values(self._moment(sorted(ids)))))
        found: list[str] = orjson.loads(rows[0][0]) if rows and rows[0][0] else []
        return set(found)

    def concealed(self, fetch: FetchRows, errors: Iterable[UserError], given: Any) -> list[UserError]:
        """Errors as it may read them: without records and reasons that it may not see, but for ids it has given."""
        known = list(errors)
        if not self.is_limited:
            return known
        seen = set(texts(given))
        named: dict[str, set[str]] = {}
        catalog = self._plans.catalog
        for error in known:
            for match in _ID.finditer(" ".join((error.message, *texts(error.params)))):
                record = catalog.by_prefix(match.group(1))
                if record is not None and match.group(0) not in seen:
                    named.setdefault(record.name, set()).add(match.group(0))
        for name, ids in named.items():
            seen.update(self.allowed(fetch, name, Right.READ, ids))
        told = [error for error in known if not error.warning or error.reveals is None or error.reveals in seen]
        return [self._concealed(error, seen) for error in told]

    def _concealed(self, error: UserError, seen: Collection[str]) -> UserError:
        if not self.access.has(error.permission):
            message = sentence(
                "a rule of {plugin} decides; its reason needs the permission {permission}",
                plugin=error.plugin,
                permission=error.permission,
            )
            if error.plugin is None:
                message = sentence(
                    "a rule of the core decides; its reason needs the permission {permission}",
                    permission=error.permission,
                )
            return replace(error, message=message)

        def shown(match: re.Match[str]) -> str:
            record = self._plans.catalog.by_prefix(match.group(1))
            if record is None or match.group(0) in seen:
                return match.group(0)
            return f"{with_article(words(record.singular))} that you may not see"

        def known(text: str) -> str:
            whole = _ID.fullmatch(text)
            record = None if whole is None else self._plans.catalog.by_prefix(whole.group(1))
            if record is None or text in seen:
                return _ID.sub(shown, text)
            name = noun(record.singular)
            return sentence("{record} that you may not see", record=Term(name.template, with_article(name)))

        return replace(error, message=replaced(error.message, known))


def refused(record: str, right: Right, id: str | None, verb: Term | None = None) -> UserError:
    """The error of a row with which the caller may not do what it asks for.

    Args:
        record: name of its type.
        right: that the caller lacks.
        id: of the row; None for a new one.
        verb: what it wants to do, where that is not what the right is named after.
    """
    if id is None:
        return UserError("FORBIDDEN", lacking(record, right))
    return UserError(
        "FORBIDDEN",
        sentence(
            "id: you may not {right} {record} {id!r}",
            right=verb or term(right.lower()),
            record=noun(record),
            id=id,
        ),
        ("id",),
    )


def texts(value: Any) -> Iterator[str]:
    """All texts in a value, such as the input of a mutation."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
