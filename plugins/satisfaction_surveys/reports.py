"""Reports: results of respondents by any grouping and by cause, against the target, by value, with intervals.

Rules S2, S4, X21. Respondents are people: of several responses of one person in a group, the latest that shows a
measure is the one that counts by it, as in the results of customers (S3).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import starmap
from typing import Any

from sqlalchemy import BigInteger, Double, and_, case, cast, func, select, true

from guanxi import Context, fold
from guanxi.sql import Expression
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.vocabulary import ExpectationCause, SatisfactionMeasure

#: The values of a group's keys.
GroupValues = tuple[Any, ...]
Interval = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class ReportScope:
    """The scope of a report.

    Attributes:
        where: which responses.
        by: the keys they are grouped by; without any, all are one group.
        as_of: the last day that counts.
    """

    where: Mapping[str, Any]
    by: Sequence[Mapping[str, Any]]
    as_of: date

    @property
    def condition(self) -> Mapping[str, Any]:
        """The `where` of the responses that count."""
        return {"and": [dict(self.where), {"answeredOn": {"lte": self.as_of.isoformat()}}]}


@dataclass(frozen=True, slots=True)
class Marks:
    """What a group's respondents show by a measure.

    Attributes:
        respondents: how many they are.
        total: the sum of their values, in hundredths.
        positive, zero: how many of the values are so.
    """

    respondents: int = 0
    total: int = 0
    positive: int = 0
    zero: int = 0


@dataclass(slots=True)
class Tally:
    """The responses of a group, as far as they count.

    Attributes:
        responses: how many there are.
        marks: what their respondents show, by measure.
        satisfied_value, value: of the customers whose respondents show satisfaction, in the smallest unit of the
            reporting currency: the part of those satisfied, and the whole.
    """

    responses: int = 0
    marks: dict[SatisfactionMeasure, Marks] = field(default_factory=lambda: defaultdict(Marks))
    satisfied_value: Decimal = Decimal(0)
    value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of responses: its keys as name and value, and its results."""

    keys: Sequence[tuple[str, Any]]
    tally: Tally
    settings: SatisfactionSettings

    @property
    def respondents(self) -> int:
        """Number of people whose answers show whether they are satisfied."""
        return self.tally.marks[SatisfactionMeasure.RATE].respondents

    @property
    def satisfied(self) -> int:
        """Number of these that are satisfied."""
        return self.tally.marks[SatisfactionMeasure.RATE].positive

    @property
    def rate(self) -> Decimal | None:
        """Satisfied respondents in percent of the respondents (S4)."""
        return rules.percent(self.satisfied, self.respondents)

    @property
    def attainment(self) -> Decimal | None:
        """The rate in percent of the target (S4)."""
        return rules.attainment(self.satisfied, self.respondents, self.settings.target_percent)

    @property
    def is_target_met(self) -> bool | None:
        """Whether that reaches the target (S4)."""
        if not self.respondents:
            return None
        return bool(rules.reaches(self.satisfied, self.respondents, int(self.settings.target_percent * 100)))

    @property
    def rate_interval(self) -> Interval | None:
        """The confidence interval of the rate."""
        return rules.rate_interval(self.satisfied, self.respondents, self.settings.confidence_percent)

    @property
    def weighted_rate(self) -> Decimal | None:
        """The rate weighted by the value of each customer, evenly among its respondents; None without values."""
        return rules.percent(self.tally.satisfied_value, self.tally.value)

    @property
    def categories(self) -> tuple[int, int, int]:
        """Numbers of promoters, passives and detractors."""
        points = self.tally.marks[SatisfactionMeasure.NPS]
        return points.positive, points.zero, points.respondents - points.positive - points.zero

    @property
    def nps(self) -> Decimal | None:
        """The net promoter score."""
        return rules.net_promoter_score(*self.categories)

    @property
    def nps_interval(self) -> Interval | None:
        """The confidence interval of the score."""
        return rules.nps_interval(*self.categories, self.settings.confidence_percent)

    def mean(self, measure: SatisfactionMeasure) -> int | None:
        """The mean over the respondents by a measure, in hundredths; None without any."""
        marks = self.tally.marks[measure]
        return rules.mean(marks.total, marks.respondents)


@dataclass(frozen=True, slots=True)
class Report:
    """The groups of some responses in the order of their keys, and the same responses by cause of the expectation."""

    groups: Sequence[Group]
    causes: Sequence[Group]


