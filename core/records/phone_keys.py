"""The keys of telephone numbers that are stored: computed again where the region is another than they were made for."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlmodel import Session

from core.records.forms import PHONE
from core.records.installation import Installation
from core.records.record import PHONE_REGION, Table, registry_of

_AT_ONCE = 1000


def agree_on_region(session: Session, plugins: Iterable[str], region: str) -> None:
    """Makes the keys of all telephone numbers those of a region.

    Args:
        session: in whose transaction.
        plugins: whose tables, the core's included.
        region: of numbers without a country code.
    """
    known = session.get(Installation, PHONE_REGION, with_for_update=True)
    if known is not None and known.value == region:
        return
    if known is None:
        session.add(Installation(name=PHONE_REGION, value=region))
    else:
        known.value = region
    for kind, name in _numbers(plugins):
        _rekey(session, kind, name, region)


def _numbers(plugins: Iterable[str]) -> Iterator[tuple[type[Table], str]]:
    """Each column of telephone numbers."""
    for plugin in plugins:
        for mapper in registry_of(plugin).mappers:
            for name, form in mapper.class_.__folded__.items():
                if form is PHONE:
                    yield mapper.class_, name


def _rekey(session: Session, kind: type[Table], name: str, region: str) -> None:
    table: Any = kind.__table__
    number, key = table.c[name], table.c[f"{name}_folded"]
    (id,) = table.primary_key.columns
    change = update(table).where(id == bindparam("row")).values({key: bindparam("key")})
    after: Any = None
    # Page by page, so that memory is bounded and nothing is read while it is written.
    while True:
        page = select(id, number).where(number.is_not(None)).order_by(id).limit(_AT_ONCE)
        rows = session.execute(page if after is None else page.where(id > after)).all()
        if not rows:
            return
        made = [{"row": row_id, "key": PHONE.key(text, region)} for row_id, text in rows]
        session.connection().execute(change, made)
        after = rows[-1][0]
