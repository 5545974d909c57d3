"""Control of opportunities: winning or enlarging one of a customer at risk warns or is refused (C2, C4)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from guanxi import Action, Change, Changes, Context, Money, UserError, sentence
from guanxi.vocabulary import OpportunityStatus
from plugins.credit_scoring.groups import CustomerGroup, chains_of, groups_of, held_chains
from plugins.credit_scoring.limits import reason_problem
from plugins.credit_scoring.models import CREDIT, CreditControlOverride, CreditRisk, CreditRiskSource
from plugins.credit_scoring.settings import Control

OVERRIDE_REASON = "creditOverrideReason"

#: Statuses in which an opportunity is won and not finished, and those in which it is undecided (O19).
WON = (OpportunityStatus.WON, OpportunityStatus.EXECUTING)
OPEN = (OpportunityStatus.DRAFT, OpportunityStatus.DISPATCHED, OpportunityStatus.FOLLOWING)
#: Columns by which what an opportunity is worth changes: its amount, and the day at whose rate it is converted.
_ENLARGING = ("expected_amount", "expected_amount_reporting", "opened_on", "closed_on")

_STANDING = (
    "id name isOnCreditHold creditRisk creditRiskSource creditScore creditLimit { reportingAmount } "
    "creditExposure { amount } creditHolds(first: 1) { nodes { reason } }"
)
_DEAL = "id customerId creditExposure { amount } invoicedAmount { amount } expectedAmount { reportingAmount }"


@dataclass(frozen=True, slots=True)
class Moved:
    """What an opportunity adds to the exposure of the customer it leaves, and that customer with those above it."""

    chain: Sequence[str]
    exposure: Decimal


#: Code of the problem that a group has.
GROUP = "GROUP_LIMIT_EXCEEDED"


@dataclass(slots=True)
class Standing:
    """A customer's credit standing: who it is, its hold, risk, limit and exposure, in the reporting currency.

    Attributes:
        groups: those with a limit that it is in; customers of one group share it.
    """

    id: str
    name: str
    hold: str | None
    risk: CreditRisk | None
    is_manual: bool
    score: Decimal | None
    limit: Decimal | None
    exposure: Decimal
    currency: str
    groups: Sequence[CustomerGroup] = ()

    def take(self, exposure: Decimal, moved: Moved | None = None) -> None:
        """Lets the customer have such an exposure, and its groups with it."""
        for group in self.groups:
            group.exposure += self._growth(group, exposure, moved)
        self.exposure = exposure

    def _growth(self, group: CustomerGroup, exposure: Decimal, moved: Moved | None) -> Decimal:
        """What such an exposure adds to a group: nothing that was another member's before."""
        was_there = moved is not None and group.id in moved.chain
        return exposure - self.exposure - (moved.exposure if moved is not None and was_there else 0)

    def problems(self, exposure: Decimal, moved: Moved | None = None) -> Iterator[tuple[str, str]]:
        """Yields the problems with such an exposure: codes and messages.

        Args:
            exposure: of the customer.
            moved: what comes from another customer, which has it no longer.
        """
        if self.hold is not None:
            yield "CREDIT_HOLD", sentence("{name} is on credit hold ({hold})", name=self.name, hold=self.hold)
        if self.risk is CreditRisk.HIGH:
            scored = (
                sentence("its evaluation is incomplete")
                if self.score is None
                else sentence("score {score}", score=self.score)
            )
            because = sentence("set by hand") if self.is_manual else scored
            yield (
                "HIGH_CREDIT_RISK",
                sentence("{name} is a high credit risk ({because})", name=self.name, because=because),
            )
        alone = False
        if self.limit is not None and exposure > self.limit:
            alone = True
            above = sentence("{value} above the credit limit of {limit}", value=exposure - self.limit, limit=self.limit)
            yield (
                "CREDIT_LIMIT_EXCEEDED",
                sentence(
                    "{name} would reach an exposure of {exposure}, {above} {currency}",
                    name=self.name,
                    exposure=exposure,
                    above=above,
                    currency=self.currency,
                ),
            )
        for group in self.groups:
            problem = group.problem(self._growth(group, exposure, moved), self.currency)
            # Who exceeds a limit alone need not be told so with those below it.
            if problem and not (alone and group.id == self.id):
                yield GROUP, problem


@dataclass(frozen=True, slots=True)
class _Deal:
    """An opportunity as stored: its customer, what it adds to exposure, its invoiced and its expected amount."""

    customer: str | None = None
    counted: Decimal | None = None
    invoiced: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)