#: Field of a response by each measure but RATE, which depends on the policy supposed.
_FIELDS: Mapping[SatisfactionMeasure, str] = {
    SatisfactionMeasure.GAP: "satisfactionGap",
    SatisfactionMeasure.RATING: "actualRating",
    SatisfactionMeasure.NPS: "npsPoints",
    SatisfactionMeasure.CSAT: "csatPoints",
    SatisfactionMeasure.CES: "cesScore",
    SatisfactionMeasure.PERCEIVED_VALUE: "perceivedValue",
}
_COLUMNS: Mapping[str, str] = {
    "id": "id",
    "survey": "surveyId",
    "contact": "contactId",
    "customer": "customerId",
    "day": "answeredOn",
    "value": "customerValue",
    **{measure.value: name for measure, name in _FIELDS.items()},
}


def report(ctx: Context, scope: ReportScope, settings: SatisfactionSettings) -> Report:
    """Reports on some responses, in a number of statements that does not depend on how many there are.

    Args:
        ctx: asks the catalog.
        scope: what is reported on.
        settings: the policy.

    Raises:
        TooManyGroupsError: there are too many groups.
    """
    keys = [_GroupKey(key) for key in scope.by]
    found = {
        tuple(key.shown(group.keys) for key in keys): Tally()
        for group in ctx.groups("SurveyResponse", scope.by, scope.condition, as_of=scope.as_of)
    }
    for values, tally in _tallies(ctx, scope, scope.condition, settings).items():
        found[tuple(key.of(value) for key, value in zip(keys, values, strict=True))] = tally
    whole = replace(scope, by=())
    causes = {
        cause: _tallies(ctx, whole, {"and": [scope.condition, {"expectationCauses": {"has": cause.value}}]}, settings)
        for cause in ExpectationCause
    }
    names = [".".join(key.path) for key in keys]
    return Report(
        groups=[Group(list(zip(names, values, strict=True)), tally, settings) for values, tally in found.items()],
        causes=[
            Group([("expectationCause", cause.value)], tallies[()], settings)
            for cause, tallies in causes.items()
            if tallies[()].responses
        ],
    )


def _tallies(
    ctx: Context, scope: ReportScope, where: Mapping[str, Any], settings: SatisfactionSettings
) -> dict[tuple[Any, ...], Tally]:
    """The tallies of responses by the keys of the scope, all in one statement."""
    found: dict[tuple[Any, ...], Tally] = defaultdict(Tally)
    statement = _Statement(len(scope.by), settings)
    rows = ctx.derive("SurveyResponse", _COLUMNS, statement.select, where, by=scope.by, as_of=scope.as_of)
    for row in rows:
        values, (responses, satisfied_value, value), numbers = statement.parts(row)
        found[tuple(values)] = Tally(
            responses=responses,
            marks=defaultdict(Marks, zip(statement.measures, starmap(Marks, numbers), strict=True)),
            satisfied_value=Decimal(satisfied_value or 0),
            value=Decimal(value or 0),
        )
    return found


def respondent(rows: Any) -> Expression:
    """Who answered a response: the contact, else the customer; of an anonymous one, somebody of its own."""
    return func.coalesce(rows.c.contact, rows.c.customer, rows.c.id)


