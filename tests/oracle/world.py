"""A made-up world: records with many nulls, ties, currencies, alphabets and deleted ones, made from a seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
)

from tests.oracle.rules import OPEN, PLACES
from tests.oracle.shapes import Shape

#: How many of each, in the order in which they are sent.
COUNTS = {
    "Team": 7,
    "User": 14,
    "Product": 10,
    "Customer": 64,
    "AccountTeamMember": 30,
    "Contact": 90,
    "Opportunity": 130,
    "OpportunityMember": 30,
    "OpportunityContact": 40,
    "Transaction": 120,
    "Interaction": 70,
    "Task": 70,
    "Inspection": 50,
    "Receivable": 60,
    "Survey": 24,
}

#: The moments at which records are entered, changed and deleted, tiers computed, and questions asked.
ENTERED = (
    datetime(2024, 2, 29, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(2025, 1, 1, 0, 0, 0, 0, tzinfo=UTC),
    datetime(2025, 3, 30, 1, 30, 0, 1000, tzinfo=UTC),
)
CHANGED = datetime(2025, 5, 4, 12, 0, 0, 120000, tzinfo=UTC)
DELETED = datetime(2025, 5, 5, 8, 0, 0, 0, tzinfo=UTC)
RANKED = datetime(2025, 5, 6, 8, 0, 0, 0, tzinfo=UTC)
OVERRIDDEN = datetime(2025, 5, 7, 9, 30, 0, 500000, tzinfo=UTC)
ASKED = datetime(2025, 6, 15, 12, 0, 0, 0, tzinfo=UTC)

STAGES = [f"stg_0000000000000000000000000{number}" for number in range(1, 7)]

WORDS = [
    "alpha", "Alpha", "ALPHA", "alpha beta", "Beta", "beta", "Ärger", "ärger", "ARGER", "Straße", "STRASSE", "strasse",
    "Émile", "émile", "E\u0301mile", "東京", "北京 有限公司", "Ωmega", "ωMEGA", "ΌΣΟΣ", "όσος", "ﬁne", "fine", "ＦＵＬＬ",
    "full", "İstanbul", "istanbul", "ıstanbul", "a_b%c", "a%b", "o'neil", '"quoted"', "back\\slash", "😀 smile", "Zoo",
    "zoo", "zoo zoo", "{json: [1]}", "delta", "Delta",
]  # fmt: skip
_FEW = ["Retail", "retail", "RETAIL", "Chemie", "chemie", "Émile", "émile", "Straße", "strasse", "北京"]
_DAYS = [
    date(2023, 12, 31),
    date(2024, 1, 1),
    date(2024, 2, 29),
    date(2024, 6, 30),
    date(2024, 7, 1),
    date(2024, 12, 29),
    date(2024, 12, 30),
    date(2025, 1, 1),
    date(2025, 3, 31),
    date(2025, 4, 1),
    date(2025, 5, 1),
    date(2025, 6, 14),
    date(2025, 6, 15),
    date(2025, 6, 16),
    date(2025, 8, 3),
]
_MOMENTS = [
    datetime(2023, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(2024, 1, 1, 0, 0, 0, 0, tzinfo=UTC),
    datetime(2025, 6, 15, 11, 59, 59, 999000, tzinfo=UTC),
    datetime(2025, 6, 15, 12, 0, 0, 0, tzinfo=UTC),
    datetime(2025, 6, 15, 12, 0, 0, 1000, tzinfo=UTC),
    datetime(2025, 3, 3, 3, 3, 3, 30000, tzinfo=UTC),
    datetime(2025, 3, 3, 3, 3, 3, 300000, tzinfo=UTC),
    datetime(2025, 9, 1, 0, 0, 0, 0, tzinfo=UTC),
]
_NUMBERS = [0, 1, 2, 2, 5, 10, 10, 99, 100, 299, 300, 999, 1000, 25_000]
_AMOUNTS = ["0", "0", "1", "5", "10", "10", "100", "999", "1000", "1000", "12345", "3000000"]
_CENTS = ["", "", ".5", ".01", ".99"]


@dataclass
class Sent:
    """One record as it is sent: its type, its id and the values of its input."""

    type: str
    id: str
    values: dict[str, Any]


@dataclass
class World:
    """What is sent, in order.

    Attributes:
        records: what is entered, batch by batch, each with its moment.
        changes: what is changed afterwards: type, id, and the new values.
        deleted, restored: ids of records that are deleted, and of those that are brought back.
        rates: of foreign currencies, by the days from which they hold.
    """

    records: list[tuple[datetime, list[Sent]]] = field(default_factory=list)
    changes: list[Sent] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    rates: dict[str, list[tuple[date, Decimal]]] = field(default_factory=dict)


def make_world(schema: GraphQLSchema, shapes: Mapping[str, Shape], prefixes: Mapping[str, str], seed: int) -> World:
    """The world of a seed."""
    return _Maker(schema, shapes, prefixes, Random(seed)).make()


Choose = Callable[["_Maker", dict[str, Any]], Any]


def _percent(maker: "_Maker", values: dict[str, Any]) -> Decimal:
    return Decimal(maker.random.choice(["0", "10", "33.33", "50", "99.99", "100"])).quantize(Decimal("0.01"))


def _capital(name: str) -> str:
    """The record a reference is named after."""
    return name[:1].upper() + name[1:].removesuffix("Id")


def _email(maker: "_Maker", values: dict[str, Any]) -> str:
    return maker.random.choice(["info@example.com", "INFO@example.com", "ann@ärger.example", "bo@example.org"])


def _own_email(maker: "_Maker", values: dict[str, Any]) -> str | None:
    number = maker.random.randrange(1000)
    return maker.random.choice([None, f"ann{number}@example.com", f"BO{number}@ärger.example"])


def _phone(maker: "_Maker", values: dict[str, Any]) -> str:
    # In international form already: what other spellings have in common is tested by itself.
    return maker.random.choice(["+861012345678", "+861012345678", "+4930123456", "+14155550100"])


def _link(maker: "_Maker", values: dict[str, Any]) -> str:
    return maker.random.choice(["alpha.example", "Alpha.example", "https://STRASSE.example/", "straße.example/ß"])


def _links(maker: "_Maker", values: dict[str, Any]) -> list[str]:
    return maker.random.choice([[], ["cloud.example"], ["Cloud.example", "https://fibre.example"]])


#: Fields whose values are not any of their type. None where there is none.
_SPECIAL: Mapping[tuple[str, str], Choose] = {
    ("Customer", "email"): _email,
    ("Contact", "email"): _email,
    ("User", "email"): _own_email,
    ("User", "timeZone"): lambda maker, values: maker.random.choice(["UTC", "Asia/Shanghai"]),
    ("Customer", "phone"): _phone,
    ("Customer", "website"): _link,
    ("Opportunity", "attachments"): _links,
    ("Contact", "phone"): _phone,
    ("Contact", "mobilePhone"): _phone,
    ("Customer", "foundedYear"): lambda maker, values: maker.random.choice([1000, 1999, 2000, 9999]),
    ("Customer", "paymentTermsDays"): lambda maker, values: maker.random.choice([0, 14, 30, 3650]),
    ("Contact", "language"): lambda maker, values: maker.random.choice(["de", "fr", "zh-CN"]),
    ("Customer", "code"): lambda maker, values: maker.random.choice(["x1", "x2", "x3"]),
    ("Customer", "ratio"): lambda maker, values: Decimal(maker.random.choice(["-1.25", "0", "0.0001", "3.75"])),
    ("Inspection", "score"): lambda maker, values: maker.random.randint(-10, 10),
    ("Opportunity", "winProbabilityOverride"): _percent,
    ("Transaction", "quantity"): lambda maker, values: Decimal(maker.random.choice(["1", "2.5", "0.0001", "-3"])),
    ("Survey", "cadenceDays"): lambda maker, values: maker.random.choice([1, 30, 365]),
    ("Survey", "language"): lambda maker, values: maker.random.choice(["de", "fr", "zh-Hans"]),
    ("Product", "unit"): lambda maker, values: maker.random.choice(["kg", "piece"]),
}  # fmt: skip

#: Places of decimals that have another number of them than two.
SCALES = {("Customer", "ratio"): 4, ("Transaction", "quantity"): 4}


class _Maker:
    def __init__(
        self, schema: GraphQLSchema, shapes: Mapping[str, Shape], prefixes: Mapping[str, str], random: Random
    ) -> None:
        self.random = random
        self._shapes = shapes
        self._schema = schema
        self._prefixes = prefixes
        self._ids: dict[str, list[str]] = {"Stage": list(STAGES)}
        #: By record, the customer it is of.
        self._customers: dict[str, str | None] = {}
        #: Keys that only one record has.
        self._taken: set[tuple[str, ...]] = set()

    def make(self) -> World:
        world = World()
        world.records.append((ENTERED[0], self._rates(world)))
        world.changes += self._stages()
        for type, count in COUNTS.items():
            cuts = sorted(self.random.sample(range(1, count), 2))
            for moment, numbers in zip(ENTERED, ((0, cuts[0]), (cuts[0], cuts[1]), (cuts[1], count)), strict=True):
                world.records.append((moment, [self._record(type, number, moment) for number in range(*numbers)]))
        busy = {
            sent.values["customerId"]
            for _, batch in world.records
            for sent in batch
            if sent.type == "Opportunity" and sent.values["status"] in OPEN
        }
        for type, count in COUNTS.items():
            # A customer with open opportunities is not deleted.
            candidates = [id for id in self._ids[type] if id not in busy]
            some = self.random.sample(candidates, max(2, min(count // 9, len(candidates))))
            world.deleted += some
            world.restored += [id for id in some if self.random.random() < 0.25]
        gone = set(world.deleted)
        for type, name in _CHANGING.items():
            living = [id for id in self._ids[type] if id not in gone]
            for id in self.random.sample(living, len(living) // 4):
                world.changes.append(Sent(type, id, {name: f"{self._word()} changed"}))
        world.changes += self._moves(world)
        return world

    def _rates(self, world: World) -> list[Sent]:
        world.rates = {
            "EUR": [(date(2000, 1, 1), Decimal("7.5")), (date(2024, 6, 30), Decimal("7.81234567"))],
            "USD": [(date(2000, 1, 1), Decimal("7.1")), (date(2025, 1, 1), Decimal("7.25"))],
            "JPY": [(date(2000, 1, 1), Decimal("0.05"))],
            "KWD": [(date(2000, 1, 1), Decimal("23.4"))],
        }
        made = []
        for currency, rates in world.rates.items():
            for day, rate in rates:
                values = {"currency": currency, "validFrom": day, "rate": rate.quantize(Decimal("0.00000001"))}
                made.append(Sent("ExchangeRate", self._new_id("ExchangeRate"), values))
        return made

    def _stages(self) -> list[Sent]:
        """New values for the stages that every database begins with."""
        made = []
        for place, (id, probability) in enumerate(zip(STAGES, (10, 25, 50, 75, 90, 100), strict=True)):
            values = self._values("Stage")
            values |= {"key": "ABCDEF"[place], "position": place + 1, "wins": place == 5, "mayWin": place == 4}
            values |= {"winProbability": Decimal(probability).quantize(Decimal("0.01")), "name": _FEW[place // 2]}
            values["plannedDurationDays"] = [15, None, 10, 0, 15, 400][place]
            for name in ("presetPassRate", "presetWinRate"):
                values[name] = None if place == 2 else Decimal(40 + 10 * (place % 3)).quantize(Decimal("0.01"))
            made.append(Sent("Stage", id, values))
        return made

    def _moves(self, world: World) -> list[Sent]:
        """Opportunities that pass to another stage."""
        opportunities = [sent for _, batch in world.records for sent in batch if sent.type == "Opportunity"]
        open_ones = [sent for sent in opportunities if sent.values["status"] in OPEN and sent.id not in world.deleted]
        moves = []
        for sent in self.random.sample(open_ones, len(open_ones) // 3):
            others = [stage for stage in STAGES[:5] if stage != sent.values["stageId"]]
            moves.append(Sent("Opportunity", sent.id, {"stageId": self.random.choice(others)}))
        return moves

    # Records

    def _new_id(self, type: str) -> str:
        letters = "0123456789abcdefghjkmnpqrstvwxyz"
        body = self.random.choice("01234567") + "".join(self.random.choices(letters, k=25))
        id = f"{self._prefixes[type]}_{body}"
        self._ids.setdefault(type, []).append(id)
        return id

    def reference(self, type: str) -> str | None:
        known = self._ids.get(type)
        return self.random.choice(known) if known else None

    def _record(self, type: str, number: int, entered: datetime) -> Sent:
        values = self._values(type)
        if type == "Opportunity":
            self._settle(values, entered)
        while not self._is_possible(type, values, entered):
            values = self._values(type)
            if type == "Opportunity":
                self._settle(values, entered)
        values["tags"] = self._tags()
        systems = self.random.sample(["erp", "web", "Alt-CRM"], self.random.choice([0, 0, 1, 1, 2]))
        values["externalIds"] = [{"system": system, "value": f"{type[:2]}-{number}"} for system in sorted(systems)]
        sent = Sent(type, self._new_id(type), values)
        leads = (self._customers.get(values.get(name) or "") for name in ("contactId", "opportunityId"))
        self._customers[sent.id] = values.get("customerId") or next(filter(None, leads), None)
        return sent

    def _is_possible(self, type: str, values: dict[str, Any], entered: datetime) -> bool:
        """Makes values agree with each other and with the day they are entered; whether that was possible."""
        for name in _PAST.get(type, ()):
            value = values[name]
            late = entered if isinstance(value, datetime) else entered.year if name == "foundedYear" else entered.date()
            if value is not None and value > late:
                values[name] = self.random.choice(
                    [day for day in (_MOMENTS if isinstance(value, datetime) else _DAYS) if day <= late]
                    if name != "foundedYear"
                    else [1000, 1999, 2000]
                )
        if type == "Receivable":
            # What is paid or disputed has rules of its own, which are tried by themselves.
            values |= {"settledOn": None, "isDisputed": False, "disputedOn": None}
            values["dueOn"] = max(values["dueOn"], values["invoicedOn"])
            amount, currency = values["amount"]
            values["amount"] = abs(amount) or amount + 1, currency
        for name in _NEVER_NEGATIVE & values.keys():
            if values[name] is not None:
                values[name] = abs(values[name][0]), values[name][1]
        customers = {
            name: self._customer(name, values[name]) for name in _OF_ONE_CUSTOMER.get(type, ()) if values[name]
        }
        known = [customer for customer in customers.values() if customer is not None]
        for name, customer in customers.items():
            if customer is not None and customer != known[0] and name not in _NEEDED.get(type, ()):
                values[name] = None
        if len({customers[name] for name in _NEEDED.get(type, ()) if customers.get(name)}) > 1:
            return False
        for names in _UNIQUE.get(type, ()):
            mark = (type, *names, *(str(values[name]).casefold() for name in names))
            if None not in (values[name] for name in names) and mark in self._taken:
                return False
        self._taken |= {
            (type, *names, *(str(values[name]).casefold() for name in names)) for names in _UNIQUE.get(type, ())
        }
        if type == "OpportunityContact" and values["isPrimary"]:
            values["isPrimary"] = (mark := ("primary", values["opportunityId"])) not in self._taken
            self._taken.add(mark)
        return True

    def _customer(self, name: str, id: str) -> str | None:
        """The customer a reference leads to."""
        return id if name == "customerId" else self._customers.get(id)

    def _tags(self) -> list[str]:
        return self.random.choice([[], [], ["vip"], ["Vip", "old"], ["ärger", "Big", "old"], ["STRASSE"]])

    def _values(self, type: str) -> dict[str, Any]:
        """A value for each member of the input that makes a record, many of them null or left out."""
        inputs = (self._schema.type_map.get(f"{verb}{type}Input") for verb in ("Create", "Log"))
        input_ = next(found for found in inputs if found is not None)
        assert isinstance(input_, GraphQLInputObjectType)
        values: dict[str, Any] = {}
        # A customer of which the plugin knows nothing has no row in its facet.
        bare = type == "Customer" and self.random.random() < 0.3
        for name, member in input_.fields.items():
            # References by external id, for one, are not fields of the record.
            if name not in self._shapes[type].fields or name in ("id", "tags", "externalIds"):
                continue
            if bare and name in _GAUGES:
                continue
            value = self._value(type, name, member.type, values)
            if value is not None or name not in _DEFAULTED:
                values[name] = value
        return values

    def _value(self, type: str, name: str, kind: Any, values: dict[str, Any]) -> Any:
        random = self.random
        named, inner = get_named_type(kind), get_nullable_type(kind)
        if isinstance(inner, GraphQLList) and (type, name) not in _SPECIAL:
            return random.choice([[], *self._lists(named)])
        shown: Any = self._schema.type_map[type]
        # A field that has a default is always shown with a value.
        needed = isinstance(kind, GraphQLNonNull) or isinstance(shown.fields[name].type, GraphQLNonNull)
        if not needed and random.random() < 0.35:
            return None
        if (type, name) in _SPECIAL:
            return _SPECIAL[type, name](self, values)
        if named.name == "ID":
            return self.reference(type if name in _OWN_KIND else _TARGETS.get(name, _capital(name)))
        if isinstance(named, GraphQLEnumType):
            return random.choice(list(named.values))
        if named.name == "MoneyInput":
            return self._money()
        if named.name == "String":
            if name in _EXACT:
                return random.choice(["a1", "b2", "ü3"])
            return self._word() if name in ("name", "subject", "title") else random.choice(_FEW)
        return {
            "Boolean": lambda: random.random() < 0.5,
            "Int": lambda: random.choice(_NUMBERS),
            "Decimal": lambda: _percent(self, values),
            "Date": lambda: random.choice(_DAYS),
            "DateTime": lambda: random.choice(_MOMENTS),
        }[named.name]()

    def _lists(self, named: Any) -> list[list[str]]:
        if isinstance(named, GraphQLEnumType):
            first, second = list(named.values)[:2]
            return [[first], [second], [first, second]]
        return [["cloud"], ["Cloud", "fibre"], ["fibre"], ["o'neil", "東京"]]

    def _word(self) -> str:
        return self.random.choice(WORDS)

    def _money(self) -> tuple[Decimal, str]:
        currency = self.random.choice(["CNY", "CNY", "EUR", "USD", "JPY", "KWD"])
        text = self.random.choice(_AMOUNTS) + (self.random.choice(_CENTS) if PLACES[currency] else "")
        amount = Decimal(text).quantize(Decimal(1).scaleb(-PLACES[currency]))
        return (-amount if amount and self.random.random() < 0.1 else amount), currency

    def _settle(self, values: dict[str, Any], entered: datetime) -> None:
        """Makes stage, status and dates of an opportunity agree."""
        random = self.random
        values["status"] = status = random.choice(["DRAFT", "DISPATCHED", *["FOLLOWING"] * 4, "WON", "EXECUTING", "LOST", "CLOSED"])  # fmt: skip
        values["stageId"] = random.choice(STAGES[4:] if status in ("WON", "EXECUTING") else STAGES[:5])
        for name in ("wonAt", "lostAt", "closedOn", "lossReason", "lossSummary"):
            values[name] = None
        was_won = status in ("WON", "EXECUTING") or (status == "CLOSED" and random.random() < 0.5)
        if status in ("LOST", "CLOSED") and not was_won:
            values["lossReason"], values["lossSummary"] = random.choice(["PRICE", "TIMING"]), random.choice(_FEW)
        if status not in OPEN:
            values["closedOn"] = random.choice([day for day in _DAYS if day < entered.date()])
            # History entered as closed was won only where it says when.
            if random.random() < 0.4 or (was_won and status == "CLOSED"):
                values["wonAt" if was_won else "lostAt"] = datetime.combine(
                    values["closedOn"], datetime.min.time(), UTC
                ) + timedelta(hours=9)


#: References whose name does not tell their record.
_TARGETS = {
    "ownerId": "User",
    "managerId": "User",
    "assigneeId": "User",
    "referredById": "Customer",
    "reportsToId": "Contact",
}

#: What has happened cannot be later than it is entered.
_PAST = {
    "Customer": ("customerSince", "foundedYear"),
    "Contact": ("birthDate",),
    "Opportunity": ("openedOn",),
    "OpportunityContact": ("since",),
    "Transaction": ("occurredOn",),
    "Interaction": ("occurredAt",),
    "Receivable": ("invoicedOn",),
}

_NEVER_NEGATIVE = {
    "expectedAmount",
    "budgetAmount",
    "totalAssets",
    "annualRevenue",
    "listPrice",
    "potentialValue",
    "budget",
}

#: References that lead to one customer, and those of them that cannot be left out.
_OF_ONE_CUSTOMER = {
    "Transaction": ("customerId", "opportunityId"),
    "Receivable": ("customerId", "opportunityId"),
    "Contact": ("customerId", "reportsToId"),
    "OpportunityContact": ("opportunityId", "contactId"),
    "Interaction": ("customerId", "contactId", "opportunityId"),
    "Task": ("customerId", "contactId", "opportunityId", "interactionId"),
}
_NEEDED = {
    "Transaction": ("customerId",),
    "Receivable": ("customerId",),
    "OpportunityContact": ("opportunityId", "contactId"),
}

_UNIQUE = {
    "User": [("email",)],
    "AccountTeamMember": [("customerId", "userId")],
    "OpportunityMember": [("opportunityId", "userId")],
    "OpportunityContact": [("opportunityId", "contactId")],
    "Receivable": [("customerId", "number")],
}

#: Codes, whose spelling makes the group: here no two differ in case alone.
_EXACT = {
    *("postalCode", "street", "taxId", "socialProfile", "chatHandle", "goal", "mainContent", "diagnosticKey"),
    *("verificationMark", "keyResult", "nextAction", "nextStep"),
}

#: References to the record's own kind.
_OWN_KIND = {"parentId", "followsId"}

#: Fields of the plugin that are never null once anything is given; they are left out instead.
_DEFAULTED = {"points", "isLoud"}

_GAUGES = {"points", "ceiling", "mood", "note", "code", "ratio", "seenAt", "since", "isLoud", "labels", "moods"}

#: A text of each record that is changed on some of them.
_CHANGING = {
    "Team": "name",
    "User": "name",
    "Customer": "legalName",
    "Contact": "name",
    "Opportunity": "name",
    "Interaction": "summary",
    "Task": "subject",
    "Inspection": "title",
}
