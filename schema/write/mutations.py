"""The mutations every record has: their types, and what they do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from graphql import GraphQLResolveInfo

from core.access.permissions import IMPORT
from core.base.errors import UserError
from core.base.languages import Language
from core.base.text import camel, snake, with_article, words
from core.log.events import Action
from core.records.vocabulary import vocabulary
from core.unit.drafts import WHOLE, OutcomeStatus, RowOutcome
from core.unit.unit import Unit
from schema.catalog.catalog import Catalog, RecordType
from schema.request.permits import RIGHTS
from schema.types.builder import Argument, Builder, Member
from schema.types.inputs import write_members
from schema.types.operation_types import (
    DRY_RUN_TEXT,
    IDEMPOTENCY_KEY_TEXT,
    REQUEST_ID_TEXT,
    USER_ERRORS_TEXT,
    WARNINGS_TEXT,
)
from schema.write.answers import Mutation, MutationInput, all_or_nothing, payload, record_id
from schema.write.drafting import Drafting
from schema.write.matching import EXTERNAL_ID, ID, Asked, match_keys

#: Records that a special mutation creates: interactions are logged.
CREATED_OTHERWISE = frozenset({"Interaction"})

KEY = Member("idempotencyKey", "str | None", IDEMPOTENCY_KEY_TEXT)
DRY_RUN = Member("dryRun", "bool", DRY_RUN_TEXT, default=False)
VERSION = Member("expectedVersion", "int | None", "Refuse if the record is no longer at this version.")
ERRORS = Member("userErrors", "list[UserError]", USER_ERRORS_TEXT)
WARNINGS = Member("warnings", "list[UserError]", WARNINGS_TEXT)
REQUEST_ID = Member("requestId", "ID", REQUEST_ID_TEXT)

_ROWS_ERRORS_TEXT = (
    "What must be fixed, in the order of the rows: `field` begins with `items` and the position of the row. Nothing "
    "was written for these rows; without a row, nothing at all."
)
_ROWS_WARNINGS_TEXT = "What a policy warns about, with `field` as in userErrors; these rows were written all the same."


def _message(source: UserError, info: GraphQLResolveInfo[Any]) -> str:
    language: Language = info.context.language
    return language.said(source.message)


def add_shared(builder: Builder) -> None:
    """The types that all mutations share."""
    builder.enum(OutcomeStatus)
    builder.output(
        "UserError",
        "Something a user can fix or is warned about.",
        [
            Member("code", "str", "Stable and machine-readable, such as REQUIRED or CONFLICT."),
            Member("message", "str", "Names the field, the value and the remedy.", resolve=_message),
            Member("field", "list[str] | None", "Path to the input field; null for the record as a whole."),
            Member(
                "params",
                "JSON",
                "The values in the message by name, such as `value`, `limit` or `id`, for a message of your own.",
            ),
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

    def single(field: str, input_: str, description: str, action: Action) -> tuple[str, Mutation]:
        def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
            return drafting.write(unit, [Asked(action, given)], alone=True)

        member = Member(field, f"{name}Payload", description, [Argument("input", input_, "The input.")])
        rights = [(name, RIGHTS[action])]
        removes = action in (Action.DELETED, Action.DESTROYED)
        present = partial(single_payload, record)
        # What goes, or comes back, may take much with it.
        singles = (name,) if action in (Action.CREATED, Action.UPDATED) else ()
        operation = f"{action}:{name}"
        return field, Mutation(member, operation, work, present, rights=rights, removes=removes, singles=singles)

    noun = words(record.singular)
    one = with_article(noun)
    create = single(f"create{name}", f"Create{name}Input", f"Creates {one}.", Action.CREATED)
    return dict(
        [
            *([] if name in CREATED_OTHERWISE else [create]),
            single(
                f"update{name}",
                f"Update{name}Input",
                f"Updates {one}; fields left out stay as they are, null clears a field.",
                Action.UPDATED,
            ),
            single(
                f"delete{name}",
                "TargetInput",
                f"Deletes {one}. It can be restored; in the meantime its unique keys are free.",
                Action.DELETED,
            ),
            single(f"restore{name}", "TargetInput", f"Restores a deleted {noun}.", Action.RESTORED),
            single(
                f"destroy{name}",
                "TargetInput",
                f"Destroys {one} for good, including what plugins store about it. It cannot be restored.",
                Action.DESTROYED,
            ),
            (f"upsert{record.plural_type}", _upsert(record, drafting)),
        ]
    )


def _upsert(record: RecordType, drafting: Drafting) -> Mutation:
    plural = record.plural_type

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        match = str(given["matchBy"])
        asked = [Asked(None, item, match) for item in given["items"]]
        if not given["allOrNothing"]:
            return drafting.write(unit, asked)
        return all_or_nothing(unit, lambda: drafting.write(unit, asked))

    member = Member(
        f"upsert{plural}",
        f"Upsert{plural}Payload",
        f"Creates or updates many {words(record.plural)} at once, with an outcome per row: a refused row "
        "leaves the others untouched.",
        [Argument("input", f"Upsert{plural}Input", "The input.")],
    )
    return Mutation(member, f"UPSERT:{record.name}", work, partial(_upsert_payload, record), permission=IMPORT)


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
                "The record as it is now, or as it was where it was deleted or destroyed; null if the change was "
                "refused, unless by CONFLICT.",
            ),
            Member("deletedId", "ID | None", "Its id if it was deleted or destroyed."),
            ERRORS,
            WARNINGS,
            REQUEST_ID,
        ],
    )
    keys = {ID: "By id.", EXTERNAL_ID: "By external id."}
    keys |= {key.name: key.description for key in match_keys(record).values()}
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
                "The record as it is now; null if the row was refused, unless by CONFLICT, or in a dry run.",
            ),
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
            Member("userErrors", "list[UserError]", _ROWS_ERRORS_TEXT),
            Member("warnings", "list[UserError]", _ROWS_WARNINGS_TEXT),
            REQUEST_ID,
        ],
    )


def single_payload(record: RecordType, given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    """The payload of a mutation of one record."""
    (outcome,) = outcomes
    return payload(record, outcome, dry=given["dryRun"])


def _upsert_payload(record: RecordType, given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    rows = [outcome for outcome in outcomes if outcome.index != WHOLE]
    statuses = Counter(outcome.status.value for outcome in rows)
    counts = {
        camel(status.lower()): statuses[status]
        for status in ("CREATED", "UPDATED", "UNCHANGED", "FAILED", "ROLLED_BACK")
    }
    return {
        "results": [
            {
                "index": outcome.index,
                "status": outcome.status,
                record.singular: record_id(outcome, dry=given["dryRun"]),
            }
            for outcome in rows
        ],
        **counts,
        "userErrors": [_placed(error, outcome) for outcome in outcomes for error in outcome.errors],
        "warnings": [_placed(warning, outcome) for outcome in outcomes for warning in outcome.warnings],
    }


def _placed(said: UserError, outcome: RowOutcome) -> UserError:
    """An error or a warning with the way to its row."""
    return said if outcome.index == WHOLE else said.under("items", str(outcome.index))
