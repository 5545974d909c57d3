"""Control of opportunities: winning or enlarging one of a customer at risk warns or is refused (C2, C4)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from guanxi import Action, Change, Changes, Context, Money, UserError
from guanxi.vocabulary import OpportunityStatus
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


@dataclass(slots=True)
class Standing:
    """A customer's credit standing: who it is, its hold, risk, limit and exposure, in the reporting currency."""

    id: str
    name: str
    hold: str | None
    risk: CreditRisk | None
    is_manual: bool
    score: Decimal | None
    limit: Decimal | None
    exposure: Decimal
    currency: str

    def problems(self, exposure: Decimal) -> Iterator[tuple[str, str]]:
        """Yields the problems with such an exposure: codes and messages."""
        if self.hold is not None:
            yield "CREDIT_HOLD", f"{self.name} is on credit hold ({self.hold})"
        if self.risk is CreditRisk.HIGH:
            scored = "its evaluation is incomplete" if self.score is None else f"score {self.score}"
            because = "set by hand" if self.is_manual else scored
            yield "HIGH_CREDIT_RISK", f"{self.name} is a high credit risk ({because})"
        if self.limit is not None and exposure > self.limit:
            above = f"{exposure - self.limit} above the credit limit of {self.limit}"
            yield (
                "CREDIT_LIMIT_EXCEEDED",
                f"{self.name} would reach an exposure of {exposure}, {above} {self.currency}",
            )


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
    for change in changed:
        deal = _record(change)
        standing = standings.get(deal.customer_id)
        if standing is None:
            continue
        known = deals.get(deal.id, _Deal())
        exposure = standing.exposure + _added(ctx, change, known)
        refused = False
        if _wins(change) or _amount(ctx, deal.expected_amount_reporting) > _amount_before(ctx, change, known):
            field = "status" if _wins(change) else "expectedAmount"
            found = list(verdicts(ctx, change, field, standing.problems(exposure)))
            refused = any(not error.warning for error in found)
            yield from found
        if not refused:
            standing.exposure = exposure


def verdicts(ctx: Context, change: Change, field: str, problems: Iterable[tuple[str, str]]) -> Iterator[UserError]:
    """Yields warnings about problems with an opportunity, or errors where the policy refuses and no reason is given."""
    reason = change.said.get(OVERRIDE_REASON)
    # A restoration is given an id alone.
    is_restored = change.action is Action.RESTORED
    field = "id" if is_restored else field
    remedy = (
        "put that right before it is restored"
        if is_restored
        else f"refused unless {OVERRIDE_REASON} gives a reason to override"
    )
    for code, problem in problems:
        if ctx.settings.control is Control.WARN or reason is not None:
            yield UserError(code, f"{field}: {problem}", (field,), change.record, warning=True, permission=CREDIT)
        else:
            message = f"{field}: {problem}; {remedy}"
            yield UserError(code, message, (field,), change.record, permission=CREDIT)
    if reason is not None and (wrong := reason_problem(reason)):
        yield UserError("INVALID", f"{OVERRIDE_REASON}: {wrong}", (OVERRIDE_REASON,), change.record)


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
    return (
        change.action is Action.UPDATED
        and not change.after.keys().isdisjoint(_ENLARGING)
        and _record(change).status in (*WON, *OPEN)
    )


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
    """Returns the customers that may have problems, by id."""
    ids = sorted({_record(change).customer_id for change in changed})
    said = [
        {"creditRisk": {"eq": CreditRisk.HIGH}},
        {"creditLimit": {"isNull": False}},
        {"isOnCreditHold": {"eq": True}},
    ]
    found = ctx.pages("Customer", _STANDING, {"id": {"in": ids}, "or": said}) if ids else ()
    return {node["id"]: _standing_of(node, ctx.reporting_currency) for node in found}


def standing_with(ctx: Context, id: str) -> Standing | None:
    """Returns a customer's credit standing; None if there is no such customer."""
    node = ctx.query(f"query ($id: ID!) {{ customer(id: $id) {{ {_STANDING} }} }}", {"id": id})["customer"]
    return None if node is None else _standing_of(node, ctx.reporting_currency)


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
