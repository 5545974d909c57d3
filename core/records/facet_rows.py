"""Rows of facets as a transaction works with them: made where absent, locked, many at once."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlmodel import Session, col, select

from core.db.sql import insert_if_absent

#: Most rows that one statement asks for.
_PORTION = 500


def facet_rows(session: Session, facet: type[Any], ids: Collection[str]) -> dict[str, Any]:
    """The rows of a facet for these records, made where absent, locked so that two writers do not lose one."""
    wanted = sorted(set(ids))
    found = {row.record_id: row for row in _locked(session, facet, wanted)}
    missing = [id for id in wanted if id not in found]
    if missing:
        session.execute(insert_if_absent(session, facet.__table__), [{"record_id": id} for id in missing])
        found |= {row.record_id: row for row in _locked(session, facet, missing)}
    return found


def _locked(session: Session, facet: type[Any], ids: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(ids), _PORTION):
        part = ids[start : start + _PORTION]
        query = (
            select(facet)
            .where(col(facet.record_id).in_(part))
            .order_by(facet.record_id)
            .with_for_update(key_share=True)
        )
        # A row that was read before it was locked may have changed since.
        yield from session.exec(query, execution_options={"populate_existing": True})
