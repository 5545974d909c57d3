"""Candidates: the records with a key in common with another, each with how likely it is about the same."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Subquery, bindparam, func, select, union_all

from guanxi import Action, Change, Changes, Context, Record, UserError, sentence, term
from guanxi.sql import Prepared, is_listed
from plugins.duplicates.index import hashes
from plugins.duplicates.models import DuplicateKey
from plugins.duplicates.profiles import COLUMNS, KINDS, profile_in, profile_of
from plugins.duplicates.rules import Profile, Verdict, verdict
from plugins.duplicates.settings import DuplicatePolicy

#: Said with a record that is to be created although it is likely there already.
ALLOWED = "allowDuplicates"
#: A key that more records have says little: so many of them are compared.
_MOST_OF_A_KEY = 100
#: So many duplicates of one record are named.
_MOST_NAMED = 5
#: So many keys are looked up each by itself, where the engine stops after enough records.
_SLOTS = 16

held = DuplicateKey.__table__.c


def _by_slots() -> Subquery:
    parts = [
        select(
            select(held.hash, held.record_id)
            .where(held.hash == bindparam(f"key{slot}", type_=held.hash.type))
            .limit(_MOST_OF_A_KEY)
            .subquery()
        )
        for slot in range(_SLOTS)
    ]
    return union_all(*parts).subquery()


def _by_list() -> Subquery:
    place = func.row_number().over(partition_by=held.hash, order_by=held.record_id).label("place")
    ranked = select(held.hash, held.record_id, place).where(is_listed(held.hash, "keys")).subquery()
    return select(ranked.c.hash, ranked.c.record_id).where(ranked.c.place <= _MOST_OF_A_KEY).subquery()


def _living(kind: type[Record], sharing: Subquery) -> Prepared:
    """The living records of a type that have some keys, once for each key, with what says who they are about."""
    table = kind.__table__
    columns = (table.c[name] for name in ("id", *COLUMNS[kind]))
    source = sharing.join(table, table.c.id == sharing.c.record_id)
    return Prepared(select(sharing.c.hash, *columns).select_from(source).where(table.c.deleted_at.is_(None)))


_OF_ONE = {kind: _living(kind, _by_slots()) for kind in COLUMNS}
_OF_MANY = {kind: _living(kind, _by_list()) for kind in COLUMNS}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that is likely about the same as another."""

    id: str
    verdict: Verdict


def candidates(ctx: Context, kind: type[Record], asked: Mapping[str, Profile]) -> dict[str, list[Candidate]]:
    """The stored records that may be about the same as those asked for, by the id of these; the most likely first."""
    wanted = {id: hashes(profile) for id, profile in asked.items()}
    sharing: dict[str, dict[str, Profile]] = defaultdict(dict)
    known: dict[str, Profile] = {}
    for row in _sharing(ctx, kind, {hash for found in wanted.values() for hash in found}):
        # A record has a row for each key in common.
        if (profile := known.get(row["id"])) is None:
            profile = known[row["id"]] = profile_of(kind, row)
        sharing[row["hash"]][row["id"]] = profile
    alike = {id: {other: its for hash in found for other, its in sharing[hash].items()} for id, found in wanted.items()}
    return {id: _ranked(asked[id], {other: its for other, its in alike[id].items() if other != id}) for id in asked}


def _sharing(ctx: Context, kind: type[Record], keys: Collection[str]) -> Sequence[Mapping[str, Any]]:
    if len(keys) > _SLOTS:
        return ctx.rows(_OF_MANY[kind], keys=sorted(keys))
    given = [*sorted(keys), *([None] * (_SLOTS - len(keys)))]
    return ctx.rows(_OF_ONE[kind], **{f"key{slot}": key for slot, key in enumerate(given)})


def _ranked(profile: Profile, others: Mapping[str, Profile]) -> list[Candidate]:
    found = [Candidate(id, verdict(profile, other)) for id, other in others.items()]
    return sorted(found, key=lambda candidate: (-candidate.verdict.score, candidate.id))


# At create


def _judged(changes: Changes) -> Iterator[Change]:
    """The changes that may make a duplicate."""
    for name in KINDS:
        for change in changes.of(name, Action.CREATED):
            if not change.said.get(ALLOWED):
                yield change


def lock_keys(policy: DuplicatePolicy, changes: Changes) -> Iterator[tuple[str, ...]]:
    """The keys of new records, so that of two that are created at once the second finds the first.

    No bulk waits for another on account of warnings.
    """
    new = list(_judged(changes))
    if policy is DuplicatePolicy.REFUSE or (policy is DuplicatePolicy.WARN and len(new) == 1):
        yield from {(hash,) for change in new for hash in hashes(profile_in(change))}


def duplicate_problems(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Yields an error or warning for each likely duplicate of a new record: among those stored, and before it here."""
    if ctx.settings.policy is DuplicatePolicy.OFF:
        return
    by_kind: dict[type[Record], list[Change]] = defaultdict(list)
    for change in _judged(changes):
        by_kind[type(change.record)].append(change)
    for kind, new in by_kind.items():
        asked = {change.record.id: profile_in(change) for change in new}
        found = candidates(ctx, kind, asked)
        before: dict[str, list[str]] = defaultdict(list)
        for change in new:
            id = change.record.id
            mine = hashes(asked[id])
            others = {other for hash in mine for other in before[hash][:_MOST_OF_A_KEY]}
            likely = found[id] + _ranked(asked[id], {other: asked[other] for other in others})
            likely = [one for one in likely if one.verdict.score >= ctx.settings.threshold]
            yield from (_problem(ctx, change, one) for one in likely[:_MOST_NAMED])
            for hash in mine:
                before[hash].append(id)


def _problem(ctx: Context, change: Change, candidate: Candidate) -> UserError:
    is_warning = ctx.settings.policy is DuplicatePolicy.WARN
    remedy = sentence("change that one, or say {allowed}: true", allowed=ALLOWED)
    if is_warning:
        remedy = sentence("merge them if they are")
    message = sentence(
        "{candidate} may be the same {record}: {score} of 100, by {matched_on}; {remedy}",
        candidate=candidate.id,
        record=term(change.entity.lower()),
        score=candidate.verdict.score,
        matched_on=candidate.verdict.matched_on,
        remedy=remedy,
    )
    # By what contacts agree is personal.
    permission = "personal" if change.entity == "Contact" else None
    return UserError(
        "DUPLICATE", message, None, change.record, warning=is_warning, permission=permission, reveals=candidate.id
    )
