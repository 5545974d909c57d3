"""Sales forecasts of people for a period: submitted by owners, rolled up by managers, with adjustments alongside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import col, select

from guanxi import Context, Figures, Input, InputError, Money, UserError, sentence
from guanxi.calendar import Calendar, last_of
from guanxi.vocabulary import DateGrain, Outcome
from plugins.forecasting.models import ForecastAdjustment, ForecastLine, ForecastSubmission
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.reports import day_range, every, is_open, moment_range, money, refuse
from plugins.forecasting.shared.vocabulary import CoverageGap, ForecastCategory, SalesMetric

SUBMITTED, ADJUSTED = "FORECAST_SUBMITTED", "FORECAST_ADJUSTED"


@dataclass(frozen=True, slots=True)
class Period:
    """A period a forecast is of."""

    calendar: Calendar
    grain: DateGrain
    start: date

    @property
    def end(self) -> date:
        """Its last day."""
        return last_of(self.start, self.grain)

    def problem(self) -> str | None:
        """Why there is no such period; None if there is."""
        start = self.calendar.first_of(self.start, self.grain)
        if start == self.start:
            return None
        return sentence(
            "no {grain} begins on {period_start}; give {start}", grain=self.grain, period_start=self.start, start=start
        )


@dataclass(frozen=True, slots=True)
class Amounts:
    """One category of a person's forecast.

    Attributes:
        own_count, own: the person's own opportunities.
        team: what the person's reports submitted, as adjusted.
        adjusted: what it was adjusted to in the person's own submission; None if it was not.
    """

    own_count: int
    own: Decimal
    team: Decimal
    adjusted: Decimal | None = None

    @property
    def calculated(self) -> Decimal:
        """Own and team's."""
        return self.own + self.team

    @property
    def effective(self) -> Decimal:
        """The adjustment, else the calculated amount."""
        return self.calculated if self.adjusted is None else self.adjusted


@dataclass(frozen=True, slots=True)
class DirectReport:
    """A direct report of the person, and the submission in effect; None if there is none yet."""

    user_id: str
    submission_id: str | None


@dataclass(frozen=True, slots=True)
class Rollup:
    """A person's current forecast: own opportunities as they are, reports as they submitted.

    Attributes:
        call: what the person says will be won; None if nobody said so.
        team_call: the sum of what direct reports say; None if none of them does.
        target: the person's target of the amount won; None if there is none.
        coverage: open pipeline by what is missing to it; None for the reason in coverage_gap.
    """

    user_id: str
    period: Period
    categories: Mapping[ForecastCategory, Amounts]
    reports: Sequence[DirectReport]
    call: Decimal | None = None
    team_call: Decimal | None = None
    target: str | None = None
    coverage: Decimal | None = None
    coverage_gap: CoverageGap | None = CoverageGap.NO_TARGET

    def cumulative(self) -> dict[ForecastCategory, Decimal]:
        """Each category together with all more certain ones, as adjusted."""
        return rules.cumulative({category: amounts.effective for category, amounts in self.categories.items()})


def roll_up(ctx: Context, user_id: str, period: Period) -> Rollup:
    """Returns the current forecast of a person.

    Raises:
        InputError: there is no such person, or no such period.
    """
    if problem := period.problem():
        raise InputError(sentence("periodStart: {problem}", problem=problem))
    if not _is_known(ctx, user_id):
        raise InputError(sentence("userId: there is no user {user_id!r}; see the query users", user_id=user_id))
    people = ctx.pages("User", "id", {"managerId": {"eq": user_id}})
    reports = [DirectReport(node["id"], _current(ctx, node["id"], period)) for node in people]
    own = _own(ctx, user_id, period)
    team = _submitted(ctx, [report.submission_id for report in reports if report.submission_id])
    mine = _current(ctx, user_id, period)
    adjusted = _adjusted(ctx, mine) if mine else {}
    categories = {}
    for category in rules.CUMULATIVE:
        group = own.get(category)
        categories[category] = Amounts(
            0 if group is None else group.count,
            Decimal(0) if group is None else group.sum["expectedAmount"],
            team.get(category, Decimal(0)),
            adjusted.get(category),
        )
    calls = _calls(ctx, [one for one in (mine, *(report.submission_id for report in reports)) if one])
    call = calls.pop(mine, None) if mine else None
    team_call = sum(calls.values(), Decimal(0)) if calls else None
    return Rollup(user_id, period, categories, reports, call, team_call, *_target(ctx, user_id, period))


def _is_known(ctx: Context, id: str) -> bool:
    return ctx.query("query ($id: ID!) { user(id: $id) { id } }", {"id": id})["user"] is not None


def _own(ctx: Context, user_id: str, period: Period) -> dict[ForecastCategory, Figures]:
    """The person's opportunities that are expected to close in the period, or were won in it, by category."""
    due = every(is_open(), day_range("expectedCloseDate", period.start, period.end))
    won = every({"outcome": {"eq": Outcome.WON}}, moment_range(ctx.calendar, "wonAt", period.start, period.end))
    wanted = every({"ownerId": {"eq": user_id}}, {"or": [due, won]})
    groups = ctx.groups("Opportunity", [{"forecastCategory": True}], wanted, sum=["expectedAmount"])
    return {ForecastCategory(group.keys["forecastCategory"]): group for group in groups}


