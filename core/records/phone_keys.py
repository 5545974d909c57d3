"""The keys of telephone numbers that are stored: computed again where the region is another than they were made for."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select, update
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
    for kind in _tables(plugins):
        names = [name for name, form in kind.__folded__.items() if form is PHONE]
        if names:
            _rekey(session, kind, names, region)


def _tables(plugins: Iterable[str]) -> Iterator[type[Table]]:
    for plugin in plugins:
        for mapper in registry_of(plugin).mappers:
            yield mapper.class_


def _rekey(session: Session, kind: type[Table], names: Sequence[str], region: str) -> None:
    table: Any = kind.__table__
    (id,) = table.primary_key.columns
    numbers = [table.c[name] for name in names]
    keys: Any = {f"{name}_folded": bindparam(f"key_{name}") for name in names}
    change = update(table).where(id == bindparam("row")).values(keys)
    wanted: Any = (
        select(id, *numbers).where(or_(*(number.is_not(None) for number in numbers))).order_by(id).limit(_AT_ONCE)
    )
    after: Any = None
    # Page by page, so that memory is bounded and nothing is read while it is written.
    while rows := session.execute(wanted if after is None else wanted.where(id > after)).all():
        made = [
            {"row": row[0], **{f"key_{name}": _key(text, region) for name, text in zip(names, row[1:], strict=True)}}
            for row in rows
        ]
        session.connection().execute(change, made)
        after = rows[-1][0]


def _key(text: str | None, region: str) -> str | None:
    return None if text is None else PHONE.key(text, region)
