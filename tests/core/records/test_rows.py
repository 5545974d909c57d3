"""Rows as objects, before anything else has used their class."""

from core.records.columns import column
from core.records.record import Table
from core.records.rows import rows_of


def test_a_stored_row_can_be_read_and_changed_where_its_class_has_not_been_used_before():
    class Untouched(Table, plugin="untouched"):
        id: str = column("Its key.", primary_key=True)
        note: str | None = column("A note.", default=None)

    rows = rows_of(Untouched, "sqlite")
    stored = {"id": "one", "note": "before"}
    (made,) = rows.all_made([tuple(stored.get(name) for name in rows.names)])
    assert (made.id, made.note) == ("one", "before")
    made.note = "after"
    assert made.note == "after"
