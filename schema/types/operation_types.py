"""What every mutation takes and gives beside its own: the bases of plugins' inputs and payloads, and their words."""

import strawberry

from core.base.errors import UserError

IDEMPOTENCY_KEY_TEXT = (
    "A key of your choice: the same request with the same key again changes nothing and is answered as before."
)
DRY_RUN_TEXT = (
    "Answer what would happen and write nothing: a record that is there is answered as it is, a new one is null."
)
USER_ERRORS_TEXT = "What has to be fixed; nothing was written then."
WARNINGS_TEXT = "What policy only warns about; the change was made."


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