def control(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Yields warnings for opportunities that are won or enlarged, or errors without a reason to override.

    The exposure of a customer adds up over the changes of a batch, except those that are refused.
    """
    if ctx.settings.control is Control.OFF:
        return
    changed = controlled(changes)
    standings = standings_of(ctx, changed) if changed else {}
    if not standings:
        return
    deals = _deals(ctx, [change for change in changed if _record(change).customer_id in standings])
    chains = chains_of(ctx, {deal.customer for deal in deals.values() if deal.customer and deal.counted})
    for change in changed:
        deal = _record(change)
        standing = standings.get(deal.customer_id)
        if standing is None:
            continue
        known = deals.get(deal.id, _Deal())
        exposure = standing.exposure + _added(ctx, change, known)
        moved = _moved(change, known, chains.ids)
        refused = False
        if _wins(change) or _amount(ctx, deal.expected_amount_reporting) > _amount_before(ctx, change, known):
            field = "status" if _wins(change) else "expectedAmount"
            found = list(verdicts(ctx, change, field, standing.problems(exposure, moved)))
            refused = any(not error.warning for error in found)
            yield from found
        if not refused:
            standing.take(exposure, moved)


def _moved(change: Change, known: _Deal, chains: Mapping[str, Sequence[str]]) -> Moved | None:
    """What the opportunity takes away from another customer."""
    if known.customer == _record(change).customer_id or not known.counted or change.action is Action.RESTORED:
        return None
    return Moved(chains.get(known.customer or "", ()), known.counted)


def verdicts(ctx: Context, change: Change, field: str, problems: Iterable[tuple[str, str]]) -> Iterator[UserError]:
    """Yields warnings about problems with an opportunity, or errors where the policy refuses and no reason is given."""
    reason = change.said.get(OVERRIDE_REASON)
    # A restoration is given an id alone.
    is_restored = change.action is Action.RESTORED
    field = "id" if is_restored else field
    remedy = (
        sentence("put that right before it is restored")
        if is_restored
        else sentence("refused unless {override_reason} gives a reason to override", override_reason=OVERRIDE_REASON)
    )
    for code, problem in problems:
        policy = ctx.settings.group_control if code == GROUP else ctx.settings.control
        if policy is Control.WARN or reason is not None:
            yield UserError(
                code,
                sentence("{field}: {problem}", field=field, problem=problem),
                (field,),
                change.record,
                warning=True,
                permission=CREDIT,
            )
        else:
            message = sentence("{field}: {problem}; {remedy}", field=field, problem=problem, remedy=remedy)
            yield UserError(code, message, (field,), change.record, permission=CREDIT)
    if reason is not None and (wrong := reason_problem(reason)):
        yield UserError(
            "INVALID",
            sentence("{override_reason}: {wrong}", override_reason=OVERRIDE_REASON, wrong=wrong),
            (OVERRIDE_REASON,),
            change.record,
        )


def keep_overrides(ctx: Context, changes: Changes) -> None:
    """Records who overrode credit control for opportunities, and why."""
    if ctx.settings.control is Control.OFF:
        return
    said = [change for change in controlled(changes) if change.said.get(OVERRIDE_REASON) is not None]
    standings = standings_of(ctx, said) if said else {}
    for change in said:
        standing = standings.get(_record(change).customer_id)
        if standing is not None:
            keep_override(ctx, change, standing, standing.exposure)


def keep_override(ctx: Context, change: Change, standing: Standing, exposure: Decimal) -> None:
    """Records that control was overridden with a reason, if there were problems with such an exposure."""
    problems = [problem for _, problem in standing.problems(exposure)]
    if not problems:
        return
    ctx.session.add(
        CreditControlOverride(
            opportunity_id=change.record.id,
            customer_id=standing.id,
            reason=change.said[OVERRIDE_REASON].strip(),
            problems=problems,
            risk=standing.risk,
            credit_limit=None if standing.limit is None else Money(standing.limit, ctx.reporting_currency),
            exposure=Money(exposure, ctx.reporting_currency),
            overridden_at=ctx.clock.now(),
            overridden_by=ctx.actor.id,
        )
    )


def controlled(changes: Changes) -> list[Change]:
    """The changes by which an opportunity may be won or enlarged."""
    return [
        change
        for change in changes.of("Opportunity", Action.CREATED, Action.UPDATED, Action.RESTORED)
        if _record(change).customer_id is not None and (_wins(change) or _may_enlarge(change))
    ]


def _record(change: Change) -> Any:
    return change.record


def _wins(change: Change) -> bool:
    """Whether the change wins it, or moves a won one to another customer."""
    deal = _record(change)
    if deal.status not in WON:
        return False
    return (
        change.action is Action.RESTORED
        or change.value_before("status") not in WON
        or change.value_before("customer_id") != deal.customer_id
    )


def _may_enlarge(change: Change) -> bool:
    """Whether the amount of an existing one changes while it is not lost or finished."""
    return change.action is Action.UPDATED and is_worth(change.after.keys()) and _record(change).status in (*WON, *OPEN)


def is_worth(fields: Set[str]) -> bool:
    """Whether any of these fields says what an opportunity is worth."""
    return not fields.isdisjoint(_ENLARGING)


def _amount(ctx: Context, minor: int | None) -> Decimal:
    return Decimal(0) if minor is None else Money.from_minor(minor, ctx.reporting_currency).amount


def _amount_before(ctx: Context, change: Change, known: _Deal) -> Decimal:
    """The amount before a change; a change made by a plugin is already in the database."""
    name = "expected_amount_reporting"
    return _amount(ctx, change.before[name]) if name in change.before else known.expected


def _added(ctx: Context, change: Change, known: _Deal) -> Decimal:
    """What a change adds to the exposure of the customer the opportunity has after it."""
    deal = _record(change)
    was_counted = known.counted is not None and change.action is not Action.RESTORED
    before = known.counted if known.counted is not None and was_counted and known.customer == deal.customer_id else 0
    counts = deal.status in WON or (was_counted and deal.status in OPEN)
    return (
        max(_amount(ctx, deal.expected_amount_reporting) - known.invoiced, Decimal(0)) if counts else Decimal(0)
    ) - before


def standings_of(ctx: Context, changed: Collection[Change]) -> dict[str, Standing]:
    """Returns the customers that may have problems, by id; nobody else judges their groups meanwhile."""
    ids = {_record(change).customer_id for change in changed}
    chains = held_chains(ctx, ids)
    groups = groups_of(ctx, chains)
    asked = sorted(id for id in ids if id in chains.limited or id in chains.doubtful or groups.get(id))
    found = ctx.pages("Customer", _STANDING, {"id": {"in": asked}}) if asked else ()
    standings = {node["id"]: _standing_of(node, ctx.reporting_currency) for node in found}
    for id, standing in standings.items():
        standing.groups = groups.get(id, ())
    return standings


def standing_with(ctx: Context, id: str) -> Standing | None:
    """Returns a customer's credit standing; None if there is no such customer."""
    node = ctx.query(f"query ($id: ID!) {{ customer(id: $id) {{ {_STANDING} }} }}", {"id": id})["customer"]
    if node is None:
        return None
    standing = _standing_of(node, ctx.reporting_currency)
    standing.groups = groups_of(ctx, chains_of(ctx, [id])).get(id, ())
    return standing


def _standing_of(node: Mapping[str, Any], currency: str) -> Standing:
    """Builds a customer's credit standing from the result of a query."""
    limit, risk, score = node["creditLimit"], node["creditRisk"], node["creditScore"]
    return Standing(
        node["id"],
        node["name"],
        node["creditHolds"]["nodes"][0]["reason"] if node["isOnCreditHold"] else None,
        None if risk is None else CreditRisk(risk),
        node["creditRiskSource"] == CreditRiskSource.MANUAL,
        None if score is None else Decimal(score),
        None if limit is None else Decimal(limit["reportingAmount"]),
        Decimal(node["creditExposure"]["amount"]),
        currency,
    )


def _deals(ctx: Context, changed: Collection[Change]) -> dict[str, _Deal]:
    ids = sorted(_record(change).id for change in changed)
    found = ctx.pages("Opportunity", _DEAL, {"id": {"in": ids}, "deletedAt": {}}) if ids else ()
    return {
        node["id"]: _Deal(
            node["customerId"],
            _decimal(node["creditExposure"], "amount"),
            _decimal(node["invoicedAmount"], "amount") or Decimal(0),
            _decimal(node["expectedAmount"], "reportingAmount") or Decimal(0),
        )
        for node in found
    }


def _decimal(money: Mapping[str, str] | None, part: str) -> Decimal | None:
    return None if money is None else Decimal(money[part])
