"""Profiles of customers and contacts, as they are stored or about to be."""

from collections.abc import Collection, Mapping, Set
from typing import Any

from sqlalchemy import select

from guanxi import EMAIL, Change, Context, Record
from guanxi.records import Contact, Customer
from guanxi.sql import Prepared, is_listed
from guanxi.vocabulary import CustomerKind
from plugins.duplicates.forms import handle_of, page_of, phone_ending
from plugins.duplicates.rules import Profile

_ADDRESS = ("street", "city", "postal_code", "region")
#: The columns that say who a record is about.
COLUMNS: Mapping[type[Record], tuple[str, ...]] = {
    Customer: ("name", "legal_name", "kind", "email", "phone", "website", "tax_id", *_ADDRESS),
    Contact: (
        *("name", "email", "phone", "mobile_phone", "social_profile", "chat_handle"),
        *("birth_date", "customer_id", *_ADDRESS),
    ),
}
KINDS: Mapping[str, type[Record]] = {kind.__name__: kind for kind in COLUMNS}


def _stored(kind: type[Record]) -> Prepared:
    table = kind.__table__
    columns = (table.c[name] for name in ("id", *COLUMNS[kind]))
    return Prepared(select(*columns).where(is_listed(table.c.id, "ids"), table.c.deleted_at.is_(None)))


_STORED = {kind: _stored(kind) for kind in COLUMNS}


def profiles(ctx: Context, kind: type[Record], ids: Collection[str]) -> dict[str, Profile]:
    """The profiles of living records by id."""
    rows = ctx.rows(_STORED[kind], ids=sorted(ids)) if ids else ()
    return {row["id"]: profile_of(kind, row) for row in rows}


def profile_of(kind: type[Record], values: Mapping[str, Any]) -> Profile:
    """The profile that values of columns make."""
    emails = [EMAIL.key(values["email"], "")] if values["email"] else []
    address = {name: values[name] for name in _ADDRESS}
    if kind is Contact:
        numbers = (values["phone"], values["mobile_phone"])
        return Profile(
            [values["name"]],
            is_person=True,
            emails=emails,
            phones=_endings(*numbers),
            social_profiles=_given(page_of(values["social_profile"])),
            chat_handles=_given(handle_of(values["chat_handle"])),
            born_on=values["birth_date"],
            customer=values["customer_id"],
            **address,
        )
    return Profile(
        [name for name in (values["name"], values["legal_name"]) if name],
        is_person=values["kind"] is CustomerKind.INDIVIDUAL,
        emails=emails,
        phones=_endings(values["phone"]),
        website=values["website"],
        tax_id=values["tax_id"],
        **address,
    )


def profile_in(change: Change) -> Profile:
    """The profile of a record that changes, as it will be."""
    return profile_of(type(change.record), vars(change.record))


def is_about(kind: type[Record], names: Set[str]) -> bool:
    """Whether any of these columns says who a record is about."""
    return not names.isdisjoint(COLUMNS[kind])


def _endings(*numbers: str | None) -> list[str]:
    return _given(*(phone_ending(number) for number in numbers))


def _given(*texts: str | None) -> list[str]:
    return [text for text in texts if text]
