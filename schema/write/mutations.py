"""The mutations every record has: their types, and what they do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.base.errors import UserError
from core.base.text import camel, snake, with_article, words
from core.log.events import Action
from core.records.vocabulary import vocabulary
from core.unit.drafts import OutcomeStatus, RowOutcome
from core.unit.unit import Unit
from schema.catalog.catalog import Catalog, RecordType
from schema.request.context import RequestContext
from schema.types.builder import Argument, Builder, Member
from schema.types.inputs import write_members
from schema.types.operation_types import DRY_RUN_TEXT, IDEMPOTENCY_KEY_TEXT, USER_ERRORS_TEXT, WARNINGS_TEXT
from schema.write.answers import MutationInput, Work, all_or_nothing, payload, run
from schema.write.drafting import EXTERNAL_ID, ID, Asked, Drafting, match_fields

#: Records that a special mutation creates: interactions are logged.
CREATED_OTHERWISE = frozenset({"Interaction"})

Handler = Callable[[RequestContext, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

KEY = Member("idempotencyKey", "str | None", IDEMPOTENCY_KEY_TEXT)
DRY_RUN = Member("dryRun", "bool", DRY_RUN_TEXT, default=False)
VERSION = Member("expectedVersion", "int | None", "Refuse if the record is no longer at this version.")
ERRORS = Member("userErrors", "list[UserError]", USER_ERRORS_TEXT)
WARNINGS = Member("warnings", "list[UserError]", WARNINGS_TEXT)


@dataclass(frozen=True, slots=True)
class Mutation:
    """A root field of Mutation: how it appears in the schema, and what answers it."""

    member: Member
    handler: Handler


def add_shared(builder: Builder) -> None:
    """The types that all mutations share."""
    builder.enum(OutcomeStatus)
    builder.output(
        "UserError",
        "Something a user can fix or is warned about.",
        [
            Member("code", "str", "Stable and machine-readable, such as REQUIRED or CONFLICT."),
            Member("message", "str", "Names the field, the value and the remedy."),
            Member("field", "list[str] | None", "Path to the input field; null for the record as a whole."),
            Member("plugin", "str | None", "The plugin that raised it; null for the core."),
        ],
    )
    builder.input(
        "TargetInput",
        "The record to act on.",
        [Member("id", "ID", "Its id."), VERSION, DRY_RUN, KEY],
    )


def record_mutations(builder: Builder, catalog: Catalog, record: RecordType) -> dict[str, Mutation]:
    """The types and root fields by which one record is written."""
    name, drafting = record.name, Drafting(catalog, record)
    _add_types(builder, catalog, record)

    def mutation(field: str, input_: str, description: str, payload: str, handler: Handler) -> tuple[str, Mutation]:
        argument = Argument("input", input_, "The input.")
        return field, Mutation(Member(field, payload, description, [argument]), handler)

    def single(action: Action) -> Handler:
        def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
            return drafting.write(unit, [Asked(action, given)], alone=True)

        return lambda context, arguments: _answer_single(context, record, arguments["input"], work, action)

    payload, noun = f"{name}Payload", words(record.singular)
    one = with_article(noun)
    create = mutation(f"create{name}", f"Create{name}Input", f"Creates {one}.", payload, single(Action.CREATED))
    return dict(
        [
            *([] if name in CREATED_OTHERWISE else [create]),
            mutation(
                f"update{name}",
                f"Update{name}Input",
                f"Updates {one}; fields left out stay as they are, null clears a field.",
                payload,
                single(Action.UPDATED),
            ),
            mutation(
                f"delete{name}",
                "TargetInput",
                f"Deletes {one}. It can be restored; in the meantime its unique keys are free.",
                payload,
                single(Action.DELETED),
            ),
            mutation(f"restore{name}", "TargetInput", f"Restores a deleted {noun}.", payload, single(Action.RESTORED)),
            mutation(
                f"destroy{name}",
                "TargetInput",
                f"Destroys {one} for good, including what plugins store about it. It cannot be restored.",
                payload,
                single(Action.DESTROYED),
            ),
            mutation(
                f"upsert{record.plural_type}",
                f"Upsert{record.plural_type}Input",
                f"Creates or updates many {words(record.plural)} at once, with an outcome per row: a refused row "
                "leaves the others untouched.",
                f"Upsert{record.plural_type}Payload",
                lambda context, arguments: _answer_upsert(context, record, drafting, arguments["input"]),
            ),
        ]
    )


def _add_types(builder: Builder, catalog: Catalog, record: RecordType) -> None:
    name, plural, one = record.name, record.plural_type, words(record.singular)
    id_ = Member("id", "ID | None", "Its id, if the client wants to choose it.")
    if name not in CREATED_OTHERWISE:
        members = [id_, *write_members(catalog, record, creating=True), DRY_RUN, KEY]
        builder.input(f"Create{name}Input", f"A new {one}.", members)
    # Said once, where a record is created.
    changes = [replace(member, description="") for member in write_members(catalog, record, creating=False)]
    alike = f"Each field means the same as in {'Log' if name in CREATED_OTHERWISE else 'Create'}{name}Input."
    builder.input(
        f"Update{name}Input",
        f"Changes of {with_article(one)}: fields left out stay as they are, null clears a field. {alike}",
        [Member("id", "ID", "Its id."), VERSION, *changes, DRY_RUN, KEY],
    )
    builder.output(
        f"{name}Payload",
        f"The result of a change of {with_article(one)}.",
        [
            Member(
                record.singular,
                f"{name} | None",
                "The record as it is now; null if the change was refused or the record is gone.",
            ),
            ERRORS,
            WARNINGS,
        ],
    )
    keys = {ID: "By id.", EXTERNAL_ID: "By external id."}
    keys |= {
        snake(field.name).upper(): f"By {words(field.name)}, compared case-insensitively."
        for field in match_fields(record)
    }
    match = vocabulary(f"{name}MatchKey", f"How rows find the {words(record.plural)} they refer to.", keys)
    builder.enum(match)
    builder.input(
        f"{name}UpsertItem",
        f"One row: a new {one}, or changes to the one it matches. {alike}",
        [id_, *changes],
    )
    builder.input(
        f"Upsert{plural}Input",
        f"Many {words(record.plural)} at once.",
        [
            Member(
                "items",
                f"list[{name}UpsertItem]",
                f"The rows, {catalog.settings.maximum_batch_size} at most; of two that match one record the second "
                "sees what the first did.",
            ),
            Member(
                "matchBy",
                f"{name}MatchKey",
                "How rows find the records they refer to. A row that finds none creates one; deleted records are "
                "not found, except by id, which is then refused.",
                default=match(EXTERNAL_ID),
            ),
            Member(
                "allOrNothing",
                "bool",
                "Write every row or none: one refused row leaves all the others unwritten too.",
                default=False,
            ),
            Member("dryRun", "bool", "Report what would happen and write nothing.", default=False),
            KEY,
        ],
    )
    builder.output(
        f"{name}UpsertResult",
        "The outcome of one row.",
        [
            Member("index", "int", "Position of the row, from 0."),
            Member("status", "OutcomeStatus", "The outcome."),
            Member(
                record.singular,
                f"{name} | None",
                "The record as it is now; null if the row was refused or in a dry run.",
            ),
            ERRORS,
            WARNINGS,
        ],
    )
    counts = [
        Member(status, "int", f"Number of rows with status {snake(status).upper()}.")
        for status in ("created", "updated", "unchanged", "failed", "rolledBack")
    ]
    builder.output(
        f"Upsert{plural}Payload",
        "The outcome of many rows.",
        [
            Member("results", f"list[{name}UpsertResult]", "One outcome per row, in the order of the rows."),
            *counts,
            Member("userErrors", "list[UserError]", "Errors of the request as a whole."),
            WARNINGS,
        ],
    )


async def _answer_single(
    context: RequestContext, record: RecordType, given: MutationInput, work: Work, action: Action
) -> Mapping[str, Any]:
    (outcome,) = await run(context, f"{action}:{record.name}", given, work, dry=given["dryRun"])
    return payload(record, outcome, dry=given["dryRun"])


async def _answer_upsert(
    context: RequestContext, record: RecordType, drafting: Drafting, given: MutationInput
) -> Mapping[str, Any]:
    largest = context.settings.maximum_batch_size
    if len(given["items"]) > largest:
        message = f"items: {len(given['items'])} rows are more than {largest}; send them in several requests"
        return _upsert_payload(record, [], [UserError("TOO_MANY", message, ("items",))])
    names = {snake(field.name).upper(): field.name for field in match_fields(record)}
    match = names.get(given["matchBy"], given["matchBy"])
    asked = [Asked(None, item, str(match)) for item in given["items"]]

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        if not given["allOrNothing"]:
            return drafting.write(unit, asked)
        return all_or_nothing(unit, lambda: drafting.write(unit, asked))

    dry = given["dryRun"]
    return _upsert_payload(record, await run(context, f"UPSERT:{record.name}", given, work, dry=dry), dry=dry)


def _upsert_payload(
    record: RecordType, outcomes: Sequence[RowOutcome], errors: Sequence[UserError] = (), *, dry: bool = False
) -> dict[str, Any]:
    results = [
        {
            "index": outcome.index,
            "status": outcome.status,
            **payload(record, outcome, dry=dry),
        }
        for outcome in outcomes
    ]
    counts = {
        camel(status.lower()): sum(outcome.status == status for outcome in outcomes)
        for status in ("CREATED", "UPDATED", "UNCHANGED", "FAILED", "ROLLED_BACK")
    }
    return {"results": results, **counts, "userErrors": list(errors), "warnings": []}
