"""Reports: results of responses by any grouping, against the target, by value, with intervals (S4, X21)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from guanxi import Context, Figures
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.settings import SatisfactionSettings, SatisfiedBy
from plugins.satisfaction_surveys.vocabulary import NpsCategory

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


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a group; values of customers are amounts in the reporting currency."""

    responses: int
    respondents: int
    satisfied: int
    value: Decimal
    satisfied_value: Decimal
    promoters: int
    passives: int
    detractors: int
    means: Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of responses: its keys as name and value, and its results."""

    keys: Sequence[tuple[str, Any]]
    counts: Counts
    settings: SatisfactionSettings

    @property
    def rate(self) -> Decimal | None:
        """Satisfied respondents in percent of the respondents (S4)."""
        return rules.percent(self.counts.satisfied, self.counts.respondents)

    @property
    def is_target_met(self) -> bool | None:
        """Whether that reaches the target (S4)."""
        if not self.counts.respondents:
            return None
        target = int(self.settings.target_percent * 100)
        return bool(rules.reaches(self.counts.satisfied, self.counts.respondents, target))

    @property
    def rate_interval(self) -> Interval | None:
        """The confidence interval of the rate."""
        return rules.rate_interval(self.counts.satisfied, self.counts.respondents, self.settings.confidence_percent)

    @property
    def weighted_rate(self) -> Decimal | None:
        """The rate weighted by the value of each customer; None without values."""
        return rules.percent(self.counts.satisfied_value, self.counts.value)

    @property
    def nps(self) -> Decimal | None:
        """The net promoter score."""
        return rules.net_promoter_score(self.counts.promoters, self.counts.passives, self.counts.detractors)

    @property
    def nps_interval(self) -> Interval | None:
        """The confidence interval of the score."""
        counts = self.counts
        return rules.nps_interval(
            counts.promoters, counts.passives, counts.detractors, self.settings.confidence_percent
        )


#: The means of a group: field of a response.
MEANS = ("satisfactionGap", "actualRating", "csatPoints", "cesScore", "perceivedValue")
#: What is aggregated for each part of a report, apart from its count.
_FIGURES: Mapping[str, Any] = {
    "all": {"avg": MEANS},
    "respondents": {"sum": ["customerValue"]},
    "satisfied": {"sum": ["customerValue"]},
}


def report(ctx: Context, scope: ReportScope, settings: SatisfactionSettings) -> list[Group]:
    """The groups of some responses, in the order of their keys.

    Args:
        ctx: asks the catalog.
        scope: what is reported on.
        settings: the policy.

    Raises:
        TooManyGroupsError: there are too many groups.
    """
    paths = [tuple(_path(key)) for key in scope.by]
    found = {
        part: {
            tuple(_value(group.keys, path) for path in paths): group
            for group in ctx.groups("SurveyResponse", scope.by, where, **_FIGURES.get(part, {}), as_of=scope.as_of)
        }
        for part, where in _wheres(scope, settings).items()
    }
    names = [".".join(path) for path in paths]
    return [Group(list(zip(names, key, strict=True)), _counts(found, key), settings) for key in found["all"]]


def _path(key: Mapping[str, Any]) -> Iterator[str]:
    """The way to a group key: `{customer: {region: true}}` leads to customer, region."""
    ((name, inner),) = key.items()
    yield name
    if isinstance(inner, Mapping):
        yield from _path(inner)


def _wheres(scope: ReportScope, settings: SatisfactionSettings) -> dict[str, Any]:
    """Which responses each part counts."""
    base = {"answeredOn": {"lte": scope.as_of.isoformat()}}

    def those(**condition: Any) -> dict[str, Any]:
        return {"and": [dict(scope.where), base, condition]}

    if settings.satisfied_by is SatisfiedBy.GAP:
        known, satisfied = those(satisfactionGap={"isNull": False}), those(satisfactionGap={"gte": "0"})
    else:
        known = those(actualRating={"isNull": False})
        satisfied = those(actualRating={"gte": str(settings.satisfied_from_rating)})
    categories = {one.value.lower(): those(npsCategory={"eq": one.value}) for one in NpsCategory}
    return {"all": those(), "respondents": known, "satisfied": satisfied, **categories}


def _value(keys: Any, path: Sequence[str]) -> Any:
    for step in path:
        keys = keys[step]
    return keys


def _counts(found: Mapping[str, Mapping[GroupValues, Figures]], key: GroupValues) -> Counts:
    def count(name: str) -> int:
        return found[name][key].count if key in found[name] else 0

    def value(name: str) -> Decimal:
        return Decimal(found[name][key].sum["customerValue"]) if key in found[name] else Decimal(0)

    return Counts(
        responses=count("all"),
        respondents=count("respondents"),
        satisfied=count("satisfied"),
        value=value("respondents"),
        satisfied_value=value("satisfied"),
        promoters=count("promoter"),
        passives=count("passive"),
        detractors=count("detractor"),
        means=found["all"][key].avg,
    )
