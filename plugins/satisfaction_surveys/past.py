"""What a customer's results were at a moment, from the responses there are (S3)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from guanxi import Context
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.rules import RespondentAnswer
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.vocabulary import SatisfactionMeasure

#: The field of a response that holds a measure of it.
_FIELDS: Mapping[SatisfactionMeasure, str] = {
    SatisfactionMeasure.GAP: "satisfactionGap",
    SatisfactionMeasure.RATING: "actualRating",
    SatisfactionMeasure.RATE: "satisfiedPercent",
    SatisfactionMeasure.NPS: "npsPoints",
    SatisfactionMeasure.NPS_SCORE: "npsScore",
    SatisfactionMeasure.CSAT: "csatPoints",
    SatisfactionMeasure.CES: "cesScore",
    SatisfactionMeasure.PERCEIVED_VALUE: "perceivedValue",
}


def results_then(
    measure: SatisfactionMeasure, settings: SatisfactionSettings
) -> Callable[[Context, Sequence[Mapping[str, Any]]], Awaitable[list[Decimal | None]]]:
    """The batch function that gives customers' results by a measure at a moment."""

    async def results(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[Decimal | None]:
        return [await _result(ctx, measure, settings, row["id"], datetime.fromisoformat(row["at"])) for row in rows]

    return results


async def _result(
    ctx: Context, measure: SatisfactionMeasure, settings: SatisfactionSettings, customer: str, at: datetime
) -> Decimal | None:
    answers: list[RespondentAnswer] = []
    last, after = ctx.calendar.day_of(at), None
    while True:
        page = (await ctx.query(_asked(_FIELDS[measure]), {"customer": customer, "day": last, "after": after}))["found"]
        for node in page["nodes"]:
            if node["mark"] is not None:
                mark = int(Decimal(str(node["mark"])).scaleb(2))
                day = datetime.fromisoformat(node["answeredOn"]).date()
                answers.append(RespondentAnswer(node["id"], node["contactId"] or customer, day, {measure: mark}))
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    found = rules.result_of(answers, measure, last, settings.result_valid_days)
    return None if found is None else Decimal(found.value).scaleb(-2)


def _asked(field: str) -> str:
    return f"""
      query ($customer: ID!, $day: Date!, $after: String) {{
        found: surveyResponses(
          first: 1000, after: $after, where: {{customerId: {{eq: $customer}}, answeredOn: {{lte: $day}}}}
        ) {{
          nodes {{ id contactId answeredOn mark: {field} }}
          pageInfo {{ hasNextPage endCursor }}
        }}
      }}"""
