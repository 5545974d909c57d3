"""Reports: results of respondents by any grouping and by cause, against the target, by value, with intervals.

Rules S2, S4, X21. Respondents are people: of several responses of one person in a group, the latest that shows a
measure is the one that counts by it, as in the results of customers (S3).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Double, Select, and_, cast, func, literal, select, union_all

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
#: What the rows of the statement are about, besides measures.
_RESPONSES, _VALUES = "RESPONSES", "VALUES"


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
    for about, *values, first, second, third, fourth in rows:
        tally = found[tuple(values)]
        if about == _RESPONSES:
            tally.responses = round(first)
        elif about == _VALUES:
            tally.satisfied_value, tally.value = Decimal(first or 0), Decimal(second or 0)
        else:
            numbers = (round(number or 0) for number in (first, second, third, fourth))
            tally.marks[SatisfactionMeasure(about)] = Marks(*numbers)
    return found


def respondent(rows: Any) -> Expression:
    """Who answered a response: the contact, else the customer; of an anonymous one, somebody of its own."""
    return func.coalesce(rows.c.contact, rows.c.customer, rows.c.id)


class _Statement:
    """The SELECT of the tallies: a row for each group and measure, with what its respondents show by it."""

    def __init__(self, keys: int, settings: SatisfactionSettings) -> None:
        self._keys = [f"key{number}" for number in range(keys)]
        self._settings = settings

    def select(self, rows: Any) -> Any:
        """All tallies of the responses that the rows are."""
        keys = self._of(rows)
        responses = self._row(_RESPONSES, keys, func.count()).select_from(rows).group_by(*keys)
        marks = {measure: rows.c[measure.value] for measure in _FIELDS}
        marks[SatisfactionMeasure.CES] = marks[SatisfactionMeasure.CES] * 100
        marks[SatisfactionMeasure.RATE] = self._rate(marks)
        latest = {measure: self._latest(rows, mark) for measure, mark in marks.items()}
        shown = [
            self._row(
                measure.value,
                self._of(one),
                func.count(),
                func.sum(one.c.mark),
                func.count().filter(one.c.mark > 0),
                func.count().filter(one.c.mark == 0),
            )
            .where(one.c.place == 1)
            .group_by(*self._of(one))
            for measure, one in latest.items()
        ]
        values = self._values(rows, marks[SatisfactionMeasure.RATE], latest[SatisfactionMeasure.RATE])
        return union_all(responses, *shown, values)

    def _of(self, rows: Any) -> list[Any]:
        return [rows.c[name] for name in self._keys]

    @staticmethod
    def _row(about: str, keys: Sequence[Any], *numbers: Any) -> Select[Any]:
        padded = [*numbers, *[literal(0)] * (4 - len(numbers))]
        labelled = [cast(number, Double).label(f"n{place}") for place, number in enumerate(padded)]
        return select(literal(about).label("about"), *keys, *labelled)

    def _rate(self, marks: Mapping[SatisfactionMeasure, Any]) -> Expression:
        gap, rating = marks[SatisfactionMeasure.GAP], marks[SatisfactionMeasure.RATING]
        from_rating = int(self._settings.satisfied_from_rating * 100)
        return rules.percent_if(rules.is_satisfied(self._settings.satisfied_by, gap, rating, from_rating))

    def _latest(self, rows: Any, mark: Expression) -> Any:
        """The responses that show a measure, each with its place among those of its respondent, the latest first."""
        mine = [*self._of(rows), respondent(rows)]
        place = func.row_number().over(partition_by=mine, order_by=[rows.c.day.desc(), rows.c.id.desc()])
        columns = [*self._of(rows), rows.c.customer, mark.label("mark"), place.label("place")]
        return select(*columns).where(mark.is_not(None)).subquery()

    def _values(self, rows: Any, rate: Expression, latest: Any) -> Select[Any]:
        """The value of customers in a group, the mean of what it is in each survey, and the part of the satisfied."""
        counted = rows.c.customer.is_not(None), rows.c.value.is_not(None), rate.is_not(None)
        by_survey = (
            select(*self._of(rows), rows.c.customer, func.sum(rows.c.value).label("value"))
            .where(*counted)
            .group_by(*self._of(rows), rows.c.customer, rows.c.survey)
            .subquery()
        )
        value = cast(func.sum(by_survey.c.value), Double) / func.count()
        valued = (
            select(*self._of(by_survey), by_survey.c.customer, value.label("value"))
            .group_by(*self._of(by_survey), by_survey.c.customer)
            .subquery()
        )
        part = cast(func.count().filter(latest.c.mark > 0), Double) / func.count()
        satisfied = (
            select(*self._of(latest), latest.c.customer, part.label("part"))
            .where(latest.c.place == 1)
            .group_by(*self._of(latest), latest.c.customer)
            .subquery()
        )
        same = [satisfied.c.customer == valued.c.customer]
        same += [satisfied.c[name].is_not_distinct_from(valued.c[name]) for name in self._keys]
        keys = self._of(valued)
        numbers = func.sum(valued.c.value * satisfied.c.part), func.sum(valued.c.value)
        return self._row(_VALUES, keys, *numbers).select_from(valued.join(satisfied, and_(*same))).group_by(*keys)


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