def _current(ctx: Context, user_id: str, period: Period) -> str | None:
    """The id of a person's latest submission for a period."""
    wanted = {
        "userId": {"eq": user_id},
        "grain": {"eq": period.grain},
        "periodStart": {"eq": period.start},
        "isCurrent": {"eq": True},
    }
    return next((node["id"] for node in ctx.pages("ForecastSubmission", "id", wanted)), None)


def _submitted(ctx: Context, submissions: Sequence[str]) -> dict[ForecastCategory, Decimal]:
    """Totals of submissions by category, as adjusted."""
    wanted = {"submissionId": {"in": list(submissions)}}
    groups = ctx.groups("ForecastLine", [{"category": True}], wanted, sum=["effectiveAmount"])
    return {ForecastCategory(group.keys["category"]): group.sum["effectiveAmount"] for group in groups}


def _adjusted(ctx: Context, submission: str) -> dict[ForecastCategory, Decimal]:
    """Returns the adjusted amounts of the categories of a submission."""
    wanted = {"submissionId": {"eq": submission}, "adjustedAmount": {"isNull": False}}
    lines = ctx.pages("ForecastLine", "category adjustedAmount { amount }", wanted)
    return {ForecastCategory(line["category"]): Decimal(line["adjustedAmount"]["amount"]) for line in lines}


def _calls(ctx: Context, submissions: Sequence[str]) -> dict[str, Decimal]:
    """The calls made with submissions."""
    wanted = {"id": {"in": list(submissions)}, "call": {"isNull": False}}
    found = ctx.pages("ForecastSubmission", "id call { reportingAmount }", wanted)
    return {node["id"]: Decimal(node["call"]["reportingAmount"]) for node in found}


def _target(ctx: Context, user_id: str, period: Period) -> tuple[str | None, Decimal | None, CoverageGap | None]:
    """The person's target of the amount won in a period, with its coverage or why there is none."""
    wanted = {
        "userId": {"eq": user_id},
        "metric": {"eq": SalesMetric.WON_AMOUNT},
        "grain": {"eq": period.grain},
        "periodStart": {"eq": period.start},
    }
    for node in ctx.pages("SalesTarget", "id coverage coverageGap", wanted):
        coverage, gap = node["coverage"], node["coverageGap"]
        return node["id"], None if coverage is None else Decimal(coverage), None if gap is None else CoverageGap(gap)
    return None, None, CoverageGap.NO_TARGET


def submit(
    ctx: Context, user_id: str, period: Period, note: str | None, call: Decimal | None = None
) -> ForecastSubmission:
    """Submits a person's current forecast; the previous one is kept and no longer counts.

    Args:
        ctx: in a transaction that writes.
        user_id: whose it is.
        period: of which.
        note: on it.
        call: what the person says will be won, in the reporting currency; None keeps the call of the one before.

    Raises:
        Reject: there is no such person or period, the note is too long, or the call is not an amount.
    """
    if problem := period.problem():
        raise refuse("INVALID", "periodStart", problem)
    if not _is_known(ctx, user_id):
        raise refuse(
            "NOT_FOUND", "userId", sentence("there is no user {user_id!r}; see the query users", user_id=user_id)
        )
    if note is not None and len(note) > 2000:
        raise refuse("INVALID", "note", sentence("has {count} characters; at most 2000 are possible", count=len(note)))
    called = None if call is None else _amount(ctx, "call", call)
    rollup = roll_up(ctx, user_id, period)
    before = _latest(ctx, user_id, period)
    held = _held(ctx, user_id, period)
    if before is not None:
        before.is_current = False
    submission = ForecastSubmission(
        user_id=user_id,
        grain=period.grain,
        period_start=period.start,
        period_end=period.end,
        submitted_at=ctx.clock.now(),
        submitted_by=ctx.actor.id,
        note=note,
        call=called,
        called_at=None if called is None else ctx.clock.now(),
        called_by=None if called is None else ctx.actor.id,
        policy_version=ctx.settings.version,
    )
    if called is None and before is not None:
        submission.call = before.call
        submission.called_at, submission.called_by = before.called_at, before.called_by
    ctx.session.add(submission)
    # Its lines refer to it.
    ctx.session.flush()
    for category, amounts in rollup.categories.items():
        line = ForecastLine(
            submission_id=submission.id,
            category=category,
            own_count=amounts.own_count,
            own_amount=money(ctx, amounts.own),
            team_amount=money(ctx, amounts.team),
        )
        ctx.session.add(line)
        if (last := held.get(category)) is not None:
            line.adjusted_amount = last.amount
            ctx.session.flush()
            ctx.session.add(
                ForecastAdjustment(
                    line_id=line.id,
                    previous_amount=money(ctx, amounts.calculated),
                    amount=last.amount,
                    reason=last.reason,
                    adjusted_at=last.adjusted_at,
                    adjusted_by=last.adjusted_by,
                )
            )
    ctx.session.flush()
    effective = {category.value: str(amounts.effective) for category, amounts in rollup.categories.items()}
    if called is not None:
        effective["call"] = str(called.amount)
    ctx.publish(SUBMITTED, submission, user=user_id, period_start=period.start, grain=period.grain, **effective)
    return submission