class _Statement:
    """The SELECT of the tallies: a row per group, with what its respondents show by each measure.

    Attributes:
        measures: in the order of the row.
    """

    measures: Sequence[SatisfactionMeasure] = (*_FIELDS, SatisfactionMeasure.RATE)

    def __init__(self, keys: int, settings: SatisfactionSettings) -> None:
        self._keys = [f"key{number}" for number in range(keys)]
        self._settings = settings

    def parts(self, row: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], list[list[int]]]:
        """The keys of a row, its responses with the values, and four numbers per measure."""
        start = len(self._keys) + 3
        numbers = [[number or 0 for number in row[place : place + 4]] for place in range(start, len(row), 4)]
        return row[: start - 3], row[start - 3 : start], numbers

    def select(self, rows: Any) -> Any:
        """All tallies of the responses that the rows are."""
        counted = self._counted(rows)
        tallies = select(*self._of(counted), func.count().label("responses"), *self._numbers(counted))
        found, values = tallies.group_by(*self._of(counted)).subquery(), self._values(counted)
        first = len(self._keys) + 1
        columns = [*list(found.c)[:first], values.c.satisfied, values.c.value, *list(found.c)[first:]]
        return select(*columns).select_from(found.outerjoin(values, self._same(found, values)))

    def _of(self, rows: Any) -> list[Any]:
        return [rows.c[name] for name in self._keys]

    def _same(self, one: Any, other: Any) -> Any:
        return and_(true(), *(one.c[name].is_not_distinct_from(other.c[name]) for name in self._keys))

    def _counted(self, rows: Any) -> Any:
        """The responses with their marks, and those marks alone that count: of a respondent's, the latest."""
        marks = {measure: rows.c[measure.value] for measure in _FIELDS}
        marks[SatisfactionMeasure.CES] = marks[SatisfactionMeasure.CES] * 100
        gap, rating = marks[SatisfactionMeasure.GAP], marks[SatisfactionMeasure.RATING]
        from_rating = int(self._settings.satisfied_from_rating * 100)
        satisfied = rules.is_satisfied(self._settings.satisfied_by, gap, rating, from_rating)
        marks[SatisfactionMeasure.RATE] = rules.percent_if(satisfied)
        # One window for all measures, whose rows are sorted once.
        so_far: dict[str, Any] = {
            "partition_by": [*self._of(rows), respondent(rows)],
            "order_by": [rows.c.day.desc(), rows.c.id.desc()],
            "rows": (None, 0),
        }
        seen = select(
            *self._of(rows),
            rows.c.customer,
            rows.c.survey,
            rows.c.value,
            *(mark.label(measure.value) for measure, mark in marks.items()),
            *(func.count(mark).over(**so_far).label(f"seen_{measure.value}") for measure, mark in marks.items()),
        ).subquery()
        latest = (
            case((seen.c[f"seen_{measure.value}"] == 1, seen.c[measure.value])).label(f"last_{measure.value}")
            for measure in marks
        )
        return select(seen, *latest).cte("counted").prefix_with("MATERIALIZED")

    def _numbers(self, counted: Any) -> Iterator[Any]:
        for measure in self.measures:
            mark = counted.c[f"last_{measure.value}"]
            numbers = [
                func.count(mark),
                func.sum(mark).cast(BigInteger),
                func.count().filter(mark > 0),
                func.count().filter(mark == 0),
            ]
            yield from (number.label(f"{measure.value}{place}") for place, number in enumerate(numbers))

    def _values(self, counted: Any) -> Any:
        """The value of the customers of each group, the mean of what it is in each survey, and the satisfied part."""
        rate, last = (counted.c[f"{prefix}{SatisfactionMeasure.RATE.value}"] for prefix in ("", "last_"))
        by_survey = (
            select(
                *self._of(counted),
                counted.c.customer,
                func.sum(counted.c.value).filter(rate.is_not(None)).label("value"),
                func.count(last).label("people"),
                func.count().filter(last > 0).label("satisfied"),
            )
            .where(counted.c.customer.is_not(None))
            .group_by(*self._of(counted), counted.c.customer, counted.c.survey)
            .subquery()
        )
        value = cast(func.sum(by_survey.c.value), Double) / func.count(by_survey.c.value)
        part = cast(func.sum(by_survey.c.satisfied), Double) / func.nullif(func.sum(by_survey.c.people), 0)
        by_customer = (
            select(*self._of(by_survey), value.label("value"), part.label("part"))
            .where(by_survey.c.value.is_not(None) | (by_survey.c.people > 0))
            .group_by(*self._of(by_survey), by_survey.c.customer)
            .having(func.count(by_survey.c.value) > 0)
            .subquery()
        )
        c = by_customer.c
        sums = func.sum(c.value * c.part).label("satisfied"), func.sum(c.value).label("value")
        return select(*self._of(by_customer), *sums).group_by(*self._of(by_customer)).subquery()


class _GroupKey:
    """A key of the groups, by which the statement's rows are found as the group shows it."""

    def __init__(self, key: Mapping[str, Any]) -> None:
        self.path = _way(key)
        self._shown: dict[Any, Any] = {}

    def shown(self, keys: Mapping[str, Any]) -> Any:
        """The value a group shows."""
        value = _value(keys, self.path)
        self._shown[value] = value
        self._shown.setdefault(_compared(value), value)
        return value

    def of(self, value: Any) -> Any:
        """The value the group shows that has this one in the statement."""
        return self._shown[value] if value in self._shown else self._shown[_compared(value)]


def _way(key: Mapping[str, Any]) -> Sequence[str]:
    """The way to a group key: `{customer: {region: true}}` leads to customer, region."""
    ((name, inner),) = key.items()
    return [name, *_way(inner)] if isinstance(inner, Mapping) else [name]


def _value(keys: Any, path: Iterable[str]) -> Any:
    for step in path:
        keys = None if keys is None else keys[step]
    return keys


def _compared(value: Any) -> Any:
    """A value as it is compared: texts without case, like the keys of groups; truth as JSON spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    return fold(value) if isinstance(value, str) else value
