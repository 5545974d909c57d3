"""The matrix of fields, callers and paths: each question is compiled for each caller, without a database."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues

from core.base.actors import Actor, Reach
from core.base.errors import ForbiddenError
from core.base.settings import load_settings
from core.db.engines import POSTGRESQL, SQLITE
from core.records.rows import dialect_of
from guanxi.design import Design
from schema.catalog.access import Access
from schema.catalog.catalog import CatalogField
from schema.plan.plan import Branch, Gap, Plan, Refusal
from schema.plan.planner import Planner
from schema.request.coercion import Coercion
from schema.request.limits import Limits
from schema.request.operations import Operation, RootField, Variant, Variation
from schema.request.sizes import DocumentMeasure
from schema.sql.binds import Moment
from tests.access.paths import Paths, Place, Question, Use
from tests.shares import is_due

ENGINES = (SQLITE, POSTGRESQL)

#: Found among the values of a statement that reads whose records are the caller's.
SENTINEL = "usr_whose_records_are_read"
_REACH = Reach((SENTINEL,), (SENTINEL,), (SENTINEL,), (SENTINEL,), (SENTINEL,))
MOMENT = Moment({}, datetime(2025, 1, 1, tzinfo=UTC), Actor(SENTINEL, reach=_REACH), b"secret", UTC)
_NOTHING = VariableValues({}, {})
_LIMITS = Limits.of(load_settings())


@dataclass
class Matrix:
    """What is found of one app.

    Attributes:
        cells: how many fields were asked by how many callers, by path.
        faults: what is answered otherwise than it should be.
    """

    design: Design
    paths: Paths
    cells: Counter[str] = field(default_factory=Counter)
    plans: int = 0
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._operation = cache(self._operation_of)
        self._needed = cache(self._needs)
        self.planner = cache(self._planner_of)
        self._asked: dict[str, set[Any]] = defaultdict(set)
        self._met = 0

    def check(self, actors: Collection[Actor]) -> None:
        """Asks everything as each of some callers; those for whom a question is the same one ask it together.

        The engines take turns: who sees what does not depend on them, and each question is put to both. The
        suite asks an eighth of all this.
        """
        for actor in actors:
            access = self.design.control.of(actor)
            for question in self._questions(access):
                self.cells[question.path] += len(question.uses or question.shown)
                alike = self._asked[question.text]
                caller = self._caller(access, question)
                if caller not in alike:
                    alike.add(caller)
                    self._met += 1
                    if is_due(self._met, 8):
                        self._ask(question, access, ENGINES[len(alike) % len(ENGINES)])

    def _caller(self, access: Access, question: Question) -> Any:
        """What a question depends on of a caller: the permissions it lacks, and which of the records are limited."""
        if question.record == "Event":
            return access
        records = (question.record, *question.reads)
        shown = ((one.record, one.field.name) for one in question.shown if one.field is not None)
        needed = {need for record, name in shown for need in self._needed(record, name)}
        needed |= {use.field.permission for use in question.uses}
        return frozenset(needed & access.denied), *((name in access.hidden, name in access.rows) for name in records)

    def _questions(self, access: Access) -> Iterator[Question]:
        yield from self.paths.selections
        for path in self.paths.uses:
            yield from path.questions(lambda use: self._may(use, access))

    # What is right

    def _needs(self, record: str, name: str) -> frozenset[str]:
        """The permissions without which a field is not shown: its own, and those of what it is made from."""
        fields = self.design.catalog.records[record].fields
        one = fields[name]
        return frozenset(each.permission for each in (one, *map(fields.__getitem__, one.needs)) if each.permission)

    def _may_show(self, access: Access, record: str, one: CatalogField) -> bool:
        return not self._needed(record, one.name) & access.denied

    def _may(self, use: Use, access: Access) -> bool:
        return use.field.permission not in access.denied

    def _is_refused(self, question: Question, access: Access) -> bool:
        if question.record in access.hidden or not all(self._may(use, access) for use in question.uses):
            return True
        return bool(question.uses) and not access.hidden.isdisjoint(question.reads)

    def _gaps(self, question: Question, access: Access) -> set[Place]:
        """The places where something may not be shown; below one of them nothing is asked."""
        found: set[Place] = set()
        for shown in question.shown:
            if any((*path, key) == shown.place[0][: len(path) + 1] for path, key in found):
                continue
            if shown.field is None:
                if shown.record in access.hidden:
                    found.add(shown.place)
            elif not self._may_show(access, shown.record, shown.field):
                found.add(shown.place)
        return found

    def _limited(self, question: Question, access: Access) -> int:
        """How many of the records that a question reads are limited to those that are the caller's."""
        owned = self.design.catalog.ownerships.keys() & access.rows.keys()
        if question.record == "Event":
            return bool(owned)
        return sum(record in owned and record not in access.hidden for record in (question.record, *question.reads))

    # What is answered

    def _operation_of(self, text: str, engine: str) -> Operation:
        document = parse(text)
        node = document.definitions[0]
        assert isinstance(node, OperationDefinitionNode)
        measure = DocumentMeasure(document)
        return Operation(
            self.paths.schema, self.planner(engine), Coercion(), _LIMITS, document, node, measure, lambda weight: None
        )

    def _planner_of(self, engine: str) -> Planner:
        return Planner(self.design.catalog, dialect_of(engine), lambda sql: True)

    def plan(self, text: str, access: Access, engine: str) -> RootField:
        """How a root field is answered."""
        (asked,) = Variant(self._operation(text, engine), Variation((), access, _NOTHING)).asked.values()
        return asked

    def _ask(self, question: Question, access: Access, engine: str) -> None:
        self.plans += 1
        asked = self.plan(question.text, access, engine)
        wrong = self._wrong(question, access, asked, engine)
        if wrong is not None:
            self.faults.append(
                f"{engine}, {access.name}: {question.path} of {question.record}: {wrong}\n{question.text}"
            )

    def _wrong(self, question: Question, access: Access, asked: RootField, engine: str) -> str | None:
        if self._is_refused(question, access):
            return None if isinstance(asked.error, ForbiddenError) else f"is not refused, but {asked.error}"
        if asked.plan is None:
            return f"is refused: {asked.error}"
        refusals = list(_refusals(asked.plan.gaps))
        others = [gap.error for gap in refusals if not isinstance(gap.error, ForbiddenError)]
        if others:
            return f"is at fault: {others[0]}"
        found, expected = {(gap.path, gap.key) for gap in refusals}, self._gaps(question, access)
        if found != expected:
            return f"is shown: {sorted(expected - found)}; is refused: {sorted(found - expected)}"
        read, limited = _reads(asked.plan), self._limited(question, access)
        # PostgreSQL sends a value once, however often it is used.
        if read < (limited if engine == SQLITE else bool(limited)):
            return f"limits {read} of {limited} records to those of the caller"
        return None


def _refusals(gaps: Any) -> Iterator[Refusal]:
    for gap in gaps:
        assert isinstance(gap, Gap)
        if isinstance(gap, Refusal):
            yield gap
        elif isinstance(gap, Branch):
            yield from _refusals(gap.plan.gaps)


def _reads(plan: Plan) -> int:
    """How often a statement reads whose records are the caller's; what is at its head counts wherever it is named."""
    marks = iter("!" if SENTINEL in str(value) else "?" for value in plan.values(MOMENT))
    if "?" not in plan.sql:
        return list(marks).count("!")
    text = re.sub(r"\?", lambda found: next(marks), plan.sql)
    heads: dict[str, int] = {}

    def weight(part: str) -> int:
        return part.count("!") + sum(heads.get(name, 0) for name in re.findall(r"FROM (t\d+)\b", part))

    places = [(found[1], found.end()) for found in re.finditer(r"(t\d+) AS (?:NOT MATERIALIZED )?\n\(", text)]
    for name, start in places:
        depth, end = 1, start
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        heads[name] = weight(text[start:end])
        text = text[:start] + " " * (end - start) + text[end:]
    return weight(text)