def _held(ctx: Context, user_id: str, period: Period) -> dict[ForecastCategory, ForecastAdjustment]:
    """The adjustments in force of a person's latest submission: what was decided about it outlives a new one."""
    query = (
        select(ForecastLine, ForecastAdjustment)
        .join(ForecastSubmission, col(ForecastSubmission.id) == col(ForecastLine.submission_id))
        .join(ForecastAdjustment, col(ForecastAdjustment.line_id) == col(ForecastLine.id))
        .where(
            col(ForecastSubmission.user_id) == user_id,
            col(ForecastSubmission.grain) == period.grain,
            col(ForecastSubmission.period_start) == period.start,
            col(ForecastSubmission.is_current),
        )
        .order_by(col(ForecastAdjustment.adjusted_at), col(ForecastAdjustment.id))
    )
    return {line.category: last for line, last in ctx.session.exec(query) if line.adjusted_amount is not None}


def kept_adjustments(ctx: Context, submission: ForecastSubmission) -> list[UserError]:
    """Warnings about adjustments of the submission before, which still hold."""
    lines = select(ForecastLine).where(col(ForecastLine.submission_id) == submission.id)
    found = []
    for line in ctx.session.exec(lines.order_by(col(ForecastLine.category))):
        if line.adjusted_amount is not None:
            calculated = line.own_amount.amount + line.team_amount.amount
            message = sentence(
                "{category}: the adjustment to {adjusted_amount} still holds, though {calculated} is calculated now; "
                "clear it by adjustForecast if it is over",
                category=line.category,
                adjusted_amount=line.adjusted_amount,
                calculated=calculated,
            )
            found.append(UserError("ADJUSTMENT_KEPT", message, warning=True))
    return found


def submission_key(input: Input) -> list[tuple[str, ...]]:
    """The key of submissions: one is made of the reports' and replaces the person's last."""
    return [("submissions",)]


def _latest(ctx: Context, user_id: str, period: Period) -> ForecastSubmission | None:
    """The submission of a person that counts so far, locked."""
    query = select(ForecastSubmission).where(
        col(ForecastSubmission.user_id) == user_id,
        col(ForecastSubmission.grain) == period.grain,
        col(ForecastSubmission.period_start) == period.start,
        col(ForecastSubmission.is_current),
    )
    return ctx.session.exec(query.with_for_update(key_share=True)).first()


def _amount(ctx: Context, field: str, amount: Decimal) -> Money:
    """An amount that was typed in, in the reporting currency.

    Raises:
        Reject: it is negative, or finer than the currency.
    """
    if amount < 0:
        raise refuse("INVALID", field, sentence("{amount} is negative; give 0 or more", amount=amount))
    try:
        return Money(amount, ctx.reporting_currency)
    except InputError as error:
        raise refuse("INVALID", field, error.message) from None


def adjust(ctx: Context, line_id: str, amount: Decimal | None, reason: str) -> ForecastLine:
    """Adjusts one category of a submission; the calculated amount is kept alongside it.

    Args:
        ctx: in a transaction that writes.
        line_id: the category of the submission.
        amount: in the reporting currency; None clears the adjustment.
        reason: why.

    Raises:
        Reject: something in it cannot be accepted.
    """
    line = ctx.session.get(ForecastLine, line_id, with_for_update={"key_share": True})
    if line is None:
        raise refuse(
            "NOT_FOUND",
            "lineId",
            sentence("there is no line {line_id!r}; see forecastSubmission {{ lines }}", line_id=line_id),
        )
    submission = ctx.session.get(ForecastSubmission, line.submission_id)
    if submission is None or not submission.is_current:
        raise refuse("NOT_CURRENT", "lineId", sentence("its submission was replaced by a later one; adjust that one"))
    if not reason.strip() or len(reason) > 1000:
        raise refuse("INVALID", "reason", sentence("say why, in at most 1,000 characters"))
    after = None if amount is None else _amount(ctx, "amount", amount)
    calculated = money(ctx, line.own_amount.amount + line.team_amount.amount)
    previous = line.adjusted_amount or calculated
    line.adjusted_amount = after
    adjustment = ForecastAdjustment(
        line_id=line.id,
        previous_amount=previous,
        amount=after or calculated,
        reason=reason.strip(),
        adjusted_at=ctx.clock.now(),
        adjusted_by=ctx.actor.id,
    )
    ctx.session.add(adjustment)
    ctx.session.flush()
    told = {"previous": str(previous.amount), "current": str(adjustment.amount.amount), "reason": adjustment.reason}
    ctx.publish(ADJUSTED, submission, category=line.category, **told)
    return line
