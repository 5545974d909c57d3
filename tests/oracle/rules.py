"""What follows from what was sent: derived fields, worked out in plain Python from the words of the domain."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from tests.oracle.records import REPORTING, Money, Records, Row

HUNDREDTH = Decimal("0.01")
OPEN = ("DRAFT", "DISPATCHED", "FOLLOWING")

#: Decimal places of the currencies of the made-up world.
PLACES = {"CNY": 2, "EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}

_OWNER_ROLES = {
    "NATIONAL": "INDUSTRY_MANAGER",
    "PROVINCIAL": "INDUSTRY_MANAGER",
    "MUNICIPAL": "ACCOUNT_MANAGER",
    "COUNTY": "ACCOUNT_MANAGER",
    "GRID": "GRID_MANAGER",
}


def in_reporting_currency(
    amount: Decimal, currency: str, day: date, rates: Mapping[str, list[tuple[date, Decimal]]]
) -> Money:
    """An amount with what it is worth on a day, at the latest rate from that day or before."""
    if currency == REPORTING:
        return Money(amount, currency, amount)
    _, rate = max(pair for pair in rates[currency] if pair[0] <= day)
    with localcontext(prec=60):
        return Money(amount, currency, (amount * rate).quantize(HUNDREDTH, ROUND_HALF_UP))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError(day)


def derive(records: Records, now: datetime) -> None:
    """Fills in the derived fields of all rows as they stand at a moment."""
    stages = sorted((row for row in records.lists["Stage"] if row.is_living), key=lambda row: row["position"])
    for row in records.lists["Stage"]:
        row.values |= _of_stage(row, next((other for other in stages if other["position"] > row["position"]), None))
    for row in records.lists["Transaction"]:
        row.values["profit"] = _profit(row)
    for row in records.lists["Task"]:
        row.values |= _of_task(row, now)
    for row in records.lists["Opportunity"]:
        row.values |= _of_opportunity(row, records.by_id[row["stageId"]], now.date())
    for row in records.lists["Customer"]:
        row.values |= _of_customer(records, row, now.date())
    for row in records.lists["Team"]:
        row.values |= _of_team(records, row)


def _of_stage(row: Row, following: Row | None) -> dict[str, Any]:
    rate = None
    if following is not None and following["winProbability"]:
        rate = (row["winProbability"] * 100 / following["winProbability"]).quantize(HUNDREDTH, ROUND_HALF_UP)
    preset = row["presetPassRate"]
    difference = None if preset is None or rate is None else preset - rate
    return {"ladderPassRate": rate, "passRateDifference": difference}


def _profit(row: Row) -> Money | None:
    if row["cost"] is None:
        return None
    profit = row["actualAmount"].reporting - row["cost"].reporting
    return Money(profit, REPORTING, profit)


def _of_task(row: Row, now: datetime) -> dict[str, Any]:
    pending = row["status"] in ("OPEN", "IN_PROGRESS")
    return {
        "isOverdue": pending and row["dueOn"] is not None and row["dueOn"] < now.date(),
        "isReminderDue": pending and row["remindAt"] is not None and row["remindAt"] <= now,
    }


def _outcome(row: Row) -> str:
    if row["status"] in OPEN:
        return "OPEN"
    if row["status"] == "LOST" or (row["status"] == "CLOSED" and row["lostAt"] is not None):
        return "LOST"
    return "WON"


def _of_opportunity(row: Row, stage: Row, today: date) -> dict[str, Any]:
    outcome = _outcome(row)
    override = row["winProbabilityOverride"]
    preset = stage["winProbability"] if override is None else override
    probability = {"WON": Decimal("100.00"), "LOST": Decimal("0.00"), "OPEN": preset}[outcome]
    expected = row["expectedAmount"]
    weighted = None
    if expected is not None:
        # Decimals know a negative zero, amounts do not.
        amount = (expected.reporting * probability / 100).quantize(HUNDREDTH, ROUND_HALF_UP) + 0
        weighted = Money(amount, REPORTING, amount)
    planned = stage["plannedDurationDays"]
    end = None if planned is None else row["stageEnteredAt"].date() + timedelta(days=planned)
    overdue = (today - end).days if outcome == "OPEN" and end is not None and end < today else None
    due = row["nextActionAt"]
    follow_up = None
    if outcome == "OPEN":
        follow_up = "NO_NEXT_ACTION" if due is None else "DUE" if due.date() <= today else "NOT_DUE"
    return {
        "outcome": outcome,
        "winProbability": probability,
        "weightedAmount": weighted,
        "stagePlannedEnd": end,
        "stageDaysOverdue": overdue,
        "followUpState": follow_up,
    }


def _of_customer(records: Records, row: Row, today: date) -> dict[str, Any]:
    orders = [other["occurredOn"] for other in records.below(row, "transactions") if other.is_living]
    talks = [other["occurredAt"] for other in records.below(row, "interactions") if other.is_living]
    has_contact = any(other.is_living for other in records.below(row, "contacts"))
    employees = row["employeeCount"]
    size = None
    if employees is not None:
        size = "SMALL_MICRO" if employees < 300 else "MEDIUM" if employees < 1000 else "LARGE"
    figures = (employees, row["totalAssets"], row["annualRevenue"])
    sections = {
        "BASIC": row["industry"] is not None
        and row["region"] is not None
        and (row["email"] is not None or row["phone"] is not None),
        "USAGE": bool(orders or row["needs"]),
        "ORGANISATION": has_contact,
        "BUSINESS": any(figure is not None for figure in figures),
        "COMPETITION": bool(row["industryCompetitors"]),
    }
    return {
        "firstTransactionOn": min(orders, default=None),
        "lastTransactionOn": max(orders, default=None),
        "transactionCount": len(orders),
        "lastInteractionAt": max(talks, default=None),
        "companySize": size,
        "lifecycleStage": row["lifecycleOverride"] or _lifecycle(min(orders, default=None), len(orders), today),
        "defaultOwnerRole": _OWNER_ROLES.get(row["managedLevel"] or ""),
        "profileCompleteness": sum(sections.values()) * 20,
        "profileGaps": [name for name, filled in sections.items() if not filled],
        "isStale": (today - row["updatedAt"].date()).days > 180,
    }


def _lifecycle(first: date | None, orders: int, today: date) -> str:
    if first is None:
        return "POTENTIAL"
    if first <= months_before(today, 36):
        return "LONG_TERM"
    return "STABLE" if first <= months_before(today, 12) and orders >= 2 else "NEW"


def _of_team(records: Records, row: Row) -> dict[str, Any]:
    members = {other["id"] for other in records.below(row, "members") if other.is_living}
    tasks = [
        other
        for other in records.lists["Task"]
        if other.is_living and other["assigneeId"] in members and other["status"] != "CANCELLED"
    ]
    done = sum(task["status"] == "DONE" for task in tasks)
    completion = (Decimal(done * 100) / len(tasks)).quantize(HUNDREDTH, ROUND_HALF_UP) if tasks else None
    return {
        "taskCount": len(tasks),
        "tasksDone": done,
        "tasksOverdue": sum(task["isOverdue"] for task in tasks),
        "taskCompletion": completion,
    }
