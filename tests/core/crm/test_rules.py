"""The rules of the core by the worked examples of the domain; those that are SQL on both engines."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Date, cast, literal, null, select

from core.crm import rules
from core.db.days import day_of
from core.db.sql import Expression, add_days, days_between, list_length, rounded_ratio, rounded_share
from core.db.types import Choice, Json, Scaled, Text, Timestamp
from core.records.vocabulary import (
    CompanySize,
    FollowUpState,
    LifecycleStage,
    ManagedLevel,
    OpportunityStatus,
    Outcome,
    ProfileSection,
    TaskStatus,
    UserRole,
)


def number(value: int | None) -> Expression:
    return cast(null(), BigInteger) if value is None else literal(value, BigInteger())


def day(value: str | None) -> Expression:
    return cast(null(), Date) if value is None else literal(date.fromisoformat(value), Date())


def moment(value: datetime | None) -> Expression:
    return cast(null(), Timestamp()) if value is None else literal(value, Timestamp())


def text(value: str | None) -> Expression:
    return cast(null(), Text()) if value is None else literal(value, Text())


def percent(value: str | None) -> Expression:
    # As a column gives it; a bare value would take on the type of its surroundings.
    return select(literal(None if value is None else Decimal(value), Scaled(2))).scalar_subquery()


# T20


@pytest.mark.parametrize(
    ("level", "role"),
    [
        (ManagedLevel.NATIONAL, UserRole.INDUSTRY_MANAGER),
        (ManagedLevel.PROVINCIAL, UserRole.INDUSTRY_MANAGER),
        (ManagedLevel.MUNICIPAL, UserRole.ACCOUNT_MANAGER),
        (ManagedLevel.COUNTY, UserRole.ACCOUNT_MANAGER),
        (ManagedLevel.GRID, UserRole.GRID_MANAGER),
        (None, None),
    ],
)
def test_t20_the_managed_level_names_the_role_that_owns_a_customer(compute, level, role):
    assert compute(rules.owner_role(text(level))) == role


# T22


def stage_of(
    compute, first: str | None, orders: int | None, override: str | None = None, as_of: str = "2025-06-30"
) -> str:
    asked = date.fromisoformat(as_of)
    return compute(
        rules.lifecycle_stage(
            text(override),
            day(first),
            number(orders),
            literal(rules.months_before(asked, 12), Date()),
            literal(rules.months_before(asked, 36), Date()),
        )
    )


@pytest.mark.parametrize(
    ("first", "orders", "stage"),
    [
        (None, 0, LifecycleStage.POTENTIAL),
        (None, None, LifecycleStage.POTENTIAL),
        ("2025-01-10", 1, LifecycleStage.NEW),
        ("2023-06-30", 4, LifecycleStage.STABLE),
        ("2021-05-01", 9, LifecycleStage.LONG_TERM),
        # The bounds: a year old is not new any more, three years old is long-term, one order keeps a customer new.
        ("2024-07-01", 5, LifecycleStage.NEW),
        ("2024-06-30", 2, LifecycleStage.STABLE),
        ("2024-06-30", 1, LifecycleStage.NEW),
        ("2022-07-01", 2, LifecycleStage.STABLE),
        ("2022-06-30", 1, LifecycleStage.LONG_TERM),
    ],
)
def test_t22_the_lifecycle_stage_follows_first_order_and_number_of_orders(compute, first, orders, stage):
    assert stage_of(compute, first, orders) == stage


def test_t22_a_stage_set_by_hand_comes_before_the_rule(compute):
    assert stage_of(compute, "2021-05-01", 9, LifecycleStage.NEW) == LifecycleStage.NEW


# T23


@pytest.mark.parametrize(
    ("employees", "size"),
    [
        (0, CompanySize.SMALL_MICRO),
        (299, CompanySize.SMALL_MICRO),
        (300, CompanySize.MEDIUM),
        (999, CompanySize.MEDIUM),
        (1000, CompanySize.LARGE),
        (None, None),
    ],
)
def test_t23_company_size_by_employees(compute, employees, size):
    assert compute(rules.company_size(number(employees), number(300), number(1000))) == size


# K2


def sections(
    *,
    industry: bool = False,
    region: bool = False,
    reachable: bool = False,
    orders: int | None = None,
    needs: int = 0,
    contact: bool = False,
    figures: bool = False,
    competitors: int = 0,
) -> dict[ProfileSection, Expression]:
    # Through a derived table, because SQLAlchemy decides conditions on constants itself.
    row = (
        select(
            *(
                literal(value, Boolean()).label(name)
                for name, value in (
                    ("industry", industry),
                    ("region", region),
                    ("reachable", reachable),
                    ("contact", contact),
                    ("figures", figures),
                )
            )
        )
        .subquery()
        .c
    )
    return rules.profile_sections(
        has_industry=row.industry,
        has_region=row.region,
        is_reachable=row.reachable,
        transaction_count=number(orders),
        need_count=number(needs),
        has_contact=row.contact,
        has_figures=row.figures,
        competitor_count=number(competitors),
    )


BASIC = {"industry": True, "region": True, "reachable": True}


@pytest.mark.parametrize(
    ("filled", "completeness", "gaps"),
    [
        ({}, 0, ["BASIC", "USAGE", "ORGANISATION", "BUSINESS", "COMPETITION"]),
        ({**BASIC, "orders": 3, "contact": True, "figures": True}, 80, ["COMPETITION"]),
        ({**BASIC, "needs": 1, "contact": True, "figures": True, "competitors": 2}, 100, []),
        ({"industry": True, "region": True, "orders": 0}, 0, [section.value for section in ProfileSection]),
    ],
)
def test_k2_four_of_five_sections_are_80_percent_and_the_gap_is_named(compute, filled, completeness, gaps):
    assert compute(rules.profile_completeness(sections(**filled))) == completeness
    assert compute(rules.profile_gaps(sections(**filled))) == gaps


# K3


@pytest.mark.parametrize(
    ("updated", "as_of", "stale"),
    [("2025-01-01", "2025-07-01", True), ("2025-01-02", "2025-07-01", False), ("2025-07-01", "2025-07-01", False)],
)
def test_k3_a_record_is_stale_after_more_than_180_days(compute, updated, as_of, stale):
    assert bool(compute(rules.is_stale(day(updated), day(as_of), number(180)))) is stale


# O1, X3


@pytest.mark.parametrize(
    ("status", "lost", "outcome"),
    [
        (OpportunityStatus.DRAFT, False, Outcome.OPEN),
        (OpportunityStatus.DISPATCHED, False, Outcome.OPEN),
        (OpportunityStatus.FOLLOWING, False, Outcome.OPEN),
        (OpportunityStatus.WON, False, Outcome.WON),
        (OpportunityStatus.EXECUTING, False, Outcome.WON),
        (OpportunityStatus.LOST, True, Outcome.LOST),
        (OpportunityStatus.CLOSED, False, Outcome.WON),
        (OpportunityStatus.CLOSED, True, Outcome.LOST),
    ],
)
def test_x3_a_closed_opportunity_was_won_unless_it_was_lost_before(compute, status, lost, outcome):
    at = moment(datetime(2025, 6, 1, tzinfo=UTC) if lost else None)
    assert compute(rules.outcome(literal(status, Choice(OpportunityStatus)), at)) == outcome


@pytest.mark.parametrize(
    ("outcome", "override", "modelled", "preset", "hundredths"),
    [
        (Outcome.OPEN, None, None, "10", 1_000),
        (Outcome.OPEN, None, None, "50", 5_000),
        (Outcome.OPEN, "33.33", None, "50", 3_333),
        (Outcome.OPEN, "0", None, "50", 0),
        (Outcome.OPEN, None, "42.50", "50", 4_250),
        (Outcome.OPEN, None, "0", "50", 0),
        (Outcome.OPEN, "0", "42.50", "50", 0),
        (Outcome.WON, "20", "30", "90", 10_000),
        (Outcome.LOST, "20", "30", "90", 0),
        (Outcome.OPEN, None, None, None, None),
    ],
)
def test_o1_probability_is_100_when_won_0_when_lost_else_override_else_model_else_preset(
    compute, outcome, override, modelled, preset, hundredths
):
    found = rules.win_probability(text(outcome), percent(override), percent(modelled), percent(preset))
    assert compute(found) == hundredths


# F9

LADDER = [("100000", 10), ("200000", 25), ("100000", 50), ("80000", 75), ("50000", 90), ("30000", 100)]


def test_f9_the_weighted_pipeline_is_245_000_of_560_000(compute):
    weighted = [
        compute(rules.weighted_amount(number(int(amount) * 100), number(probability * 100)))
        for amount, probability in LADDER
    ]
    assert weighted == [1_000_000, 5_000_000, 5_000_000, 6_000_000, 4_500_000, 3_000_000]
    assert sum(weighted) == 24_500_000
    assert sum(int(amount) for amount, _ in LADDER) == 560_000


@pytest.mark.parametrize(
    ("minor", "hundredths", "weighted"), [(1, 5_000, 1), (1, 4_999, 0), (-1, 5_000, -1), (3, 5_000, 2)]
)
def test_f9_half_a_minor_unit_is_rounded_away_from_zero(compute, minor, hundredths, weighted):
    assert compute(rules.weighted_amount(number(minor), number(hundredths))) == weighted


def test_f9_without_an_amount_there_is_no_weighted_amount(compute):
    assert compute(rules.weighted_amount(number(None), number(5_000))) is None


def test_f9_the_largest_amount_at_100_percent_does_not_overflow(compute):
    assert compute(rules.weighted_amount(number(10**14), number(10_000))) == 10**14


# O2


def test_o2_stage_c_entered_on_1_june_is_planned_to_end_on_11_june(compute):
    assert compute(rules.planned_stage_end(day("2025-06-01"), number(10))) == date(2025, 6, 11)


def test_o2_a_stage_without_planned_duration_has_no_planned_end(compute):
    assert compute(rules.planned_stage_end(day("2025-06-01"), number(None))) is None


@pytest.mark.parametrize(
    ("due", "as_of", "overdue"),
    [
        ("2025-06-11", "2025-06-15", 4),
        ("2025-06-11", "2025-06-12", 1),
        ("2025-06-11", "2025-06-11", None),
        ("2025-06-11", "2025-06-01", None),
        (None, "2025-06-15", None),
        ("2024-02-28", "2024-03-01", 2),
    ],
)
def test_o2_days_overdue_count_from_the_planned_end(compute, due, as_of, overdue):
    assert compute(rules.days_overdue(day(due), day(as_of))) == overdue


# O6, X4


@pytest.mark.parametrize(
    ("own", "following", "hundredths"),
    [
        ("10", "25", 4_000),
        ("25", "50", 5_000),
        ("50", "75", 6_667),
        ("75", "90", 8_333),
        ("90", "100", 9_000),
        ("100", None, None),
        ("50", "0", None),
    ],
)
def test_x4_the_pass_rate_the_ladder_implies(compute, own, following, hundredths):
    assert compute(rules.ladder_pass_rate(percent(own), percent(following))) == hundredths


# O25


@pytest.mark.parametrize(
    ("outcome", "next_action", "state"),
    [
        (Outcome.OPEN, "2025-06-09T09:00:00.000Z", FollowUpState.DUE),
        (Outcome.OPEN, "2025-06-10T23:59:59.999Z", FollowUpState.DUE),
        (Outcome.OPEN, "2025-06-11T00:00:00.000Z", FollowUpState.NOT_DUE),
        (Outcome.OPEN, None, FollowUpState.NO_NEXT_ACTION),
        (Outcome.WON, "2025-06-10T09:00:00.000Z", None),
        (Outcome.LOST, None, None),
    ],
)
def test_o25_follow_up_state_as_of_10_june(compute, outcome, next_action, state):
    assert compute(rules.follow_up_state(text(outcome), text(next_action), text("2025-06-11T00:00:00.000Z"))) == state


# O27, O30


@pytest.mark.parametrize(
    ("status", "due", "overdue"),
    [
        (TaskStatus.OPEN, "2025-06-14", True),
        (TaskStatus.IN_PROGRESS, "2025-06-14", True),
        (TaskStatus.OPEN, "2025-06-15", False),
        (TaskStatus.OPEN, None, False),
        (TaskStatus.DONE, "2025-06-14", False),
        (TaskStatus.CANCELLED, "2025-06-14", False),
    ],
)
def test_o30_a_task_is_overdue_after_its_day_while_it_is_to_be_done(compute, status, due, overdue):
    found = compute(rules.is_task_overdue(literal(status, Choice(TaskStatus)), day(due), day("2025-06-15")))
    assert bool(found) is overdue


@pytest.mark.parametrize(
    ("status", "minutes", "due"),
    [
        (TaskStatus.OPEN, 0, True),
        (TaskStatus.OPEN, -5, True),
        (TaskStatus.OPEN, 1, False),
        (TaskStatus.OPEN, None, False),
        (TaskStatus.DONE, -5, False),
    ],
)
def test_o27_a_reminder_is_due_from_its_moment_on(compute, status, minutes, due):
    now = datetime(2025, 6, 15, 12, tzinfo=UTC)
    at = None if minutes is None else now + timedelta(minutes=minutes)
    found = compute(rules.is_reminder_due(literal(status, Choice(TaskStatus)), moment(at), moment(now)))
    assert bool(found) is due


# O19


def test_o19_every_status_can_be_left_and_reopening_leads_to_following():
    assert set(rules.STATUS_STEPS) == set(OpportunityStatus)
    for decided in (*rules.WON_STATUSES, OpportunityStatus.LOST, OpportunityStatus.CLOSED):
        assert rules.status_step_problem(decided, OpportunityStatus.FOLLOWING) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OpportunityStatus.LOST, OpportunityStatus.WON),
        (OpportunityStatus.WON, OpportunityStatus.LOST),
        (OpportunityStatus.DRAFT, OpportunityStatus.CLOSED),
        (OpportunityStatus.CLOSED, OpportunityStatus.EXECUTING),
        (OpportunityStatus.FOLLOWING, OpportunityStatus.EXECUTING),
    ],
)
def test_o19_a_step_that_is_not_drawn_is_refused_and_the_possible_ones_are_named(before, after):
    problem = rules.status_step_problem(before, after)
    assert problem is not None
    assert f"is {before} cannot become {after}" in problem
    assert all(step in problem for step in rules.STATUS_STEPS[before])


def test_o19_a_new_opportunity_may_have_any_status_and_any_may_stay_as_it_is():
    for status in OpportunityStatus:
        assert rules.status_step_problem(None, status) is None
        assert rules.status_step_problem(status, status) is None


# K6


def test_k6_a_to_b_to_a_is_refused_and_the_way_is_shown():
    problem = rules.cycle_problem("a", "b", {"b": "a"}.get)
    assert problem is not None
    assert "a → b → a" in problem


def test_k6_nobody_is_above_themselves():
    assert rules.cycle_problem("a", "a", {}.get) is not None


def test_k6_a_cycle_that_was_there_already_is_no_reason_to_refuse_and_no_endless_loop():
    assert rules.cycle_problem("a", "b", {"b": "c", "c": "b"}.get) is None


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=40))
def test_k6_links_that_are_accepted_one_by_one_never_make_a_cycle(links):
    parents: dict[str, str] = {}
    for child, parent in links:
        id, above = str(child), str(parent)
        refused = rules.cycle_problem(id, above, parents.get) is not None
        walked, at = {above}, above
        while at in parents and parents[at] not in walked:
            at = parents[at]
            walked.add(at)
        assert refused == (id in walked)
        if not refused:
            parents[id] = above
    for start in parents:
        at: str | None = start
        for _ in range(9):
            at = parents.get(at) if at else None
        assert at is None


# Dates


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)), st.integers(0, 600))
def test_months_before_is_the_same_day_or_the_last_of_a_shorter_month(as_of, months):
    found = rules.months_before(as_of, months)
    assert (as_of.year - found.year) * 12 + as_of.month - found.month == months
    assert found.day == min(as_of.day, monthrange(found.year, found.month)[1])


@pytest.mark.parametrize(
    ("as_of", "months", "found"),
    [
        (date(2025, 6, 30), 12, date(2024, 6, 30)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2025, 3, 31), 1, date(2025, 2, 28)),
        (date(2025, 1, 15), 1, date(2024, 12, 15)),
        (date(2025, 12, 31), 0, date(2025, 12, 31)),
    ],
)
def test_months_before_across_years_and_short_months(as_of, months, found):
    assert rules.months_before(as_of, months) == found


DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))


@given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=20))
def test_days_between_is_exact_over_all_of_the_calendar(connection, pairs):
    found = connection.execute(
        select(*(days_between(literal(later, Date()), literal(earlier, Date())) for later, earlier in pairs))
    ).one()
    assert list(found) == [(later - earlier).days for later, earlier in pairs]


@given(st.lists(st.tuples(st.dates(date(1000, 1, 1), date(2999, 1, 1)), st.integers(0, 3650)), min_size=1, max_size=20))
def test_add_days_is_exact_over_months_and_leap_years(connection, pairs):
    found = connection.execute(select(*(add_days(literal(start, Date()), number(days)) for start, days in pairs))).one()
    assert list(found) == [start + timedelta(days=days) for start, days in pairs]


def test_the_day_of_a_moment_is_that_of_utc(compute):
    assert compute(day_of(moment(datetime.fromisoformat("2025-06-10T01:30:00+08:00")))) == date(2025, 6, 9)


def test_the_length_of_a_list(compute):
    assert compute(list_length(literal(["a", "b"], Json()))) == 2
    assert compute(list_length(literal([], Json()))) == 0


# Rounding


@given(
    st.lists(
        st.tuples(st.integers(-(4 * 10**18), 4 * 10**18), st.integers(1, 10**9)),
        min_size=1,
        max_size=20,
    )
)
def test_rounded_ratio_rounds_half_away_from_zero_like_decimal(connection, pairs):
    found = connection.execute(
        select(*(rounded_ratio(number(numerator), number(denominator)) for numerator, denominator in pairs))
    ).one()
    exact = [
        int((Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP))
        for numerator, denominator in pairs
    ]
    assert list(found) == exact


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"), [(5, 2, 3), (-5, 2, -3), (1, 3, 0), (-1, 3, 0), (0, 7, 0), (7, 1, 7)]
)
def test_rounded_ratio_of_halves_and_negatives(compute, numerator, denominator, rounded):
    assert compute(rounded_ratio(number(numerator), number(denominator))) == rounded


def test_rounded_ratio_of_nothing_or_by_nothing_is_nothing(compute):
    assert compute(rounded_ratio(number(None), number(3))) is None
    assert compute(rounded_ratio(number(3), number(None))) is None


@given(
    st.lists(
        st.tuples(st.integers(-(9 * 10**18), 9 * 10**18), st.integers(1, 10_000), st.integers(1, 10**15)),
        min_size=1,
        max_size=20,
    )
)
def test_rounded_share_of_what_is_too_large_to_be_multiplied(connection, triples):
    found = connection.execute(
        select(*(rounded_share(number(part), number(times), number(base)) for part, times, base in triples))
    ).one()
    for result, (part, times, base) in zip(found, triples, strict=True):
        exact = Fraction(part * times, base)
        rounded = min(int(abs(exact) + Fraction(1, 2)), 2**63 - 1) * (1 if exact >= 0 else -1)
        if rounded > -(2**63 - 1):
            assert abs(result - rounded) <= abs(rounded) // 10**15


@pytest.mark.parametrize(
    ("part", "base", "rounded"),
    [
        (5, 2, 3),
        (-5, 2, -3),
        (5, -2, -3),
        (1, 3, 0),
        (-1, 3, 0),
        (0, 7, 0),
        (3, 0, None),
        (None, 3, None),
        (3, None, None),
    ],
)
def test_rounded_share_of_halves_negatives_and_nothing(compute, part, base, rounded):
    assert compute(rounded_share(number(part), number(1), number(base))) == rounded
