"""The bridge's rule: steps always add up, and each case is the step people call it."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guanxi.vocabulary import Outcome
from plugins.forecasting.past.movements import Position, is_counted, movements

POSITIONS = st.none() | st.builds(
    Position,
    st.sampled_from(list(Outcome)),
    st.integers(0, 10**12),
    st.none() | st.dates(date(2025, 1, 1), date(2025, 12, 31)),
)
BY = st.none() | st.dates(date(2025, 1, 1), date(2025, 12, 31))


def worth(position, closing_by):
    return position.amount if is_counted(position, closing_by) else 0


@settings(max_examples=500)
@given(st.lists(st.tuples(POSITIONS, POSITIONS), max_size=8), BY)
def test_the_bridge_always_sums_exactly(opportunities, closing_by):
    opening = sum(worth(before, closing_by) for before, _ in opportunities)
    closing = sum(worth(after, closing_by) for _, after in opportunities)
    steps = [amount for pair in opportunities for _, amount in movements(*pair, closing_by)]
    assert opening + sum(steps) == closing


@given(POSITIONS, POSITIONS, BY)
def test_whatever_comes_in_adds_and_whatever_goes_out_takes_away(before, after, closing_by):
    signs = {"NEW": 1, "REOPENED": 1, "PULLED_IN": 1, "INCREASED": 1, "DECREASED": -1}
    for step, amount in movements(before, after, closing_by):
        assert amount * signs.get(step.value, -1) >= 0


@given(POSITIONS, BY)
def test_what_stays_as_it_is_takes_no_step(position, closing_by):
    assert list(movements(position, position, closing_by)) == []


JUNE = date(2025, 6, 30)


def opened(amount, by="2025-06-15"):
    return Position(Outcome.OPEN, amount, date.fromisoformat(by) if by else None)


def won(amount, by="2025-06-15"):
    return Position(Outcome.WON, amount, date.fromisoformat(by))


def lost(amount, by="2025-06-15"):
    return Position(Outcome.LOST, amount, date.fromisoformat(by))


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        (None, opened(100), {"NEW": 100}),
        (None, opened(100, "2025-07-01"), {}),
        (opened(100), opened(150), {"INCREASED": 50}),
        (opened(100), opened(60), {"DECREASED": -40}),
        (opened(100), opened(150, "2025-07-01"), {"PUSHED_OUT": -100}),
        (opened(100), opened(100, None), {"PUSHED_OUT": -100}),
        (opened(100, "2025-07-01"), opened(150), {"PULLED_IN": 100, "INCREASED": 50}),
        (opened(100, None), opened(100), {"PULLED_IN": 100}),
        (opened(100), won(120), {"INCREASED": 20, "WON": -120}),
        (opened(100), lost(0), {"LOST": -100}),
        (opened(100), None, {"REMOVED": -100}),
        (lost(100), opened(80), {"REOPENED": 80}),
        (None, won(70), {"NEW": 70, "WON": -70}),
        (opened(50, "2025-09-01"), won(70, "2025-09-01"), {"PULLED_IN": 50, "INCREASED": 20, "WON": -70}),
        (None, lost(70), {"NEW": 70, "LOST": -70}),
        (None, lost(70, "2025-07-01"), {}),
        (opened(100, "2025-07-01"), lost(100, "2025-07-01"), {}),
        (won(100), lost(100), {}),
        (lost(100), None, {}),
    ],
)
def test_each_way_has_its_steps(before, after, steps):
    assert {step.value: amount for step, amount in movements(before, after, JUNE)} == steps
