"""What every mutation takes and returns apart from its own: bases of inputs and payloads, and their texts."""

import strawberry

from core.base.errors import UserError

IDEMPOTENCY_KEY_TEXT = (
    "A key of your choice: repeating the same request with the same key changes nothing and returns the first answer."
)
DRY_RUN_TEXT = "Report what would happen and write nothing: an existing record is shown as it is, a new one is null."
USER_ERRORS_TEXT = "What must be fixed; if there is anything, nothing was written."
REQUEST_ID_TEXT = "The request's id, which its events carry too: an integrator knows its own changes by it."
WARNINGS_TEXT = "What a policy warns about; the change was made all the same."


@strawberry.input
class Input:
    """Base of mutations' inputs; the host heeds both fields."""

    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_TEXT)
    dry_run: bool = strawberry.field(default=False, description=DRY_RUN_TEXT)


@strawberry.type
class Payload:
    """Base of mutations' payloads, for mutations that answer more than one record.

    Of a refused mutation every other field is its default, or null without one. A mutation may pass `warnings` of its
    own; the host adds those of the plugins that judge what it wrote.
    """

    user_errors: list[UserError] = strawberry.field(default_factory=list, description=USER_ERRORS_TEXT)
    warnings: list[UserError] = strawberry.field(default_factory=list, description=WARNINGS_TEXT)
    request_id: strawberry.ID = strawberry.field(default=strawberry.ID(""), description=REQUEST_ID_TEXT)
