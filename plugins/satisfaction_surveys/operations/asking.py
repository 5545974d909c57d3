"""What the operations share: parts of their inputs and payloads, and how they are done."""

from collections.abc import Callable
from typing import Any

import strawberry

from guanxi import Context, Done, Reject
from plugins.satisfaction_surveys.models import Survey
from plugins.satisfaction_surveys.surveys import survey_of

KEY = "The same request with the same key again changes nothing and is answered as before."
ERRORS = "What has to be mended; nothing was written then."
WARNINGS = "What policy only warns about."
ASKED = strawberry.argument(description="What is asked.")


def key() -> Any:
    """The idempotency key of an input."""
    return strawberry.field(default=strawberry.UNSET, description=KEY)


def said(value: Any) -> Any:
    """A value of an input; None where it was left out."""
    return None if value is strawberry.UNSET else value


@strawberry.input(description="The survey that is meant, and whether it is only a question.")
class SurveyPreviewInput:
    """A survey, and whether to write."""

    survey_id: strawberry.ID = strawberry.field(description="The survey.")
    preview: bool = strawberry.field(default=False, description="Answer what would happen and write nothing.")
    idempotency_key: str | None = key()


async def do_with_survey(
    plugin: str, info: Any, operation: str, input: Any, work: Callable[[Context, Survey], Any]
) -> dict[str, Any]:
    """Does something with the survey of an input, and answers with the payload of a survey."""

    def on_survey(ctx: Context) -> str:
        survey = survey_of(ctx.session, str(input.survey_id))
        work(ctx, survey)
        return survey.id

    done: Done = await info.context.perform(plugin, operation, input, on_survey)
    return done.payload("survey")


async def look(plugin: str, info: Any, work: Callable[[Context], Any]) -> Done:
    """Does work that only reads; what it refuses becomes user errors."""
    try:
        return Done(await info.context.read(plugin, work))
    except Reject as reject:
        return Done(None, reject.errors)
