"""The core's special operations: moving an opportunity, logging an interaction, completing a task."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from core.access.permissions import Right
from core.base.errors import InputError, UserError
from core.base.sentences import sentence
from core.crm.activities import Interaction, Task
from core.crm.opportunities import Opportunity, Stage, StageTransition
from core.log.events import Action
from core.records.checks import check_text
from core.records.columns import column_info
from core.records.vocabulary import TaskStatus
from core.unit.drafts import RowOutcome, failure
from core.unit.references import foresee
from core.unit.unit import Unit
from schema.catalog.catalog import Catalog
from schema.types.builder import Argument, Builder, Member
from schema.types.inputs import said_members, write_members
from schema.write.answers import Mutation, MutationInput, MutationRefusal
from schema.write.drafting import Drafting
from schema.write.matching import Asked
from schema.write.mutations import DRY_RUN, ERRORS, KEY, REQUEST_ID, VERSION, WARNINGS, single_payload


class _Faulty(Exception):  # noqa: N818  (carries the error that is answered)
    """An error in a field of the operation's own."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.error = UserError(code, sentence("{field}: {message}", field=field, message=message), (field,))


def special_mutations(builder: Builder, catalog: Catalog) -> dict[str, Mutation]:
    """`moveOpportunity`, `logInteraction` and `completeTask`."""
    return {
        "moveOpportunity": _move(builder, catalog),
        "logInteraction": _log(builder, catalog),
        "completeTask": _complete(builder, catalog),
    }


def _move(builder: Builder, catalog: Catalog) -> Mutation:
    record = catalog.records[Opportunity.__name__]
    drafting = Drafting(catalog, record)
    #: The stage that each key led to last: it is looked up ahead, and most often it is that again.
    latest: dict[str | None, str] = {}
    builder.input(
        "MoveOpportunityInput",
        "The move of an opportunity to a stage.",
        [
            Member("id", "ID", "Its id."),
            VERSION,
            Member("stageId", "ID | None", "The stage it enters; see the query `stages`."),
            Member("stageKey", "str | None", "The stage by its key, such as C, instead of stageId."),
            Member("at", "DateTime | None", "When it happened in the business; now if not given."),
            Member("reason", "str | None", "The reason; kept in its transition log."),
            *said_members(record),
            DRY_RUN,
            KEY,
        ],
    )

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        update = {name: given[name] for name in ("id", "expectedVersion", *record.said) if name in given}
        key = given.get("stageKey")
        drafting.foresee(unit, update["id"])
        unit.settlement.foresee_stages()
        foresee(unit.transaction, Stage.__table__, given.get("stageId") or latest.get(key))
        try:
            update["stageId"] = latest[key] = _stage_id(unit, given)
            _check_reason(given.get("reason"))
        except _Faulty as faulty:
            return [failure(0, [faulty.error])]
        asked = Asked(Action.UPDATED, update, occurred_at=given.get("at"), reason=given.get("reason"))
        return drafting.write(unit, [asked], alone=True)

    return Mutation(
        Member(
            "moveOpportunity",
            "OpportunityPayload",
            "Moves an opportunity to a stage and logs the step. Entering a winning stage wins it; the status of an "
            "open one follows.",
            [Argument("input", "MoveOpportunityInput", "The input.")],
        ),
        "moveOpportunity",
        work,
        partial(single_payload, record),
        rights=[(record.name, Right.CHANGE)],
        singles=(record.name,),
    )


def _stage_id(unit: Unit, given: MutationInput) -> str:
    id, key = given.get("stageId"), given.get("stageKey")
    if key is None and id is None:
        raise _Faulty("REQUIRED", "stageKey", sentence("give it, or stageId"))
    if key is None:
        return str(id)
    if id is not None:
        raise _Faulty("INVALID", "stageKey", sentence("give either stageId or stageKey"))
    stages = {stage.key: stage.id for stage in unit.settlement.stages()}
    if key not in stages:
        raise _Faulty(
            "NOT_FOUND",
            "stageKey",
            sentence("there is no stage {key!r}; available: {known}", key=key, known=list(stages)),
        )
    return stages[key]


