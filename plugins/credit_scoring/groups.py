"""Groups of customers, which have a limit together: that of a parent, for it and all customers below it (C4)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import literal, select

from guanxi import Action, Changes, Context, sentence
from guanxi.records import Customer
from guanxi.sql import Prepared, is_listed
from plugins.credit_scoring.models import CustomerCredit
from plugins.credit_scoring.settings import Control

_customers = Customer.__table__
_parents = _customers.alias("parent_customer")
_credits = CustomerCredit.__table__
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


def _chain() -> Prepared:
    chain = (
        select(_customers.c.id.label("member"), _customers.c.id, _customers.c.parent_id, literal(0).label("depth"))
        .where(is_listed(_customers.c.id, "ids"))
        .cte("chain", recursive=True)
    )
    chain = chain.union_all(
        select(chain.c.member, _parents.c.id, _parents.c.parent_id, chain.c.depth + 1).where(
            _parents.c.id == chain.c.parent_id, _parents.c.deleted_at.is_(None)
        )
    )
    return Prepared(select(chain.c.member, chain.c.id).order_by(chain.c.member, chain.c.depth))


_CHAIN = _chain()
#: Few customers have a limit, so this is asked before any group is looked at.
_LIMITED = Prepared(
    select(_credits.c.record_id).where(
        is_listed(_credits.c.record_id, "ids"), _credits.c.credit_limit_minor.is_not(None)
    )
)


def chains_of(ctx: Context, ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Each of these customers with those above it, the topmost last."""
    found: dict[str, list[str]] = {}
    for row in ctx.rows(_CHAIN, ids=sorted(ids)) if ids else ():
        found.setdefault(row["member"], []).append(row["id"])
    return found


def held_chains(ctx: Context, ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The same, once nobody else changes or judges these groups: their key is the topmost customer."""
    chains, held = chains_of(ctx, ids), set(ids)
    while tops := {chain[-1] for chain in chains.values()} - held:
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


def groups_of(ctx: Context, chains: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[CustomerGroup]]:
    """The groups with a limit that each customer is in."""
    if ctx.settings.group_control is Control.OFF:
        return {}
    ids = {id for chain in chains.values() for id in chain}
    limited = [row["record_id"] for row in ctx.rows(_LIMITED, ids=sorted(ids))] if ids else []
    found = {group.id: group for group in _groups(ctx, limited)} if limited else {}
    return {member: [found[id] for id in chain if id in found] for member, chain in chains.items()}


def _groups(ctx: Context, limited: list[str]) -> Iterator[CustomerGroup]:
    for node in ctx.pages("Customer", _GROUP, {"id": {"in": sorted(limited)}, "subsidiaries": {"some": {}}}):
        limit, exposure = node["creditLimit"]["reportingAmount"], node["groupExposure"]["amount"]
        yield CustomerGroup(node["id"], node["name"], Decimal(limit), Decimal(exposure))
