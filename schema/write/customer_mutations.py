"""`deleteCustomer` and `restoreCustomer`: what becomes of a customer's open opportunities."""

from collections.abc import Sequence
from functools import partial

from sqlmodel import col, select

from core.access.permissions import Right
from core.base.errors import UserError
from core.base.sentences import sentence, term
from core.crm.customers import Customer
from core.crm.opportunities import Opportunity
from core.crm.pipeline import held_opportunities
from core.log.events import Action
from core.records.vocabulary import Vocabulary
from core.unit.drafts import RowOutcome, failure
from core.unit.unit import Unit
from schema.catalog.catalog import Catalog
from schema.types.builder import Argument, Builder, Member
from schema.write.answers import Mutation, MutationInput
from schema.write.drafting import Drafting
from schema.write.matching import Asked
from schema.write.mutations import DRY_RUN, KEY, VERSION, single_payload


class OpenOpportunities(Vocabulary):
    """What becomes of the open opportunities of a customer that is deleted; decided ones stay as they are."""

    REFUSE = "REFUSE", "The customer is not deleted while it has any."
    DELETE = "DELETE", "They are deleted with it, and restored with it."
    MOVE = "MOVE", "They go to another customer, and stay there."


def customer_mutations(builder: Builder, catalog: Catalog) -> dict[str, Mutation]:
    """`deleteCustomer` and `restoreCustomer`."""
    return {"deleteCustomer": _delete(builder, catalog), "restoreCustomer": _restore(catalog)}


def _delete(builder: Builder, catalog: Catalog) -> Mutation:
    record = catalog.records[Customer.__name__]
    customers, opportunities = Drafting(catalog, record), Drafting(catalog, catalog.records[Opportunity.__name__])
    builder.enum(OpenOpportunities)
    builder.input(
        "DeleteCustomerInput",
        "The deletion of a customer.",
        [
            Member("id", "ID", "Its id."),
            VERSION,
            Member(
                "openOpportunities", "OpenOpportunities", "What becomes of its open opportunities.", default="REFUSE"
            ),
            Member("moveOpportunitiesTo", "ID | None", "The customer that gets them, where they are moved."),
            DRY_RUN,
            KEY,
        ],
    )

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        id, fate, target = given["id"], given["openOpportunities"], given.get("moveOpportunitiesTo")
        if (problem := _problem(id, fate, target)) is not None:
            return [failure(0, [problem])]
        # Who gives it another opportunity meanwhile waits, and finds it deleted.
        is_there = id in unit.held.locked(Customer, [id], exclusive=True)
        if is_there:
            unit.announce_removal()
        ids = held_opportunities(unit.session, id) if is_there and fate != OpenOpportunities.REFUSE else []
        if target is not None and (problem := _target_problem(unit, target)) is not None:
            return [failure(0, [problem])]
        told: list[UserError] = []
        if is_there and unit.permit.allowed(unit.transaction.rows, record.name, Right.DELETE, {id}):
            told = _decided(unit, opportunities, ids, target)
        if refused := [error for error in told if not error.warning]:
            unit.discards = True
            return [failure(0, refused)]
        if fate == OpenOpportunities.DELETE:
            for deal in unit.held.locked(Opportunity, ids).values():
                deal.deleted_with = id
        (outcome,) = customers.write(unit, [Asked(Action.DELETED, given)], alone=True)
        outcome.warnings = [*outcome.warnings, *told]
        return [outcome]

    member = Member(
        "deleteCustomer",
        "CustomerPayload",
        "Deletes a customer. It can be restored; in the meantime its unique keys are free. One with open opportunities "
        "is not deleted, unless `openOpportunities` says what becomes of them.",
        [Argument("input", "DeleteCustomerInput", "The input.")],
    )
    return Mutation(
        member,
        f"{Action.DELETED}:{record.name}",
        work,
        partial(single_payload, record),
        rights=[(record.name, Right.DELETE)],
        removes=True,
    )


