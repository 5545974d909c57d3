"""Reports: results of respondents by any grouping and by cause, against the target, by value, with intervals.

Rules S2, S4, X21. Respondents are people: of several responses of one person in a group, the latest that shows a
measure is the one that counts by it, as in the results of customers (S3).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from guanxi import Context, fold
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.rules import RespondentAnswer
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


@dataclass(slots=True)
class Tally:
    """The responses of a group, as far as they count: each respondent's latest by each measure.

    Attributes:
        responses: how many there are.
        latest: measure and respondent to the response that counts.
        customers: respondent to its customer; None in an anonymous survey.
        values: customer and survey to the customer's value in the reporting currency, as far as its responses show
            satisfaction.
    """

    responses: int = 0
    latest: dict[SatisfactionMeasure, dict[str, RespondentAnswer]] = field(default_factory=lambda: defaultdict(dict))
    customers: dict[str, str | None] = field(default_factory=dict)
    values: dict[str, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))

    def add(self, answer: RespondentAnswer, survey: str, customer: str | None, value: Decimal | None) -> None:
        """Counts a response to a survey, with its part of the customer's value."""
        self.responses += 1
        self.customers[answer.respondent] = customer
        for measure in answer.values:
            known = self.latest[measure].get(answer.respondent)
            if known is None or (known.answered_on, known.id) < (answer.answered_on, answer.id):
                self.latest[measure][answer.respondent] = answer
        if customer is not None and value is not None and SatisfactionMeasure.RATE in answer.values:
            self.values[customer][survey] += value

    def marks(self, measure: SatisfactionMeasure) -> dict[str, int]:
        """Each respondent's value by a measure, in hundredths."""
        return {respondent: one.values[measure] for respondent, one in self.latest[measure].items()}


@dataclass(frozen=True, slots=True)
class Group:
    """A group of responses: its keys as name and value, and its results."""

    keys: Sequence[tuple[str, Any]]
    tally: Tally
    settings: SatisfactionSettings

    @property
    def respondents(self) -> int:
        """Number of people whose answers show whether they are satisfied."""
        return len(self.tally.latest[SatisfactionMeasure.RATE])

    @property
    def satisfied(self) -> int:
        """Number of these that are satisfied."""
        return sum(mark > 0 for mark in self.tally.marks(SatisfactionMeasure.RATE).values())

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
        marks = self.tally.marks(SatisfactionMeasure.RATE)
        people: dict[str, list[bool]] = defaultdict(list)
        for respondent, mark in marks.items():
            people[self.tally.customers[respondent] or ""].append(mark > 0)
        values = {
            customer: sum(surveys.values(), Decimal(0)) / len(surveys)
            for customer, surveys in self.tally.values.items()
        }
        satisfied = (value * sum(people[customer]) / len(people[customer]) for customer, value in values.items())
        return rules.percent(sum(satisfied, Decimal(0)), sum(values.values(), Decimal(0)))

    @property
    def categories(self) -> tuple[int, int, int]:
        """Numbers of promoters, passives and detractors."""
        points = list(self.tally.marks(SatisfactionMeasure.NPS).values())
        return sum(one > 0 for one in points), points.count(0), sum(one < 0 for one in points)

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
        return rules.mean_of(self.tally.marks(measure).values())


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
_ROW = " ".join(
    [
        "id surveyId contactId customerId answeredOn expectationCauses customerValue { amount }",
        *_FIELDS.values(),
    ]
)