def _check_reason(reason: str | None) -> None:
    if reason is None:
        return
    longest = column_info(StageTransition.__table__.c.reason).max_length
    assert longest is not None
    try:
        check_text(reason, longest)
    except InputError as error:
        raise _Faulty("INVALID", "reason", error.message) from None


def _log(builder: Builder, catalog: Catalog) -> Mutation:
    record = catalog.records[Interaction.__name__]
    drafting, tasks = Drafting(catalog, record), Drafting(catalog, catalog.records[Task.__name__])
    builder.input(
        "FollowUpInput",
        "A task that follows from an interaction.",
        [
            Member("subject", "str", "What needs to be done."),
            Member("dueOn", "Date | None", "Due date."),
            Member("remindAt", "DateTime | None", "When to remind the assignee."),
            Member("assigneeId", "ID | None", "The assignee; by default the person who took part in the interaction."),
        ],
    )
    builder.input(
        "LogInteractionInput",
        "A call, message, visit or meeting, and a task that follows from it.",
        [
            Member("id", "ID | None", "Its id, if the client wants to choose it."),
            *write_members(catalog, record, creating=True),
            Member("followUp", "FollowUpInput | None", "A task that follows from it."),
            DRY_RUN,
            KEY,
        ],
    )
    builder.output(
        "LogInteractionPayload",
        "The outcome.",
        [
            Member("interaction", "Interaction | None", "The interaction; null if it was refused."),
            Member("task", "Task | None", "The task that follows from it, if one was requested."),
            ERRORS,
            WARNINGS,
            REQUEST_ID,
        ],
    )

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        plain = {name: value for name, value in given.items() if name != "followUp"}
        (logged,) = drafting.write(unit, [Asked(Action.CREATED, plain)], alone=True)
        if logged.errors or given.get("followUp") is None:
            return [logged]
        made = unit.held.get(Interaction, str(logged.id))
        wanted = {name: value for name, value in given["followUp"].items() if value is not None}
        links = {"customerId": made.customer_id, "contactId": made.contact_id, "opportunityId": made.opportunity_id}
        follow = {"assigneeId": made.user_id, **links, **wanted, "interactionId": made.id}
        (task,) = tasks.write(unit, [Asked(Action.CREATED, follow)], alone=True)
        if task.errors:
            raise MutationRefusal([error.under("followUp") for error in task.errors])
        return [logged, task]

    return Mutation(
        Member(
            "logInteraction",
            "LogInteractionPayload",
            "Logs a call, message, visit or meeting: the customer is that of the contact or opportunity unless stated "
            "otherwise, and a task may follow.",
            [Argument("input", "LogInteractionInput", "The input.")],
        ),
        "logInteraction",
        work,
        _logged,
        rights=[(record.name, Right.CREATE)],
        singles=(record.name, Task.__name__),
    )


def _logged(given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    logged, *rest = outcomes
    return {
        "interaction": None if given["dryRun"] else logged.id,
        "task": rest[0].id if rest and not given["dryRun"] else None,
        "userErrors": logged.errors,
        "warnings": [warning for outcome in outcomes for warning in outcome.warnings],
    }


def _complete(builder: Builder, catalog: Catalog) -> Mutation:
    record = catalog.records[Task.__name__]
    drafting = Drafting(catalog, record)
    builder.input(
        "CompleteTaskInput",
        "The completion of a task.",
        [
            Member("id", "ID", "Its id."),
            VERSION,
            Member("outcome", "str | None", "The result."),
            Member("at", "DateTime | None", "When it was completed; now if not given."),
            *said_members(record),
            DRY_RUN,
            KEY,
        ],
    )

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        update = {name: given[name] for name in ("id", "expectedVersion", "outcome", *record.said) if name in given}
        asked = Asked(Action.UPDATED, {**update, "status": TaskStatus.DONE}, occurred_at=given.get("at"))
        return drafting.write(unit, [asked], alone=True)

    return Mutation(
        Member(
            "completeTask",
            "TaskPayload",
            "Marks a task as done; a task that is already done stays unchanged.",
            [Argument("input", "CompleteTaskInput", "The input.")],
        ),
        "completeTask",
        work,
        partial(single_payload, record),
        rights=[(record.name, Right.CHANGE)],
        singles=(record.name,),
    )