def _problem(id: str, fate: str, target: str | None) -> UserError | None:
    """What is wrong with the input."""
    field = "moveOpportunitiesTo"
    if fate == OpenOpportunities.MOVE and target is None:
        return UserError(
            "REQUIRED", sentence("{field}: give the customer that gets the open opportunities", field=field), (field,)
        )
    if fate != OpenOpportunities.MOVE and target is not None:
        return UserError(
            "INVALID", sentence("{field}: leave it out, or give openOpportunities: MOVE", field=field), (field,)
        )
    if target == id:
        return UserError(
            "INVALID",
            sentence("{field}: {target} is the customer that is deleted; give another", field=field, target=target),
            (field,),
        )
    return None


def _target_problem(unit: Unit, target: str) -> UserError | None:
    """Why opportunities cannot be moved to a customer: the caller knows no such living one."""
    found = unit.held.locked(Customer, [target]).get(target)
    if found is not None and not unit.permit.allowed(unit.transaction.rows, Customer.__name__, Right.READ, {target}):
        found = None
    if found is not None and found.deleted_at is None:
        return None
    message = sentence("there is no customer {target!r}; give the id of an existing one", target=target)
    if found is not None:
        message = sentence("customer {target!r} is deleted; restore it first, or give another", target=target)
    return UserError("NOT_FOUND", sentence("moveOpportunitiesTo: {message}", message=message), ("moveOpportunitiesTo",))


def _decided(unit: Unit, drafting: Drafting, ids: Sequence[str], target: str | None) -> list[UserError]:
    """Deletes opportunities, or moves them where a target is given; errors and warnings about that."""
    action, right = (Action.DELETED, Right.DELETE) if target is None else (Action.UPDATED, Right.CHANGE)
    allowed = unit.permit.allowed(unit.transaction.rows, Opportunity.__name__, right, set(ids))
    if hidden := len(ids) - len(allowed):
        message = sentence(
            "openOpportunities: {hidden} of them you may not {right}; ask somebody who may",
            hidden=hidden,
            right=term(right.value.lower()),
        )
        return [UserError("FORBIDDEN", message, ("openOpportunities",))]
    change = {} if target is None else {"customerId": target}
    outcomes = drafting.write(unit, [Asked(action, {"id": id, **change}) for id in ids]) if ids else []
    field = "openOpportunities" if target is None else "moveOpportunitiesTo"
    return [
        UserError(
            error.code,
            sentence("{field}: {ids}: {problem}", field=field, ids=ids[outcome.index], problem=error.message),
            (field,),
            warning=error.warning,
        )
        for outcome in outcomes
        for error in (*outcome.errors, *outcome.warnings)
    ]


def _restore(catalog: Catalog) -> Mutation:
    record = catalog.records[Customer.__name__]
    customers, opportunities = Drafting(catalog, record), Drafting(catalog, catalog.records[Opportunity.__name__])

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        (outcome,) = customers.write(unit, [Asked(Action.RESTORED, given)], alone=True)
        if outcome.errors:
            return [outcome]
        ids = _deleted_with(unit, given["id"])
        for deal in unit.held.locked(Opportunity, ids).values():
            deal.deleted_with = None
        restored = opportunities.write(unit, [Asked(Action.RESTORED, {"id": id}) for id in ids]) if ids else []
        left = [
            UserError(
                error.code,
                sentence("{ids} stays deleted: {problem}", ids=ids[one.index], problem=error.message),
                None,
                warning=True,
            )
            for one in restored
            for error in one.errors
        ]
        outcome.warnings = [*outcome.warnings, *left]
        return [outcome]

    member = Member(
        "restoreCustomer",
        "CustomerPayload",
        "Restores a deleted customer, and the opportunities that were deleted with it.",
        [Argument("input", "TargetInput", "The input.")],
    )
    return Mutation(
        member,
        f"{Action.RESTORED}:{record.name}",
        work,
        partial(single_payload, record),
        rights=[(record.name, Right.DELETE)],
    )


def _deleted_with(unit: Unit, customer_id: str) -> list[str]:
    """The opportunities that were deleted with a customer, in order of their ids."""
    query = (
        select(Opportunity.id)
        .where(
            col(Opportunity.customer_id) == customer_id,
            col(Opportunity.deleted_with) == customer_id,
            col(Opportunity.deleted_at).is_not(None),
        )
        .order_by(col(Opportunity.id))
    )
    return list(unit.session.exec(query))