def report(ctx: Context, scope: ReportScope, settings: SatisfactionSettings) -> Report:
    """Reports on some responses.

    Args:
        ctx: asks the catalog.
        scope: what is reported on.
        settings: the policy.

    Raises:
        TooManyGroupsError: there are too many groups.
    """
    keys = [_GroupKey(ctx, key) for key in scope.by]
    found = {
        tuple(key.shown(group.keys) for key in keys): Tally()
        for group in ctx.groups("SurveyResponse", scope.by, scope.condition, as_of=scope.as_of)
    }
    causes = {cause: Tally() for cause in ExpectationCause}
    selection = " ".join([_ROW, *(key.selection for key in keys)])
    for node in ctx.pages("SurveyResponse", selection, scope.condition, as_of=scope.as_of):
        value = node["customerValue"] and Decimal(node["customerValue"]["amount"])
        one = answer_in(node, settings)
        for tally in (
            found[tuple(key.of(node) for key in keys)],
            *(causes[ExpectationCause(cause)] for cause in node["expectationCauses"]),
        ):
            tally.add(one, node["surveyId"], node["customerId"], value)
    names = [".".join(key.path) for key in keys]
    return Report(
        groups=[Group(list(zip(names, values, strict=True)), tally, settings) for values, tally in found.items()],
        causes=[
            Group([("expectationCause", cause.value)], tally, settings)
            for cause, tally in causes.items()
            if tally.responses
        ],
    )


def respondent_in(node: Mapping[str, Any]) -> str:
    """Who answered a response: the contact, else the customer; of an anonymous one, somebody of its own."""
    return str(node["contactId"] or node["customerId"] or node["id"])


def answer_in(node: Mapping[str, Any], settings: SatisfactionSettings) -> RespondentAnswer:
    """A response as the report counts it."""
    values = {measure: _hundredths(node[name]) for measure, name in _FIELDS.items() if node[name] is not None}
    deciding = values.get(rules.deciding_measure(settings.satisfied_by))
    if deciding is not None:
        from_rating = int(settings.satisfied_from_rating * 100)
        satisfied = rules.is_satisfied(settings.satisfied_by, deciding, deciding, from_rating)
        values[SatisfactionMeasure.RATE] = rules.WHOLE if satisfied else 0
    return RespondentAnswer(node["id"], respondent_in(node), date.fromisoformat(node["answeredOn"]), values)


def _hundredths(value: Any) -> int:
    return int(Decimal(value) * 100)


class _GroupKey:
    """A key of the groups, read of a response as the group shows it."""

    def __init__(self, ctx: Context, key: Mapping[str, Any]) -> None:
        self._calendar = ctx.calendar
        self.path, leaf = _way(key)
        self._grain = leaf if isinstance(leaf, str) else None
        self._shown: dict[Any, Any] = {}

    @property
    def selection(self) -> str:
        """What is selected of a response."""
        return " { ".join(self.path) + " }" * (len(self.path) - 1)

    def shown(self, keys: Mapping[str, Any]) -> Any:
        """The value a group shows, which its responses are found by."""
        value = _value(keys, self.path)
        self._shown[value] = value
        self._shown.setdefault(_folded(value), value)
        return value

    def of(self, node: Mapping[str, Any]) -> Any:
        """The value of the group a response belongs to; of a text that may be another spelling."""
        value = _value(node, self.path)
        if self._grain is not None and value is not None:
            value = self._calendar.first_of(self._day(value), self._grain).isoformat()
        return self._shown[value] if value in self._shown else self._shown[_folded(value)]

    def _day(self, value: str) -> date:
        return date.fromisoformat(value) if "T" not in value else self._calendar.day_of(datetime.fromisoformat(value))


def _way(key: Mapping[str, Any]) -> tuple[Sequence[str], Any]:
    """The way to a group key and what is said of it: `{customer: {region: true}}` leads to customer, region."""
    ((name, inner),) = key.items()
    if not isinstance(inner, Mapping):
        return [name], inner
    rest, leaf = _way(inner)
    return [name, *rest], leaf


def _value(keys: Any, path: Iterable[str]) -> Any:
    for step in path:
        keys = None if keys is None else keys[step]
    return keys


def _folded(value: Any) -> Any:
    """A value as it compares without case, like the keys of groups."""
    return fold(value) if isinstance(value, str) else value
