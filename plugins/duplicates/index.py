"""The index of keys: kept with every change, and filled for records that were there before the plugin."""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b
from typing import Any

from sqlalchemy import Select, delete, select
from sqlmodel import col

from guanxi import Action, Change, Changes, Context, Record
from guanxi.sql import Prepared, is_listed
from plugins.duplicates.models import DuplicateKey
from plugins.duplicates.profiles import COLUMNS, KINDS, is_about, profile_in, profiles
from plugins.duplicates.rules import Profile, keys

#: So many records are indexed by one statement, and by one run of the job, which keeps others from writing on SQLite.
_AT_ONCE, _A_RUN = 1000, 10_000
_HASH_BYTES = 9

held = DuplicateKey.__table__.c
_HELD = Prepared(select(held.hash).where(is_listed(held.record_id, "ids")).limit(1))


def hashes(profile: Profile) -> set[str]:
    """The hashes of its keys, as they are stored."""
    digests = (blake2b(key.encode(), digest_size=_HASH_BYTES).digest() for key in keys(profile))
    return {urlsafe_b64encode(digest).decode().rstrip("=") for digest in digests}


def keep_index(ctx: Context, changes: Changes) -> None:
    """Keeps the keys of changed records: those that live have them."""
    concerned = [change for name in KINDS for change in changes.of(name) if _is_concerned(change)]
    known = [change.record.id for change in concerned if change.action is not Action.CREATED]
    forget(ctx, known)
    living = [change for change in concerned if change.record.deleted_at is None and not _goes(change)]
    _insert(ctx, ((change.record.id, profile_in(change)) for change in living))


def _is_concerned(change: Change) -> bool:
    return change.action is not Action.UPDATED or is_about(type(change.record), change.after.keys())


def _goes(change: Change) -> bool:
    return change.action in (Action.DELETED, Action.DESTROYED)


def forget(ctx: Context, ids: Collection[str]) -> None:
    """Removes the keys of records."""
    if ids and ctx.rows(_HELD, ids=sorted(ids)):
        ctx.session.execute(delete(DuplicateKey).where(col(DuplicateKey.record_id).in_(sorted(ids))))


def _insert(ctx: Context, living: Iterable[tuple[str, Profile]]) -> int:
    rows = [{"hash": hash, "record_id": id} for id, profile in living for hash in sorted(hashes(profile))]
    ctx.insert_rows(DuplicateKey, rows)
    return len(rows)


def fill_index(ctx: Context) -> str | None:
    """Indexes living records that have no keys, such as those that are older than the plugin."""
    done = sum(_filled(ctx, kind) for kind in COLUMNS)
    return f"indexed {done} record{'' if done == 1 else 's'}" if done else None


def _filled(ctx: Context, kind: type[Record]) -> int:
    done = 0
    for ids in _portions(list(ctx.session.scalars(_unindexed(kind)))):
        _insert(ctx, profiles(ctx, kind, ids).items())
        done += len(ids)
    return done


def _unindexed(kind: type[Record]) -> Select[Any]:
    id, deleted_at = kind.__table__.c.id, kind.__table__.c.deleted_at
    keys = select(held.hash).where(held.record_id == id)
    return select(id).where(deleted_at.is_(None), ~keys.exists()).order_by(id).limit(_A_RUN)


def _portions(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
