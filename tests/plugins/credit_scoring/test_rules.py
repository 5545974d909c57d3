"""The worked examples of C1 to C5: the scorecard in Python, the rules of SQL as expressions on both engines."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import BigInteger, Boolean, Date, String, case, literal, null, select, union_all

from guanxi import create_app, load_settings
from plugins.credit_scoring import rules
from plugins.credit_scoring.collection import rules as collection
from plugins.credit_scoring.models import CreditDimension, CreditReasonCode, DimensionSource
from plugins.credit_scoring.settings import CreditScoringSettings, PaymentBehaviour, ReviewDays

POLICY = CreditScoringSettings()
PAYMENT = PaymentBehaviour()


@pytest.fixture(scope="module")
def scalar(databases):
    database = create_app(load_settings(database_url=databases.fresh()), []).database
    with database.engine.connect() as connection:
        yield lambda expression: connection.scalar(select(expression))
    database.close()


def integer(value):
    return literal(value, BigInteger()) if value is not None else null().cast(BigInteger)


def day(text):
    return literal(date.fromisoformat(text)) if text else null().cast(Date)


def text(value):
    return literal(value) if value else null().cast(String)


def scored(*given, policy=POLICY):
    inputs = {
        dimension: rules.DimensionInput(None if value is None else Decimal(value), DimensionSource.ENTERED)
        for dimension, value in zip(CreditDimension, given, strict=True)
    }
    return rules.assess(inputs, policy)


@pytest.mark.parametrize(
    ("given", "points", "score", "risk"),
    [
        ((85, 70, 90), ["34.00", "21.00", "27.00"], "82.00", "LOW"),
        ((50, 40, 30), ["20.00", "12.00", "9.00"], "41.00", "HIGH"),
        ((80, 80, 80), ["32.00", "24.00", "24.00"], "80.00", "LOW"),
        (("79.99", "79.99", "79.99"), ["32.00", "24.00", "24.00"], "80.00", "LOW"),
        (("79.98", 80, 80), ["31.99", "24.00", "24.00"], "79.99", "MEDIUM"),
        ((60, 60, 60), ["24.00", "18.00", "18.00"], "60.00", "MEDIUM"),
        (("59.97", 60, 60), ["23.99", "18.00", "18.00"], "59.99", "HIGH"),
        ((0, 0, 0), ["0.00", "0.00", "0.00"], "0.00", "HIGH"),
    ],
)
def test_c1_the_score_is_the_sum_of_weighted_dimensions(given, points, score, risk):
    found = scored(*given)
    assert [str(component.points) for component in found.components.values()] == points
    assert (found.status, str(found.score), found.risk) == ("COMPLETE", score, risk)


def test_c1_without_a_dimension_there_is_no_score():
    found = scored(85, None, 90)
    assert (found.status, found.score, found.risk) == ("INCOMPLETE", None, None)
    assert [(reason.code, str(reason.points_lost)) for reason in found.reasons] == [
        ("REPUTATION_MISSING", "30.00"),
        ("WEAK_FINANCIAL_STATUS", "6.00"),
        ("WEAK_TRANSACTION_RECORD", "3.00"),
    ]


def test_c1_a_dimension_that_weighs_nothing_is_not_needed():
    policy = CreditScoringSettings(weights={"financial_status": 0, "reputation": 50, "transaction_record": 50})
    found = scored(None, 60, 80, policy=policy)
    assert (found.status, str(found.score)) == ("COMPLETE", "70.00")
    assert [reason.code for reason in found.reasons] == ["WEAK_REPUTATION", "WEAK_TRANSACTION_RECORD"]


def test_c1_reasons_sum_up_to_what_the_score_lacks_of_100():
    deductions = [
        rules.Deduction(CreditReasonCode.LATE_PAYMENT, Decimal("33.33"), "late"),
        rules.Deduction(CreditReasonCode.DISPUTED_INVOICES, Decimal("3.35"), "disputed"),
        rules.Deduction(CreditReasonCode.WORSENING_PAYMENT, Decimal("0.00"), "worse"),
    ]
    inputs = {
        dimension: rules.DimensionInput(Decimal("95.55"), DimensionSource.ENTERED) for dimension in CreditDimension
    }
    inputs[CreditDimension.TRANSACTION_RECORD] = rules.DimensionInput(
        Decimal("63.32"), DimensionSource.COMPUTED, deductions
    )
    found = rules.assess(inputs, POLICY)
    assert [(reason.code, str(reason.points_lost)) for reason in found.reasons] == [
        ("LATE_PAYMENT", "9.99"),
        ("WEAK_FINANCIAL_STATUS", "1.78"),
        ("WEAK_REPUTATION", "1.33"),
        ("DISPUTED_INVOICES", "1.01"),
    ]
    assert sum(reason.points_lost for reason in found.reasons) == 100 - found.score


@pytest.mark.parametrize(
    ("scored", "override", "until", "risk", "source"),
    [
        ("HIGH", None, None, "HIGH", "SCORED"),
        ("HIGH", "LOW", None, "LOW", "MANUAL"),
        ("HIGH", "LOW", "2025-06-15", "LOW", "MANUAL"),
        ("HIGH", "LOW", "2025-06-14", "HIGH", "SCORED"),
        (None, "LOW", None, "LOW", "MANUAL"),
        (None, "LOW", "2025-06-14", None, None),
    ],
)
def test_c2_a_risk_set_by_hand_holds_until_its_last_day(scalar, scored, override, until, risk, source):
    parts = text(scored), text(override), day(until), day("2025-06-15")
    assert scalar(rules.holding_risk(*parts)) == risk
    assert scalar(rules.risk_source(*parts)) == source


@pytest.mark.parametrize(("risk", "is_low"), [("HIGH", True), ("MEDIUM", False), ("LOW", False), (None, None)])
def test_c5_high_risk_is_low_credit(scalar, risk, is_low):
    found = scalar(rules.is_low_credit(text(risk)))
    assert found == is_low and (found is None) == (is_low is None)


@pytest.mark.parametrize(
    ("risk", "due"),
    [("HIGH", "2025-04-15"), ("MEDIUM", "2025-07-14"), ("LOW", "2026-01-15"), (None, "2025-04-15")],
)
def test_c3_the_next_review_is_due_by_risk(scalar, risk, due):
    found = rules.next_review_on(day("2025-01-15"), text(risk), ReviewDays())
    assert str(scalar(found)) == due
    assert not scalar(rules.is_review_overdue(found, day(due)))
    assert scalar(rules.is_review_overdue(day("2025-04-15"), day("2025-04-16")))
    assert scalar(rules.is_review_overdue(day(None), day("2025-04-16"))) is None


@pytest.mark.parametrize(
    ("limit", "outstanding", "new", "exposure", "breach", "available", "exceeds"),
    [
        (100_000, 80_000, 30_000, 110_000, 10_000, 0, True),
        (100_000, 80_000, 20_000, 100_000, 0, 0, False),
        (100_000, 80_000, 0, 80_000, 0, 20_000, False),
        (0, 0, 1, 1, 1, 0, True),
        (None, 80_000, 30_000, 110_000, None, None, None),
    ],
)
def test_c4_exposure_against_the_limit(scalar, limit, outstanding, new, exposure, breach, available, exceeds):
    found = integer(outstanding) + rules.uninvoiced(integer(new), integer(None))
    assert scalar(found) == exposure
    assert scalar(rules.credit_breach(integer(limit), found)) == breach
    assert scalar(rules.available_credit(integer(limit), found)) == available
    assert scalar(rules.exceeds(integer(limit), found)) == exceeds


@pytest.mark.parametrize(
    ("expected", "invoiced", "counts"), [(100, 30, 70), (100, 120, 0), (None, None, 0), (None, 5, 0), (100, None, 100)]
)
def test_c4_what_is_won_counts_until_it_is_invoiced(scalar, expected, invoiced, counts):
    assert scalar(rules.uninvoiced(integer(expected), integer(invoiced))) == counts


@pytest.mark.parametrize(("is_counted", "exposure"), [(False, 180), (True, 110)])
def test_c4_an_opportunity_that_counts_already_counts_once(scalar, is_counted, exposure):
    assert scalar(rules.exposure_if_won(integer(110), literal(is_counted, Boolean()), integer(70))) == exposure


@pytest.mark.parametrize(
    ("due", "settled", "late", "outstanding", "bucket"),
    [
        ("2025-06-15", None, 0, 90, "NOT_DUE"),
        ("2025-06-14", None, 1, 90, "DAYS_1_TO_30"),
        ("2025-05-16", None, 30, 90, "DAYS_1_TO_30"),
        ("2025-05-15", None, 31, 90, "DAYS_31_TO_60"),
        ("2025-04-16", None, 60, 90, "DAYS_31_TO_60"),
        ("2025-04-15", None, 61, 90, "DAYS_61_TO_90"),
        ("2025-03-17", None, 90, 90, "DAYS_61_TO_90"),
        ("2025-03-16", None, 91, 90, "OVER_90_DAYS"),
        ("2025-05-15", "2025-05-15", 0, 0, None),
        ("2025-05-15", "2025-06-04", 20, 0, None),
        ("2025-05-15", "2025-06-16", 31, 90, "DAYS_31_TO_60"),
        ("2025-07-15", "2025-05-02", 0, 0, None),
    ],
)
def test_what_is_outstanding_ages_by_the_day_it_was_due(scalar, due, settled, late, outstanding, bucket):
    as_of = day("2025-06-15")
    is_open = rules.is_open(day("2025-01-02"), day(settled), as_of)
    owed = case((is_open, integer(90)), else_=0)
    days = rules.days_late(day(due), day(settled), as_of)
    assert scalar(owed) == outstanding
    assert scalar(days) == late
    assert scalar(rules.is_late(day(due), day(settled), as_of)) == (late > 0)
    assert scalar(rules.ageing_bucket(owed, days)) == bucket


def test_an_invoice_is_not_open_before_it_was_written(scalar):
    assert not scalar(rules.is_open(day("2025-06-16"), day(None), day("2025-06-15")))
    assert scalar(rules.is_open(day("2025-06-15"), day(None), day("2025-06-15")))


@pytest.mark.parametrize(
    ("disputed", "on", "settled", "known"),
    [
        (True, "2025-06-01", None, True),
        (True, "2025-06-16", "2025-06-14", False),
        (True, None, None, True),
        (True, None, "2025-06-15", True),
        (True, None, "2025-06-16", False),
        (False, None, None, False),
    ],
)
def test_a_dispute_without_a_date_is_known_from_the_settlement(scalar, disputed, on, settled, known):
    found = rules.is_known_dispute(literal(disputed, Boolean()), day(on), day(settled), day("2025-06-15"))
    assert scalar(found) == known


@pytest.mark.parametrize(
    ("invoiced", "due", "settled", "counts"),
    [
        ("2025-05-01", "2025-05-31", "2025-06-15", True),
        ("2025-05-01", "2025-05-31", None, True),
        ("2025-05-20", "2025-06-19", None, False),
        ("2025-05-20", "2025-06-19", "2025-06-16", False),
        ("2025-06-16", "2025-07-16", "2025-06-16", False),
        ("2024-06-15", "2024-07-15", "2024-07-15", False),
    ],
)
def test_only_young_invoices_that_are_settled_or_overdue_count(scalar, invoiced, due, settled, counts):
    found = rules.counts_for_behaviour(day(invoiced), day(due), day(settled), day("2024-06-15"), day("2025-06-15"))
    assert bool(scalar(found)) == counts


def invoices(*rows):
    """A table of amount, days late, disputed, recent, share of the term used in hundredths of a percent."""
    names = ("minor", "late", "disputed", "recent", "used")
    kinds = (BigInteger(), BigInteger(), Boolean(), Boolean(), BigInteger())
    selected = (
        select(*(literal(value, kind).label(name) for name, kind, value in zip(names, kinds, row, strict=True)))
        for row in rows
    )
    return union_all(*selected).subquery().c


def figures(scalar, *rows):
    found = invoices(*rows)
    average = rules.average_days_late(found.minor, found.late, PAYMENT.late_days)
    share = rules.disputed_share(found.minor, found.disputed)
    trend = rules.days_late_trend(found.minor, found.late, PAYMENT.late_days, found.recent)
    used = rules.average_term_used(found.minor, found.used)
    taken = (
        rules.lateness_deduction(average, PAYMENT),
        rules.term_deduction(used, PAYMENT),
        rules.dispute_deduction(share, PAYMENT),
        rules.trend_deduction(trend, PAYMENT),
    )
    return [scalar(figure) for figure in (average, used, share, trend, *taken, rules.payment_behaviour(*taken))]


def test_payment_behaviour_is_100_less_four_deductions(scalar):
    # 200 halfway through the term, 100 at 12 days and disputed, both earlier; 100 recent at 60 days, cut at 30:
    # (0 + 1200 + 3000) / 400 days late, (200 * 50 % + 200 * 100 %) / 400 of the term.
    rows = [(200, 0, False, False, 5000), (100, 12, True, False, 10_000), (100, 60, False, True, 10_000)]
    assert figures(scalar, *rows) == [1050, 7500, 2500, 2600, 2450, 1500, 125, 500, 5425]


def test_payment_at_once_keeps_100_at_the_due_date_80_and_an_improving_trend_takes_nothing(scalar):
    assert figures(scalar, (100, 0, False, False, 0), (50, 0, False, True, 0))[-1] == 10_000
    assert figures(scalar, (100, 0, False, False, 10_000))[-1] == 8000
    improving = figures(scalar, (100, 15, False, False, 10_000), (100, 0, False, True, 0))
    assert improving == [750, 5000, 0, -1500, 1750, 1000, 0, 0, 7250]


def test_without_earlier_invoices_there_is_no_trend(scalar):
    assert figures(scalar, (100, 30, False, True, 10_000)) == [3000, 10_000, 0, None, 7000, 2000, 0, 0, 1000]


@pytest.mark.parametrize(
    ("invoiced", "due", "settled", "used"),
    [
        ("2025-05-01", "2025-05-31", "2025-05-01", 0),
        ("2025-05-01", "2025-05-31", "2025-05-16", 5000),
        ("2025-05-01", "2025-05-31", "2025-05-11", 3333),
        ("2025-05-01", "2025-05-31", "2025-05-31", 10_000),
        ("2025-05-01", "2025-05-31", "2025-06-10", 10_000),
        ("2025-05-01", "2025-05-31", None, 10_000),
        ("2025-05-01", "2025-05-31", "2025-06-16", 10_000),
        ("2025-05-01", "2025-05-01", "2025-05-01", 0),
        ("2025-05-01", "2025-05-01", "2025-05-02", 10_000),
    ],
)
def test_the_term_used_is_what_passed_of_it_until_payment(scalar, invoiced, due, settled, used):
    assert scalar(rules.term_used(day(invoiced), day(due), day(settled), day("2025-06-15"))) == used


@pytest.mark.parametrize(
    ("limit", "exposure", "utilisation"),
    [(100_000, 110_000, 11_000), (100_000, 0, 0), (30_000, 10_000, 3333), (0, 10, None), (None, 10, None)],
)
def test_c4_utilisation_is_exposure_in_percent_of_the_limit(scalar, limit, exposure, utilisation):
    assert scalar(rules.credit_utilisation(integer(limit), integer(exposure))) == utilisation


@pytest.mark.parametrize(
    ("outstanding", "invoiced", "days", "expected"),
    [(80_000, 240_000, 90, "30.00"), (1, 3, 90, "30.00"), (50, 700, 90, "6.43"), (80_000, 0, 90, None)],
)
def test_c4_days_sales_outstanding_are_outstanding_by_invoiced_times_days(
    scalar, outstanding, invoiced, days, expected
):
    found = rules.sales_days(Decimal(outstanding), Decimal(invoiced), days)
    assert (None if found is None else str(found)) == expected
    in_sql = scalar(rules.days_sales_outstanding(integer(outstanding), integer(invoiced), days))
    assert in_sql == (None if found is None else int(found * 100))


@pytest.mark.parametrize(
    ("until", "released", "active"),
    [
        (None, None, True),
        ("2025-06-15", None, True),
        ("2025-06-14", None, False),
        (None, "2025-06-16", True),
        (None, "2025-06-15", False),
    ],
)
def test_c2_a_hold_is_in_force_to_its_last_day_or_its_release(scalar, until, released, active):
    parts = day("2025-06-01"), day(until), day(released), day("2025-06-15")
    assert bool(scalar(rules.is_hold_active(*parts))) == active
    assert not scalar(rules.is_hold_active(*parts[:3], day("2025-05-31")))


@pytest.mark.parametrize(("late", "level"), [(0, 0), (6, 0), (7, 1), (20, 1), (21, 2), (35, 3), (400, 3)])
def test_c4_a_dunning_level_is_reached_by_days_past_due(scalar, late, level):
    days = CreditScoringSettings().dunning_days
    assert scalar(collection.dunning_level(integer(late), literal(True, Boolean()), days)) == level
    assert scalar(collection.dunning_level(integer(late), literal(False, Boolean()), days)) is None


@pytest.mark.parametrize(
    ("whole", "parts", "of", "shares"),
    [
        (792, [33, 33], 99, [264, 264]),
        (100, [1, 1, 1], 3, [33, 34, 33]),
        (100, [1, 1], 3, [33, 34]),
        (0, [5], 5, [0]),
    ],
)
def test_c4_payments_in_the_reporting_currency_never_exceed_the_invoice(whole, parts, of, shares):
    assert collection.shares_of(whole, parts, of) == shares


def test_c1_an_incomplete_evaluation_is_rated_by_policy():
    known = (85, None, 90)
    worst = scored(*known, policy=CreditScoringSettings(incomplete="WORST"))
    assert (worst.status, worst.score, worst.risk) == ("INCOMPLETE", None, "HIGH")
    # 40 and 30 of 70 are 57.14 and 42.86 of 100.
    by_known = scored(*known, policy=CreditScoringSettings(incomplete="RENORMALISED"))
    assert (by_known.status, str(by_known.score), by_known.risk) == ("INCOMPLETE", "87.14", "LOW")
    assert [str(part.points) for part in by_known.components.values()] == ["48.57", "None", "38.57"]
    assert [(reason.code, str(reason.points_lost)) for reason in by_known.reasons] == [
        ("WEAK_FINANCIAL_STATUS", "8.57"),
        ("WEAK_TRANSACTION_RECORD", "4.29"),
        ("REPUTATION_MISSING", "0.00"),
    ]
    too_little = scored(*known, policy=CreditScoringSettings(incomplete="RENORMALISED", minimum_known=71))
    assert (too_little.score, too_little.risk) == (None, None)
    assert scored(None, None, None, policy=CreditScoringSettings(incomplete="RENORMALISED")).risk is None
    assert scored(85, 70, 90, policy=CreditScoringSettings(incomplete="RENORMALISED")).score == Decimal("82.00")


def test_invoices_of_nothing_say_nothing(scalar):
    assert figures(scalar, (0, 30, True, True, 10_000))[0] is None


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, []),
        ({"due_on": date(2025, 4, 30)}, ["due_on"]),
        ({"settled_on": date(2025, 4, 30)}, ["settled_on"]),
        ({"settled_on": date(2025, 6, 16)}, ["settled_on"]),
        ({"settled_on": date(2025, 6, 15)}, []),
    ],
)
def test_an_invoice_that_contradicts_itself_is_refused(change, fields):
    given = {
        "invoiced_on": date(2025, 5, 1),
        "due_on": date(2025, 5, 31),
        "settled_on": None,
        "today": date(2025, 6, 15),
    }
    assert [field for field, _ in rules.receivable_problems(**{**given, **change})] == fields


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"weights": {"reputation": 31}}, "sum to 101, but must sum to 100"),
        ({"payment": {"lateness_points": 90}}, "sum to 120, but must sum to 100"),
        ({"payment": {"recent_days": 730}}, "must be less than window_days=730"),
        ({"low_from": 60}, "medium_from=60 must be less than low_from=60"),
        ({"review_days": {"high": 0}}, "greater than or equal to 1"),
        ({"dunning_days": [7, 7]}, "rising numbers of days"),
        ({"dunning_days": []}, "rising numbers of days"),
        ({"incomplete": "BEST"}, "'UNRATED', 'WORST' or 'RENORMALISED'"),
        ({"control": "REFUSE"}, "'WARN', 'BLOCK' or 'OFF'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        CreditScoringSettings(**setting)
