"""A plugin with fields of every kind and a record of its own, and what the oracle makes of the same fields."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import case, func, literal

from guanxi import Facet, Field, Money, MoneyExpression, Plugin, Record, Vocabulary, column, hookimpl, reference
from guanxi.records import Customer, User
from guanxi.sql import days_between
from tests.oracle import records
from tests.oracle.records import REPORTING, Records, Row


class Mood(Vocabulary):
    """How an inspection went."""

    SUNNY = "SUNNY", "Well."
    CLOUDY = "CLOUDY", "So so."
    RAINY = "RAINY", "Badly."


class Gauge(Facet, of="Customer", plugin="probing"):
    points: int = 0
    ceiling: Money | None = column("Up to this much.", default=None, index=True)
    mood: Mood | None = None
    note: str | None = column("A remark.", default=None, max_length=60)
    code: str | None = column("A code.", default=None, exact=True)
    ratio: Decimal | None = column("A share.", default=None, scale=4)
    seen_at: datetime | None = None
    since: date | None = None
    is_loud: bool = False
    labels: list[str] = column("Words.", default_factory=list)
    moods: list[Mood] = column("Moods.", default_factory=list)


class Lead(Facet, of="Opportunity", plugin="probing"):
    heat: int | None = None


class Inspection(Record, plugin="probing", prefix="isp"):
    """A visit to look at something."""

    customer_id: str | None = reference(Customer, "The customer.", inverse="inspections", default=None)
    user_id: str | None = reference(User, "Who went.", inverse="inspections", default=None)
    follows_id: str | None = reference("Inspection", "The one before.", inverse="followed_by", default=None)
    title: str = column("What it was about.", max_length=100, index=True)
    held_on: date | None = column("When.", default=None)
    score: int | None = column("How it went.", default=None, minimum=-10, maximum=10)
    fee: Money | None = column("What it cost.", default=None)
    mood: Mood | None = column("How it went.", default=None)


#: Facet columns that are fields by the same name, each with its default.
GAUGES: dict[str, Any] = {
    "points": 0,
    "ceiling": None,
    "mood": None,
    "note": None,
    "code": None,
    "ratio": None,
    "seenAt": None,
    "since": None,
    "isLoud": False,
    "labels": [],
    "moods": [],
}


def _room(row: Any) -> MoneyExpression:
    left = row.facet(Gauge).ceiling.reporting - func.coalesce(row.annual_revenue.reporting, 0)
    return MoneyExpression(left, literal(REPORTING), left)


def _exceeds(row: Any) -> Any:
    ceiling = row.facet(Gauge).ceiling.reporting
    return case((ceiling.is_not(None), row.annual_revenue.reporting > ceiling))


def card(ctx: Any, rows: Any) -> list[str]:
    """A text of values of several kinds, as they are handed to Python fields."""
    return [
        "|".join(str(row[name]) for name in ("name", "points", "annualRevenue", "labels", "room", "seenAt"))
        for row in rows
    ]


async def pitch(ctx: Any, rows: Any) -> list[int | None]:
    """A number, null for some."""
    return [None if row["outcome"] == "LOST" else len(row["name"]) + (row["heat"] or 0) for row in rows]


def bonus(ctx: Any, rows: Any) -> list[Money | None]:
    """An amount, null for some."""
    return [None if row["score"] is None else Money(Decimal(row["score"]), REPORTING) for row in rows]


class Probing(Plugin):
    name, version, api = "probing", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self) -> list[type[Record]]:
        return [Inspection]

    @hookimpl
    def register_fields(self) -> Any:
        for name in GAUGES:
            attribute = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
            yield Field(f"Customer.{name}", getattr(Gauge, attribute), f"Its {name}.", writable=True)
        yield Field("Opportunity.heat", Lead.heat, "How hot it is.", writable=True)
        yield Field("Customer.room", _room, "What is left of the ceiling.", Money)
        yield Field("Customer.exceedsCeiling", _exceeds, "Revenue above the ceiling.", bool)
        yield Field("Customer.daysKnown", lambda row: days_between(row.as_of, row.facet(Gauge).since), "Days.", int)
        yield Field(
            "Customer.isRecent",
            lambda row: row.facet(Gauge).since >= row.bind(lambda now: now.date() - timedelta(days=30), date),
            "Known for a month at most.",
            bool,
        )
        yield Field("Customer.wasSeen", lambda row: row.facet(Gauge).seen_at <= row.now, "Seen by now.", bool)
        yield Field("Customer.shout", lambda row: row.name.concat("!"), "The name, aloud.", str)
        yield Field(
            "Customer.inspectionCount",
            lambda row: row.over(Inspection, "customer_id", lambda other: func.count()),
            "Number of opportunities.",
            int,
        )
        yield Field(
            "Customer.moodAgain", lambda row: row.other("Customer.mood", Mood), "The mood by another way.", Mood
        )
        yield Field("Customer.credit", lambda row: row.other("Customer.nowhere", Money), "From nobody.", Money)
        yield Field("Opportunity.odds", lambda row: row.to("stage").win_probability, "Of its stage.", Decimal)
        yield Field(
            "Opportunity.customerPoints",
            lambda row: row.to("customer").other("Customer.points", int),
            "Of its customer.",
            int,
        )
        yield Field(
            "Opportunity.ownerRegion", lambda row: row.to("owner").to("team").region, "Of its owner's team.", str
        )
        yield Field(
            "Customer.card",
            python=card,
            description="In Python.",
            type=str,
            needs=["name", "points", "annualRevenue", "labels", "room", "seenAt"],
        )
        yield Field(
            "Opportunity.pitch", python=pitch, description="In Python.", type=int, needs=["outcome", "name", "heat"]
        )
        yield Field("Inspection.bonus", python=bonus, description="In Python.", type=Money, needs=["score"])


# The same for the oracle


def fill(row: Row, given: dict[str, Any]) -> None:
    """Fills in what the plugin keeps of a customer that was sent; defaults hold where nothing was given."""
    if row.type == "Customer":
        row.values |= {name: given.get(name, default) for name, default in GAUGES.items()}


def derive(data: Records, now: datetime) -> None:
    """Fills in the plugin's derived fields as they stand at a moment."""
    for row in data.lists["Customer"]:
        row.values |= _of_customer(data, row, now)
    for row in data.lists["Opportunity"]:
        customer, owner = data.to_one(row, "customer"), data.to_one(row, "owner")
        team = None if owner is None else data.to_one(owner, "team")
        row.values |= {
            "odds": data.by_id[row["stageId"]]["winProbability"],
            "customerPoints": None if customer is None else customer["points"],
            "ownerRegion": None if team is None else team["region"],
            "pitch": None if row["outcome"] == "LOST" else len(row["name"]) + (row["heat"] or 0),
        }
    for row in data.lists["Inspection"]:
        amount = None if row["score"] is None else Decimal(row["score"]).quantize(Decimal("0.01"))
        row.values["bonus"] = None if amount is None else records.Money(amount, REPORTING, amount)


def _of_customer(data: Records, row: Row, now: datetime) -> dict[str, Any]:
    from tests.oracle.oracle import shown

    ceiling, revenue, since, seen = row["ceiling"], row["annualRevenue"], row["since"], row["seenAt"]
    room = None
    if ceiling is not None:
        left = ceiling.reporting - (Decimal("0.00") if revenue is None else revenue.reporting)
        room = records.Money(left, REPORTING, left)
    made: dict[str, Any] = {
        "room": room,
        "exceedsCeiling": None if ceiling is None or revenue is None else revenue.reporting > ceiling.reporting,
        "daysKnown": None if since is None else (now.date() - since).days,
        "isRecent": None if since is None else since >= now.date() - timedelta(days=30),
        "wasSeen": None if seen is None else seen <= now,
        "shout": row["name"] + "!",
        "inspectionCount": sum(other.is_living for other in data.below(row, "inspections")),
        "moodAgain": row["mood"],
        "credit": None,
    }
    needs = (row["name"], row["points"], revenue, row["labels"], room, seen)
    made["card"] = "|".join(str(shown(value)) for value in needs)
    return made
