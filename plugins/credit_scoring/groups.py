"""Groups of customers, which have a limit together: that of a parent, for it and all customers below it (C4)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, exists, literal, or_, select

from guanxi import Action, Changes, Context, sentence
from guanxi.records import Customer
from guanxi.sql import Expression, Prepared, PreparedQuestion, is_listed
from plugins.credit_scoring import rules
from plugins.credit_scoring.models import CreditHold, CreditRisk, CustomerCredit
from plugins.credit_scoring.settings import Control

_customers = Customer.__table__
_parents = _customers.alias("parent_customer")
_credits = CustomerCredit.__table__
_holds = CreditHold.__table__
_GROUP = "id name creditLimit { reportingAmount } groupExposure { amount }"


@dataclass(slots=True)
class CustomerGroup:
    """A customer with those below it: its name and limit, and the exposure of all, in the reporting currency."""

    id: str
    name: str
    limit: Decimal
    exposure: Decimal

    def problem(self, growth: Decimal, currency: str) -> str | None:
        """What is wrong if the exposure of the group grows by an amount; None if nothing is."""
        after = self.exposure + growth
        if after <= self.limit:
            return None
        above = sentence("{value} above the credit limit of {limit}", value=after - self.limit, limit=self.limit)
        return sentence(
            "{name} and the customers below it would reach an exposure of {after}, {above} {currency}",
            name=self.name,
            after=after,
            above=above,
            currency=currency,
        )


@dataclass(frozen=True, slots=True)
class Chains:
    """Customers, each with those above it.

    Attributes:
        ids: by customer, itself and those above it, the topmost last.
        limited: those of them all that have a limit; few have.
        doubtful: those of them all that are a high credit risk or on credit hold.
    """

    ids: Mapping[str, Sequence[str]]
    limited: Collection[str]
    doubtful: Collection[str]


def _chain() -> Prepared:
    chain = (
        select(_customers.c.id.label("member"), _customers.c.id, _customers.c.parent_id, literal(0).label("depth"))
        .where(is_listed(_customers.c.id, "ids"))
        .cte("chain", recursive=True)
    )
    # Of a condition on parents alone SQLite makes a filter, for which it reads all customers each time.
    living = or_(_parents.c.deleted_at.is_(None), chain.c.id.is_(None))
    chain = chain.union_all(
        select(chain.c.member, _parents.c.id, _parents.c.parent_id, chain.c.depth + 1).where(
            _parents.c.id == chain.c.parent_id, living
        )
    )
    limited = _credits.c.credit_limit_minor.is_not(None).label("is_limited")
    return Prepared(
        select(chain.c.member, chain.c.id, limited, _is_doubtful(chain.c.id).label("is_doubtful"))
        .outerjoin_from(chain, _credits, _credits.c.record_id == chain.c.id)
        .order_by(chain.c.member, chain.c.depth)
    )


def _is_doubtful(customer: Expression) -> Expression:
    file, hold = _credits.c, _holds.c
    today = bindparam("today", None, file.override_until.type)
    risk = rules.holding_risk(file.scored_risk, file.override_risk, file.override_until, today)
    active = rules.is_hold_active(hold.placed_on, hold.until, hold.released_on, today)
    living = hold.deleted_at.is_(None)
    return or_(risk.is_not_distinct_from(CreditRisk.HIGH), exists().where(hold.customer_id == customer, living, active))


_CHAIN = _chain()


def chains_of(ctx: Context, ids: Collection[str]) -> Chains:
    """Each of these customers with those above it."""
    rows = ctx.rows(_CHAIN, **_asked(ctx, ids)) if ids else ()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["member"], []).append(row["id"])
    limited, doubtful = ({row["id"] for row in rows if row[name]} for name in ("is_limited", "is_doubtful"))
    return Chains(found, limited, doubtful)


def _asked(ctx: Context, ids: Collection[str]) -> dict[str, Any]:
    return {"ids": sorted(ids), "today": ctx.clock.today()}


def chain_questions(ctx: Context, ids: Collection[str]) -> Iterator[PreparedQuestion]:
    """What `chains_of` will ask."""
    if ids:
        yield _CHAIN.asked(**_asked(ctx, ids))


def held_chains(ctx: Context, ids: Collection[str]) -> Chains:
    """The same, once nobody else changes or judges these groups: their key is the topmost customer."""
    chains, held = chains_of(ctx, ids), set(ids)
    while tops := {chain[-1] for chain in chains.ids.values()} - held:
        ctx.lock("customer", *sorted(tops))
        held |= tops
        # Who held the key before may have moved a customer to another group.
        chains = chains_of(ctx, ids)
    return chains


def hold_moved(ctx: Context, changes: Changes) -> None:
    """Waits for the groups that customers leave and join, so that none is judged meanwhile."""
    moved = [change for change in changes.of("Customer", Action.UPDATED) if "parent_id" in change.after]
    ids = {change.record.id for change in moved}
    ids |= {
        parent for change in moved for parent in (change.after["parent_id"], change.value_before("parent_id")) if parent
    }
    if ids:
        held_chains(ctx, ids)


def groups_of(ctx: Context, chains: Chains) -> Mapping[str, Sequence[CustomerGroup]]:
    """The groups with a limit that each customer is in."""
    if ctx.settings.group_control is Control.OFF:
        return {}
    found = {group.id: group for group in _groups(ctx, chains.limited)} if chains.limited else {}
    return {member: [found[id] for id in chain if id in found] for member, chain in chains.ids.items()}


def _groups(ctx: Context, limited: Collection[str]) -> Iterator[CustomerGroup]:
    for node in ctx.pages("Customer", _GROUP, {"id": {"in": sorted(limited)}, "subsidiaries": {"some": {}}}):
        limit, exposure = node["creditLimit"]["reportingAmount"], node["groupExposure"]["amount"]
        yield CustomerGroup(node["id"], node["name"], Decimal(limit), Decimal(exposure))
