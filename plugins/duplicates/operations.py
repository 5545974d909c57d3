"""The query `duplicates`."""

from typing import Annotated

import strawberry

from guanxi import Context, InputError, Ref, query, sentence
from guanxi.records import Contact, Customer
from plugins.duplicates.candidates import candidates
from plugins.duplicates.profiles import KINDS, profiles

_MOST = 100


@strawberry.type
class DuplicateReason:
    """What one comparison says."""

    field: str = strawberry.field(description="The field that was compared.")
    points: int = strawberry.field(
        description="What it adds to the odds that both are about the same: each ten multiply them by 2.7, and below 0"
        " it speaks against."
    )


@strawberry.type
class DuplicateCandidate:
    """A record that may be about the same as another."""

    customer: Ref[Customer] | None = strawberry.field(description="The customer; null for a contact.")
    contact: Ref[Contact] | None = strawberry.field(description="The contact; null for a customer.")
    score: int = strawberry.field(description="How likely it is, from 0 to 99.")
    matched_on: list[str] = strawberry.field(description="The fields that speak for it, strongest first.")
    reasons: list[DuplicateReason] = strawberry.field(description="All that was compared, strongest first.")


@query(permission="personal")
def duplicates(
    ctx: Context,
    record: Annotated[strawberry.ID, strawberry.argument(description="Id of a customer or contact.")],
    minimum_score: Annotated[
        int | None, strawberry.argument(description="Only from this score on; by default as set by policy.")
    ] = None,
    first: Annotated[int, strawberry.argument(description="How many at most, up to 100.")] = 20,
) -> list[DuplicateCandidate]:
    """Finds the customers or contacts that may be the same as one, the most likely first, with reasons.

    Those that the caller may not see are left out.
    """
    if not 1 <= first <= _MOST:
        raise InputError(sentence("first: {first} is not from 1 to {most}", first=first, most=_MOST))
    name = {"cus": "Customer", "con": "Contact"}.get(record.partition("_")[0])
    asked = profiles(ctx, KINDS[name], [record]) if name else {}
    if name is None or not asked:
        raise InputError(sentence("record: there is no customer or contact {record!r}", record=record))
    least = ctx.settings.threshold if minimum_score is None else minimum_score
    likely = [one for one in candidates(ctx, KINDS[name], asked)[record] if one.verdict.score >= least]
    seen = {node["id"] for node in ctx.pages(name, "id", {"id": {"in": [one.id for one in likely]}})} if likely else ()
    return [
        DuplicateCandidate(
            customer=one.id if name == "Customer" else None,
            contact=one.id if name == "Contact" else None,
            score=one.verdict.score,
            matched_on=one.verdict.matched_on,
            reasons=[
                DuplicateReason(field=each.field, points=round(each.weight * 10)) for each in one.verdict.evidence
            ],
        )
        for one in likely
        if one.id in seen
    ][:first]
