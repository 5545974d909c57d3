"""How the past is written: without gaps, true to what was recorded, and what was known once stays known."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from plugins.forecasting.past.timeline import Span, begin, end, revise

START = datetime(2025, 1, 1, tzinfo=UTC)


def moment(hours):
    return START + timedelta(hours=hours)


class Rows:
    """The rows as the database would hold them."""

    def __init__(self):
        self.rows = {}

    def store(self, revision, now):
        for id, until in revision.ended:
            self.rows[id] |= {"until": until}
        for id in revision.superseded:
            self.rows[id] |= {"superseded": now}
        for span in revision.added:
            id = f"r{len(self.rows):06d}"
            self.rows[id] = {
                "since": span.since,
                "until": span.until,
                "values": span.values,
                "recorded": now,
                "superseded": None,
            }

    def known(self):
        rows = sorted((row["since"], id) for id, row in self.rows.items() if row["superseded"] is None)
        return [Span(since, self.rows[id]["until"], self.rows[id]["values"], id) for since, id in rows]

    def as_of(self, at, known_at):
        found = [
            row["values"]
            for row in self.rows.values()
            if row["since"] <= at
            and (row["until"] is None or row["until"] > at)
            and row["recorded"] <= known_at
            and (row["superseded"] is None or row["superseded"] > known_at)
        ]
        assert len(found) <= 1
        return found[0] if found else None


CHANGES = st.lists(
    st.tuples(
        st.integers(1, 48),  # hours since the change before, by the clock
        st.integers(0, 200),  # hours by which it happened earlier than it was recorded
        st.sampled_from("abc"),
        st.integers(0, 2),
    ),
    max_size=8,
)


@given(CHANGES, st.integers(0, 400))
def test_spans_leave_no_gap_and_what_was_known_at_a_moment_stays_known(changes, probe):
    rows, present, clock = Rows(), {"a": 0, "b": 0, "c": 0}, 24
    rows.store(begin(dict(present), moment(0), {}, []), moment(clock))
    seen = []
    for wait, delay, name, value in changes:
        clock += wait
        present = {**present, name: value}
        rows.store(revise(rows.known(), present, moment(max(clock - delay, 0)), moment(clock)), moment(clock))
        seen.append((moment(clock), rows.as_of(moment(clock), moment(clock))))
        spans = rows.known()
        assert [span.until for span in spans] == [*(span.since for span in spans[1:]), None]
        assert spans[-1].values == present
    for known_at, was in seen:
        assert rows.as_of(known_at, known_at) == was
    if probe <= clock:
        assert rows.as_of(moment(probe), moment(clock)) is not None


def test_a_change_told_late_holds_from_its_own_day_whatever_was_told_before():
    rows = Rows()
    rows.store(begin({"stage": "A", "amount": 1}, moment(0), {}, []), moment(0))
    rows.store(revise(rows.known(), {"stage": "A", "amount": 2}, moment(20), moment(20)), moment(20))
    rows.store(revise(rows.known(), {"stage": "B", "amount": 2}, moment(10), moment(30)), moment(30))
    told = [rows.as_of(moment(hour), moment(40)) for hour in (5, 15, 25)]
    assert told == [{"stage": "A", "amount": 1}, {"stage": "B", "amount": 1}, {"stage": "B", "amount": 2}]
    known_before = [rows.as_of(moment(hour), moment(29)) for hour in (5, 15, 25)]
    assert known_before == [{"stage": "A", "amount": 1}, {"stage": "A", "amount": 1}, {"stage": "A", "amount": 2}]


def test_nothing_is_written_where_nothing_changes():
    rows = Rows()
    rows.store(begin({"stage": "A"}, moment(0), {}, []), moment(0))
    assert revise(rows.known(), {"stage": "A"}, moment(5), moment(5)).added == []


def test_what_is_deleted_ends_and_what_is_restored_begins_anew():
    rows = Rows()
    rows.store(begin({"stage": "A"}, moment(0), {}, []), moment(0))
    rows.store(end(rows.known(), moment(10)), moment(10))
    assert rows.as_of(moment(9), moment(11)) == {"stage": "A"} and rows.as_of(moment(10), moment(11)) is None
    rows.store(revise(rows.known(), {"stage": "A"}, moment(15), moment(15)), moment(15))
    assert rows.as_of(moment(12), moment(16)) is None and rows.as_of(moment(15), moment(16)) == {"stage": "A"}
    assert end([Span(moment(0), moment(5), {}, "r")], moment(9)).ended == []


def test_history_entered_when_it_is_over_was_open_before():
    won = {"outcome": "WON", "stage": "F"}
    present = {**won, "amount": 5}
    found = begin(present, moment(0), {"outcome": "OPEN", "stage": None}, [(moment(10), won, False)])
    assert [(span.since, span.until, dict(span.values), span.is_inferred) for span in found.added] == [
        (moment(0), moment(10), {"outcome": "OPEN", "stage": None, "amount": 5}, True),
        (moment(10), None, present, False),
    ]


def test_history_with_transitions_is_told_by_them():
    a, b = {"stage": "A"}, {"stage": "B"}
    found = begin(
        {"stage": "C", "amount": 5},
        moment(1),
        {},
        [(moment(1), a, True), (moment(4), b, True), (moment(4), {"stage": "C"}, True)],
    )
    assert [(span.since, span.until, span.values["stage"]) for span in found.added] == [
        (moment(1), moment(4), "A"),
        (moment(4), None, "C"),
    ]
