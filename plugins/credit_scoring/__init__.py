"""Credit scoring: creditworthiness of customers, and our exposure to them (C1 to C5)."""

import random
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from guanxi import (
    Action,
    Changes,
    Context,
    Field,
    Job,
    Panel,
    Permission,
    Plugin,
    PluginOperation,
    Record,
    UserError,
    UserRole,
    hookimpl,
)
from guanxi.records import Customer
from guanxi.sql import PreparedQuestion
from plugins.credit_scoring.ageing import ageing
from plugins.credit_scoring.collection.models import Payment, PaymentPromise, PaymentReminder
from plugins.credit_scoring.collection.settlement import settle_receivables
from plugins.credit_scoring.collection.validation import collection_problems
from plugins.credit_scoring.commits import commit_questions, control_commits, may_be_committed
from plugins.credit_scoring.control import control, is_worth, keep_overrides
from plugins.credit_scoring.evaluation import evaluate
from plugins.credit_scoring.fields import DIMENSIONS, fields
from plugins.credit_scoring.groups import hold_moved
from plugins.credit_scoring.history import RISK_CHANGED
from plugins.credit_scoring.holds import HOLD_PLACED, HOLD_RELEASED, place_credit_hold, release_credit_hold
from plugins.credit_scoring.jobs import REVIEW_OVERDUE, jobs
from plugins.credit_scoring.limits import LIMIT_CHANGED, keep_limits, limit_problems
from plugins.credit_scoring.locks import keys_of
from plugins.credit_scoring.merging import check_invoices
from plugins.credit_scoring.models import (
    CREDIT,
    CreditControlOverride,
    CreditEvaluation,
    CreditHold,
    CreditLimitChange,
    CreditPolicy,
    CreditReason,
    EvaluationTrigger,
    Receivable,
)
from plugins.credit_scoring.operations import OPERATIONS
from plugins.credit_scoring.panels import panels
from plugins.credit_scoring.receivables import receivable_problems, refresh_invoiced
from plugins.credit_scoring.sample import fill_sample
from plugins.credit_scoring.scorer import refresh_figures
from plugins.credit_scoring.settings import CreditScoringSettings

CANNOT_PERFORM = "CANNOT_PERFORM_CONTRACT"


class CreditScoring(Plugin):
    """Scores customers, manages their receivables and limits, and controls opportunities with them."""

    name = "credit_scoring"
    version = "1.0"
    api = ">=1,<2"
    settings = CreditScoringSettings
    reacts_to = ("Customer", "Opportunity", "Receivable", "Payment", "PaymentReminder", "PaymentPromise")
    blocks = False
    events = {  # noqa: RUF012  (as Plugin declares it)
        RISK_CHANGED: "A customer's credit risk changed.",
        LIMIT_CHANGED: "A customer's credit limit changed.",
        REVIEW_OVERDUE: "A customer's credit review is overdue.",
        HOLD_PLACED: "A customer was put on credit hold.",
        HOLD_RELEASED: "A customer's credit hold was released.",
        CANNOT_PERFORM: "A customer cannot fulfil its contracts.",
    }

    def reacts(self, entity: str, action: Action, names: Set[str]) -> bool:
        """What plugins keep counts, and of the core's fields those by which exposure or a group changes."""
        if entity == "Opportunity" and action is Action.UPDATED:
            return is_worth(names) or may_be_committed(names)
        if entity == "Customer" and action in (Action.CREATED, Action.UPDATED):
            return "parent_id" in names or not names <= Customer.__names__
        return True

    @hookimpl
    def register_records(self) -> Iterable[type[Record]]:
        """Receivables and their collection, and the history of evaluations, limits, overrides and holds."""
        return [
            Receivable,
            Payment,
            PaymentReminder,
            PaymentPromise,
            CreditPolicy,
            CreditEvaluation,
            CreditReason,
            CreditLimitChange,
            CreditControlOverride,
            CreditHold,
        ]

    @hookimpl
    def register_fields(self, settings: CreditScoringSettings, reporting_currency: str) -> Iterable[Field]:
        """The fields on Customer, Opportunity and Receivable."""
        return [replace(field, permission=CREDIT) for field in fields(settings, reporting_currency)]

    @hookimpl
    def register_permissions(self) -> Iterable[Permission]:
        """Who sees creditworthiness and receivables: everybody but partners."""
        staff = [role for role in UserRole if role is not UserRole.PARTNER]
        description = "See credit scores, limits and receivables."
        events = [RISK_CHANGED, LIMIT_CHANGED, REVIEW_OVERDUE, HOLD_PLACED, HOLD_RELEASED]
        return [Permission(CREDIT, description, staff, events=events)]

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """Evaluate, override, review, hold, ageing, and what-if queries."""
        return [*OPERATIONS, place_credit_hold, release_credit_hold, ageing]

    @hookimpl
    def register_panels(self) -> Iterable[Panel]:
        """The figures of the page."""
        return panels()

    @hookimpl
    def register_jobs(self) -> Iterable[Job]:
        """Daily scores and overdue reviews."""
        return jobs()

    @hookimpl
    def sample_data(self, ctx: Context, chance: random.Random) -> None:
        """Receivables, judgements and limits of the demo's customers."""
        fill_sample(ctx, chance)

    @hookimpl
    def lock_keys(self, changes: Changes) -> Iterable[tuple[str | type[Receivable], str]]:
        """The customers and deals that control and scores rely on."""
        return keys_of(changes)

    @hookimpl
    def validate(self, ctx: Context, changes: Changes) -> Iterator[UserError]:
        """Judges receivables, their collection and limits, and controls opportunities of customers at risk (C2)."""
        hold_moved(ctx, changes)
        yield from receivable_problems(ctx, changes)
        yield from collection_problems(ctx, changes)
        yield from limit_problems(changes)
        yield from control(ctx, changes)

    @hookimpl
    def merge(self, ctx: Context, into: Record, merged: Sequence[Record]) -> None:
        """Refuses customers with different invoices of one number (C4)."""
        if isinstance(into, Customer):
            check_invoices(ctx, [into, *merged])

    @hookimpl
    def questions(self, ctx: Context, changes: Changes) -> Iterator[PreparedQuestion]:
        """What the control of commits asks."""
        yield from commit_questions(ctx, changes)

    @hookimpl
    def before_commit(self, ctx: Context, changes: Changes) -> Iterator[UserError]:
        """Keeps figures current and histories complete; scores whom dimensions were entered of; controls commits."""
        paying = changes.ids("Receivable", "customer_id") | settle_receivables(ctx, changes)
        if paying:
            refresh_figures(ctx, paying)
        if deals := changes.ids("Receivable", "opportunity_id"):
            refresh_invoiced(ctx, deals)
        keep_limits(ctx, changes)
        keep_overrides(ctx, changes)
        entered = set()
        for change in changes.of("Customer"):
            if not change.after.keys().isdisjoint(DIMENSIONS):
                entered.add(change.record.id)
            if change.after.get("cannotPerformContract"):
                ctx.publish(CANNOT_PERFORM, change.record)
        if entered:
            evaluate(ctx, EvaluationTrigger.ENTERED, entered)
        yield from control_commits(ctx, changes)
