"""Every error guanxi raises on purpose, each with the next step in its message.

GuanxiError
├── ConfigurationError    the operator can fix it: settings, database, pending migrations
├── PluginError           one plugin is at fault: names the plugin, the place and the remedy
├── UnauthenticatedError  the caller does not say, or cannot prove, who asks
├── UnavailableError      what the answer needs cannot be reached now; asking again later may help
│   └── OutcomeUnknownError  and whether the change was written is not known
├── SlowStatementError    a statement exceeded its time limit and was cancelled
├── InputError            the caller can fix it: names the field, the value and the remedy
│   ├── TooManyGroupsError more groups than one query returns
│   ├── NotFoundError     no such record
│   ├── ForbiddenError    the caller may not see or use it
│   ├── ErasedError       personal data that is gone
│   └── ConflictError     someone else was first: stale version, reused idempotency key
└── Reject                a hook refuses a change: carries the user errors that say why
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from core.base.sentences import from_parts, joined, params_of, parts_of, sentence


@dataclass(frozen=True, slots=True)
class UserError:
    """Describes what a user can fix or, with `warning`, what a policy warns about.

    Attributes:
        code: stable and machine-readable, such as `REQUIRED` or `RATE_UNKNOWN`.
        message: names the field, the value and the remedy; a `sentence` lets clients have its values by name,
            and read it in their language.
        field: path to the input field, outermost first; None for the record as a whole.
        record: the record it is about, or its id; in a batch this decides which row is refused.
        plugin: filled in by the host.
        warning: the change goes through and the message is returned with it.
        permission: who lacks it is only told that a rule decided, not what it saw.
        reveals: id of a record that the message names: who may not see that one is not warned of it.
    """

    code: str
    message: str
    field: Sequence[str] | None = None
    record: Any = None
    plugin: str | None = None
    warning: bool = False
    permission: str | None = None
    reveals: str | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The values in its message by name, from which a client can make a message of its own."""
        return params_of(self.message)

    @property
    def record_id(self) -> str | None:
        """The id of the record it names, if it names one."""
        return self.record if self.record is None or isinstance(self.record, str) else str(self.record.id)

    def kept(self) -> list[Any]:
        """It as JSON, for `restored`."""
        template, params = parts_of(self.message)
        return [self.code, template, None if self.field is None else list(self.field), self.plugin, params]

    @classmethod
    def restored(cls, kept: Sequence[Any], *, warning: bool) -> "UserError":
        """What was kept; params are missing where an earlier version kept it."""
        code, template, field, plugin, *params = kept
        return cls(code, from_parts(template, *params), field, plugin=plugin, warning=warning)

    def under(self, *prefix: str) -> "UserError":
        """The same error with its field path placed under `prefix`."""
        return replace(self, field=(*prefix, *(self.field or ())))


class GuanxiError(Exception):
    """Base of all errors raised on purpose."""

    code = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def bare(self) -> Self:
        """The same error without what it gathers where it is raised: its traceback, with all that is at hand there.

        An error that is kept is kept and raised bare; otherwise it holds on to each request that it was raised in.
        """
        made = type(self).__new__(type(self), *self.args)
        made.__dict__.update(self.__dict__)
        return made


def told(error: BaseException) -> str:
    """Describes an error in one line: guanxi's own message, a driver's message, else type and text."""
    if isinstance(error, GuanxiError):
        return error.message
    return f"{type(error).__name__}: " + " ".join(str(getattr(error, "orig", None) or error).split())


class ConfigurationError(GuanxiError):
    """Settings or database are not as the program needs them; the message says what to run or set."""


class PluginError(GuanxiError):
    """A plugin cannot be used, or one of its hooks failed.

    Attributes:
        plugin: its name.
        place: the hook, field, table or migration at fault.
    """

    code = "PLUGIN_ERROR"

    def __init__(self, plugin: str, place: str, problem: str) -> None:
        super().__init__(f"plugin {plugin!r}, {place}: {problem}")
        self.plugin = plugin
        self.place = place


class UnauthenticatedError(GuanxiError):
    """The caller does not say, or cannot prove, who asks."""

    code = "UNAUTHENTICATED"


class UnavailableError(GuanxiError):
    """What the answer needs cannot be reached now. Nothing was written, so that the same may be asked again."""

    code = "UNAVAILABLE"

    def __init__(self, message: str, seconds: int = 5) -> None:
        """Makes it.

        Args:
            message: what cannot be reached.
            seconds: after how many it is worth asking again.
        """
        super().__init__(message)
        self.seconds = seconds


class OutcomeUnknownError(UnavailableError):
    """The connection was lost during a commit, and the database cannot be asked whether it took place."""

    code = "OUTCOME_UNKNOWN"

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "the database was lost while this was being written, and it is not known whether it was; "
                "look for it, or send it again with the idempotencyKey it had"
            )
        )


class SlowStatementError(GuanxiError):
    """A statement exceeded its time limit and was cancelled."""

    code = "TIMEOUT"

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "a statement took too long and was cancelled; ask for less, filter by an indexed field, or "
                "send fewer rows at once"
            )
        )


class RateLimitedError(GuanxiError):
    """Somebody asks more often than it may.

    Attributes:
        seconds: how long it is to wait.
    """

    code = "TOO_MANY_REQUESTS"

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class InputError(GuanxiError):
    """What the caller sent cannot be accepted."""

    code = "BAD_USER_INPUT"


class TooManyGroupsError(InputError):
    """There are more groups than one query returns."""

    def __init__(self, most: int) -> None:
        super().__init__(
            sentence("by: this makes {most} groups or more; use fewer keys, or a narrower where", most=most)
        )


class NotFoundError(InputError):
    """The record named does not exist, or is deleted."""

    code = "NOT_FOUND"


class ForbiddenError(InputError):
    """The caller may not see or use what was asked for."""

    code = "FORBIDDEN"


class ErasedError(InputError):
    """Personal data was erased, also what it had been before."""

    code = "ERASED"


class ConflictError(InputError):
    """The record was changed by someone else, or an idempotency key was used for another input."""

    code = "CONFLICT"


class Reject(GuanxiError):  # noqa: N818  (a verb, as hooks use it: raise Reject(...))
    """Raised by a before-commit hook to refuse a change with errors the user can fix."""

    code = "REJECTED"

    def __init__(self, *errors: UserError) -> None:
        self.errors = errors or (UserError("REJECTED", sentence("refused without a reason")),)
        if len(self.errors) == 1:
            self.code = self.errors[0].code
        super().__init__(joined([error.message for error in self.errors]))

    def by(self, plugin: str) -> "Reject":
        """The same refusal, each error naming the plugin that refuses."""
        return Reject(*(replace(error, plugin=plugin) for error in self.errors))
