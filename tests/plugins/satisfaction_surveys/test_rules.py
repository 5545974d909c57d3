"""The worked examples of S1, S4, T12 and the rules beside them; as expressions on both engines where SQL uses them."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import BigInteger, literal, null, select

from guanxi import create_app, load_settings
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.settings import PerceivedValueMode, SatisfactionSettings, SatisfiedBy
from plugins.satisfaction_surveys.vocabulary import ExclusionReason, SatisfactionMeasure

NPS, GAP = SatisfactionMeasure.NPS, SatisfactionMeasure.GAP


@pytest.fixture(scope="module")
def scalar(databases):
    database = create_app(load_settings(database_url=databases.fresh()), []).database
    with database.engine.connect() as connection:
        yield lambda expression: connection.scalar(select(expression))
    database.close()


def hundredths(value):
    """A decimal as the rules count it."""
    return null().cast(BigInteger) if value is None else literal(int(Decimal(value) * 100), BigInteger())


@pytest.mark.parametrize(
    ("actual", "expected", "gap", "level"),
    [
        ("4.2", "3.8", 40, "EXCEEDED"),
        ("3.0", "3.5", -50, "DISSATISFIED"),
        ("4", "4", 0, "MET"),
        ("4", None, None, None),
        (None, "4", None, None),
    ],
)
def test_s1_satisfaction_is_what_was_found_less_what_was_expected(scalar, actual, expected, gap, level):
    found = rules.satisfaction_gap(hundredths(actual), hundredths(expected))
    assert scalar(found) == gap
    assert scalar(rules.satisfaction_level(found)) == level


@pytest.mark.parametrize(
    ("satisfied", "respondents", "rate", "met"),
    [(46, 50, "92.00", True), (45, 50, "90.00", True), (44, 50, "88.00", False), (17999, 20000, "90.00", False)],
)
def test_s4_the_target_of_90_percent_is_inclusive_and_not_rounded_up_to(scalar, satisfied, respondents, rate, met):
    assert rules.percent(satisfied, respondents) == Decimal(rate)
    assert rules.reaches(satisfied, respondents, 9000) is met
    assert bool(scalar(rules.reaches(literal(satisfied), literal(respondents), 9000))) is met
    assert scalar(rules.share(literal(satisfied), literal(respondents))) == int(Decimal(rate) * 100)


@pytest.mark.parametrize(
    ("satisfied", "respondents", "target", "attainment"),
    [
        (46, 50, "90", "102.22"),
        (45, 50, "90", "100.00"),
        (44, 50, "90", "97.78"),
        (0, 0, "90", None),
        (1, 1, "0", None),
    ],
)
def test_s4_attainment_is_the_rate_in_percent_of_the_target(satisfied, respondents, target, attainment):
    found = rules.attainment(satisfied, respondents, Decimal(target))
    assert found == (None if attainment is None else Decimal(attainment))


def test_s4_without_respondents_there_is_no_rate(scalar):
    assert rules.percent(0, 0) is None
    assert rules.rate_interval(0, 0, Decimal(95)) is None
    assert scalar(rules.share(literal(0), literal(0))) is None


@pytest.mark.parametrize(
    ("by", "actual", "expected", "satisfied"),
    [
        (SatisfiedBy.GAP, "3", "3", 1),
        (SatisfiedBy.GAP, "4.5", "5", 0),
        (SatisfiedBy.GAP, "5", None, None),
        (SatisfiedBy.RATING, "4", "5", 1),
        (SatisfiedBy.RATING, "3.99", "3", 0),
        (SatisfiedBy.RATING, None, "3", None),
    ],
)
def test_s4_x21_satisfied_by_gap_or_by_rating(scalar, by, actual, expected, satisfied):
    gap = rules.satisfaction_gap(hundredths(actual), hundredths(expected))
    found = rules.percent_if(rules.is_satisfied(by, gap, hundredths(actual), 400))
    assert scalar(found) == (None if satisfied is None else satisfied * 10_000)


@pytest.mark.parametrize(
    ("mode", "benefit", "cost", "value"),
    [
        (PerceivedValueMode.DIFFERENCE, 8, 5, 300),
        (PerceivedValueMode.DIFFERENCE, 2, 5, -300),
        (PerceivedValueMode.DIFFERENCE, 8, None, None),
        (PerceivedValueMode.RATIO, 8, 5, 160),
        (PerceivedValueMode.RATIO, 2, 3, 67),
        (PerceivedValueMode.RATIO, 8, 0, None),
    ],
)
def test_t12_perceived_value_is_benefit_less_cost_or_their_ratio(scalar, mode, benefit, cost, value):
    assert scalar(rules.perceived_value(mode, hundredths(benefit), hundredths(cost))) == value


@pytest.mark.parametrize(
    ("score", "category", "points"),
    [
        (10, "PROMOTER", 10_000),
        (9, "PROMOTER", 10_000),
        ("8.99", "PASSIVE", 0),
        (7, "PASSIVE", 0),
        (6, "DETRACTOR", -10_000),
        (0, "DETRACTOR", -10_000),
        (None, None, None),
    ],
)
def test_promoters_passives_and_detractors(scalar, score, category, points):
    assert scalar(rules.nps_category(hundredths(score))) == category
    assert scalar(rules.nps_points(hundredths(score))) == points


def test_the_net_promoter_score_of_2309_promoters_972_passives_and_1719_detractors_is_11_80():
    assert rules.net_promoter_score(2309, 972, 1719) == Decimal("11.80")
    assert rules.net_promoter_score(0, 0, 0) is None


@pytest.mark.parametrize(("score", "points"), [(5, 10_000), (4, 10_000), (3, 0), (1, 0), (None, None)])
def test_csat_counts_the_two_top_marks(scalar, score, points):
    assert scalar(rules.csat_points(hundredths(score), 2)) == points


def test_a_response_has_the_measures_it_says_something_of(scalar):
    nothing = hundredths(None)
    scores = rules.ResponseScores(
        hundredths("4"), hundredths("3"), hundredths(9), nothing, hundredths(6), nothing, nothing
    )
    found = {measure.value: scalar(value) for measure, value in rules.measures(scores, SatisfactionSettings()).items()}
    assert found == {
        "GAP": 100,
        "RATING": 400,
        "RATE": 10_000,
        "NPS": 10_000,
        "NPS_SCORE": 900,
        "CSAT": None,
        "CES": 600,
        "PERCEIVED_VALUE": None,
    }


# Intervals: values of the usual tables for Wilson's interval, and of the normal approximation worked out by hand.


@pytest.mark.parametrize(
    ("satisfied", "respondents", "low", "high"),
    [(45, 50, "78.64", "95.65"), (0, 10, "0.00", "27.75"), (10, 10, "72.25", "100.00"), (1, 2, "9.45", "90.55")],
)
def test_the_rate_has_an_interval_that_stays_within_0_and_100(satisfied, respondents, low, high):
    assert rules.rate_interval(satisfied, respondents, Decimal(95)) == (Decimal(low), Decimal(high))


def test_the_net_promoter_score_has_an_interval():
    assert rules.nps_interval(2309, 972, 1719, Decimal(95)) == (Decimal("9.33"), Decimal("14.27"))
    assert rules.nps_interval(3, 0, 0, Decimal(95)) == (Decimal(100), Decimal(100))
    assert rules.nps_interval(1, 0, 1, Decimal(95)) == (Decimal(-100), Decimal(100))
    assert rules.nps_interval(0, 0, 0, Decimal(95)) is None


def test_less_confidence_makes_a_narrower_interval():
    assert rules.rate_interval(45, 50, Decimal(80)) == (Decimal("83.23"), Decimal("94.23"))


# Results of a customer


def answer(id, respondent, day, **values):
    return rules.RespondentAnswer(
        id, respondent, date.fromisoformat(day), {SatisfactionMeasure(k): v for k, v in values.items()}
    )


FOUR = [
    answer("r1", "ann", "2025-01-10", NPS=10_000, GAP=100),
    answer("r2", "bo", "2025-01-20", NPS=0),
    answer("r3", "ann", "2025-04-10", NPS=-10_000),
    answer("r4", "cy", "2025-04-10", NPS=0),
]


@pytest.mark.parametrize(
    ("as_of", "value", "previous", "used"),
    [
        ("2025-01-09", None, None, None),
        ("2025-01-10", 10_000, None, ["r1"]),
        ("2025-01-31", 5000, 10_000, ["r2", "r1"]),
        ("2025-12-31", -3333, 5000, ["r4", "r3", "r2"]),
    ],
)
def test_s3_each_respondent_counts_once_by_the_latest_answer_as_of_the_day(as_of, value, previous, used):
    found = rules.result_of(FOUR, NPS, date.fromisoformat(as_of), 365)
    if value is None:
        assert found is None
    else:
        assert (found.value, found.previous, [one.id for one in found.answers]) == (value, previous, used)


def test_the_trend_is_what_the_last_day_with_answers_changed():
    found = rules.result_of(FOUR, NPS, date(2025, 12, 31), 365)
    assert (found.trend, found.answered_on) == (-8333, date(2025, 4, 10))
    assert rules.result_of(FOUR[:1], NPS, date(2025, 12, 31), 365).trend is None


def test_an_answer_older_than_the_validity_before_the_latest_counts_no_more():
    found = rules.result_of(FOUR, NPS, date(2025, 12, 31), 80)
    assert [one.id for one in found.answers] == ["r4", "r3"]
    assert [one.id for one in rules.result_of(FOUR, NPS, date(2025, 12, 31), 81).answers] == ["r4", "r3", "r2"]


def test_a_measure_that_the_latest_answers_are_silent_on_keeps_its_own_latest():
    assert rules.result_of(FOUR, GAP, date(2025, 12, 31), 365).answered_on == date(2025, 1, 10)


def test_the_version_of_a_policy_follows_what_results_depend_on():
    usual = rules.policy_version(SatisfactionSettings())
    assert usual == rules.policy_version(SatisfactionSettings(cool_down_days=1))
    assert usual != rules.policy_version(SatisfactionSettings(satisfied_by=SatisfiedBy.RATING))


# Invitations


@pytest.mark.parametrize(
    ("here", "elsewhere", "cadence", "reason"),
    [
        (None, None, None, None),
        ("2024-01-01", None, None, ExclusionReason.ALREADY_INVITED),
        ("2025-03-18", None, 90, ExclusionReason.ALREADY_INVITED),
        ("2025-03-17", None, 90, None),
        (None, "2025-05-17", None, ExclusionReason.COOL_DOWN),
        (None, "2025-05-16", None, None),
    ],
)
def test_s3_x25_rounds_and_cool_down(here, elsewhere, cadence, reason):
    found = rules.exclusion(
        do_not_contact=False,
        invited_here_on=here and date.fromisoformat(here),
        invited_elsewhere_on=elsewhere and date.fromisoformat(elsewhere),
        today=date(2025, 6, 15),
        cadence_days=cadence,
        cool_down_days=30,
    )
    assert found is reason


def test_who_must_not_be_contacted_is_not_invited():
    found = rules.exclusion(
        do_not_contact=True,
        invited_here_on=None,
        invited_elsewhere_on=None,
        today=date(2025, 6, 15),
        cadence_days=None,
        cool_down_days=0,
    )
    assert found is ExclusionReason.DO_NOT_CONTACT
