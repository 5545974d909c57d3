"""Versions of the scoring policy: each set of parameters is stored once, with a number, so scores stay explainable."""

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import String, bindparam, func, select
from sqlmodel import Session, col

from guanxi import Context
from guanxi.sql import Prepared
from plugins.credit_scoring.models import CreditPolicy
from plugins.credit_scoring.settings import CreditScoringSettings


def _figures(settings: CreditScoringSettings) -> dict[str, Any]:
    def listed(group: Any) -> Iterator[str]:
        return (f"{name}={value}" for name, value in group.model_dump().items() if value is not None)

    return {
        "financial_status_weight": settings.weights.financial_status,
        "reputation_weight": settings.weights.reputation,
        "transaction_record_weight": settings.weights.transaction_record,
        "low_from": settings.low_from,
        "medium_from": settings.medium_from,
        "scorers": list(listed(settings.scorers)),
        "payment_behaviour": list(listed(settings.payment)),
        "incomplete": settings.incomplete,
        "minimum_known": settings.minimum_known,
    }


def _fingerprint(settings: CreditScoringSettings) -> str:
    figures = {name: str(value) for name, value in _figures(settings).items()}
    # 80 and 80.00 are one bound.
    figures |= {"low_from": f"{settings.low_from:.2f}", "medium_from": f"{settings.medium_from:.2f}"}
    return hashlib.sha256(repr(sorted(figures.items())).encode()).hexdigest()


_VERSION = select(col(CreditPolicy.id)).where(col(CreditPolicy.fingerprint) == bindparam("fingerprint", type_=String()))
_PREPARED_VERSION = Prepared(_VERSION)


def known_policy(session: Session, settings: CreditScoringSettings) -> str | None:
    """Returns the id of the version with these settings; None if nobody has been scored under them yet."""
    found: str | None = session.scalar(_VERSION, {"fingerprint": _fingerprint(settings)})
    return found


def _known(ctx: Context) -> str | None:
    """The same in a transaction that writes, without its session."""
    found = ctx.rows(_PREPARED_VERSION, fingerprint=_fingerprint(ctx.settings))
    return found[0]["id"] if found else None


def current_policy(ctx: Context) -> str:
    """Returns the id of the version with the current settings; creates one if they are new."""
    found = _known(ctx)
    if found is not None:
        return found
    ctx.lock("policy")
    found = _known(ctx)
    if found is not None:
        return found
    session, settings = ctx.session, ctx.settings
    latest = session.scalar(select(func.max(col(CreditPolicy.number)))) or 0
    made = CreditPolicy(number=latest + 1, fingerprint=_fingerprint(settings), **_figures(settings))
    session.add(made)
    session.flush()
    return made.id
