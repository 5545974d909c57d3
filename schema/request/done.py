"""What becomes of a mutation of a plugin: its input as data, its answer, and both as they are kept for a repetition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.types.base import has_object_definition

from core.base.errors import UserError


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a mutation of a plugin.

    Attributes:
        answer: what the work gave; None if it was refused.
        user_errors: why it was refused; nothing was written then.
        warnings: what policy only warns about.
    """

    answer: Any
    user_errors: Sequence[UserError] = ()
    warnings: Sequence[UserError] = ()

    def payload(self, name: str) -> dict[str, Any]:
        """The payload of a record's mutations, such as `CustomerPayload`, where the answer is the record's id."""
        return {name: self.answer, "userErrors": list(self.user_errors), "warnings": list(self.warnings)}

    def kept(self) -> dict[str, Any]:
        """It as JSON, if the answer is. Only what went through is kept, so there are no errors."""
        warnings = [[warning.code, warning.message, warning.field, warning.plugin] for warning in self.warnings]
        return {"answer": self.answer, "warnings": warnings}


def remembered(kept: Mapping[str, Any]) -> Done:
    """The same again from what was kept."""
    warnings = [
        UserError(code, message, field, plugin=plugin, warning=True)
        for code, message, field, plugin in kept["warnings"]
    ]
    return Done(kept["answer"], (), warnings)


def plain(input: Any) -> Any:
    """A Strawberry input as a dict without what was left out."""
    if isinstance(input, list):
        return [plain(item) for item in input]
    if not has_object_definition(type(input)):
        return input
    return {name: plain(value) for name, value in vars(input).items() if value is not strawberry.UNSET}
