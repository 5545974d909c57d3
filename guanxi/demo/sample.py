"""A realistic made-up CRM to look around in: the same for every seed and day, entered as an integrator would."""

import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from guanxi.demo.words import (
    CITIES,
    COMPANY_ENDINGS,
    COMPANY_STEMS,
    DEPARTMENTS,
    FAMILY_NAMES,
    GIVEN_NAMES,
    INDUSTRIES,
    INTERESTS,
    JOB_TITLES,
    LOSS_SUMMARIES,
    MEETING_NOTES,
    NEEDS,
    PRODUCTS,
    REGIONS,
    STREETS,
    TASK_SUBJECTS,
)
from schema.write.matching import EXTERNAL_ID, Asked

SEED = 2025
SYSTEM = "demo"

CUSTOMERS, CONTACTS, OPPORTUNITIES = 240, 720, 1000
_USERS = 30
#: Of so many customers one, the addresses of its people are known.
_WITH_ADDRESS = 8
_STAGES = "ABCDEF"
#: Share of opportunities that pass from each stage to the next.
_PASS = {"A": 0.75, "B": 0.72, "C": 0.7, "D": 0.8, "E": 0.93}
#: What many opportunities that were lost have in common, and those that were won: a model has to find out.
_OFTEN_LOST = {"leadSource": "ONLINE", "directness": "INDIRECT"}
_OFTEN_WON = {"leadSource": "CUSTOMER_REFERRAL", "directness": "DIRECT"}
_STAGE_DAYS = {"A": 14, "B": 15, "C": 11, "D": 19, "E": 12}


def key(kind: str, number: int) -> dict[str, str]:
    """The external id of a row of the sample."""
    return {"system": SYSTEM, "value": f"{kind}-{number}"}


class Sample:
    """The sample's rows, drawn from one source of chance."""

    def __init__(self, chance: random.Random, today: date) -> None:
        self._chance = chance
        self._today = today
        self._names = [f"{stem} {ending}" for stem in COMPANY_STEMS for ending in COMPANY_ENDINGS]
        chance.shuffle(self._names)
        self._weights = [chance.paretovariate(1.1) for _ in range(CUSTOMERS)]
        self._owners = [chance.randrange(6, _USERS) for _ in range(CUSTOMERS)]
        self._regions = [chance.choice(REGIONS) for _ in range(CUSTOMERS)]
        self._paths = [self._path(number) for number in range(OPPORTUNITIES)]

    def records(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Type of record and its rows, those that are referred to first."""
        yield "Team", list(self._teams())
        yield "User", list(self._users())
        yield "Product", list(self._products())
        yield "Customer", list(self._customers())
        yield "Contact", list(self._contacts())
        yield "Opportunity", list(self._opportunities())
        yield "OpportunityContact", list(self._key_persons())
        yield "Transaction", list(self._transactions())
        yield "Interaction", list(self._interactions())
        yield "Task", list(self._tasks())

    def _person(self) -> str:
        return f"{self._chance.choice(GIVEN_NAMES)} {self._chance.choice(FAMILY_NAMES)}"

    def _days_ago(self, most: int, least: int = 0) -> date:
        return self._today - timedelta(days=self._chance.randint(least, most))

    def _teams(self) -> Iterator[dict[str, Any]]:
        for number, region in enumerate(REGIONS):
            yield {"externalIds": [key("team", number)], "name": f"{region} sales", "region": region}

    def _users(self) -> Iterator[dict[str, Any]]:
        for number in range(_USERS):
            team = number % len(REGIONS)
            yield {
                "externalIds": [key("user", number)],
                "name": self._person(),
                "email": f"user{number}@guanxi.example",
                "role": "BRANCH_MANAGER" if number < len(REGIONS) else "ACCOUNT_MANAGER",
                "region": REGIONS[team],
                "branch": f"{REGIONS[team]} branch",
                "isUrbanBranch": team % 2 == 0,
                "teamExternalId": key("team", team),
                **({} if number < len(REGIONS) else {"managerExternalId": key("user", team)}),
            }

    def _products(self) -> Iterator[dict[str, Any]]:
        for number, (name, series, price) in enumerate(PRODUCTS):
            yield {
                "externalIds": [key("product", number)],
                "name": name,
                "series": series,
                "code": f"P{number:03d}",
                "listPrice": {"amount": price},
            }

    def _customers(self) -> Iterator[dict[str, Any]]:
        chance = self._chance
        for number in range(CUSTOMERS):
            employees = int(20 * self._weights[number] * chance.uniform(0.5, 3)) + 5
            row = {
                "externalIds": [key("customer", number)],
                "name": self._names[number],
                "number": f"C{10_000 + number}",
                "industry": chance.choice(INDUSTRIES),
                "region": self._regions[number],
                "country": "China",
                "status": chance.choices(["ACTIVE", "PROSPECT", "INACTIVE", "FORMER"], [70, 15, 10, 5])[0],
                "email": f"info@customer{number}.example",
                "employeeCount": employees,
                "annualRevenue": {"amount": employees * chance.randint(20, 90) * 1000},
                "managedLevel": chance.choices(
                    ["NATIONAL", "PROVINCIAL", "MUNICIPAL", "COUNTY", "GRID"], [1, 4, 9, 8, 8]
                )[0],
                "accountRelation": chance.choice(["RETENTION", "ACQUISITION"]),
                "needs": chance.sample(NEEDS, chance.randint(0, 3)),
                "ownerExternalId": key("user", self._owners[number]),
                "tags": ["strategic"] if self._weights[number] > 8 else [],
                "customerSince": self._days_ago(3000, 30),
            }
            if number and chance.random() < 0.1:
                row["referredByExternalId"] = key("customer", chance.randrange(number))
            if number and chance.random() < 0.08:
                row["parentExternalId"] = key("customer", chance.randrange(number))
            yield row

    def _contacts(self) -> Iterator[dict[str, Any]]:
        chance = self._chance
        ranks = ["EXECUTIVE", "DIRECTOR", "MANAGER", "SUPERVISOR", "STAFF"]
        for number in range(CONTACTS):
            customer, place = number % CUSTOMERS, number // CUSTOMERS
            seniority = ranks[min(len(ranks) - 1, place + chance.randint(0, 2))]
            row = {
                "externalIds": [key("contact", number)],
                "name": self._person(),
                "customerExternalId": key("customer", customer),
                "email": f"contact{number}@customer{customer}.example",
                "phone": f"+86 10 {chance.randint(1000, 9999)} {chance.randint(1000, 9999)}",
                "jobTitle": f"{chance.choice(JOB_TITLES)}",
                "department": chance.choice(DEPARTMENTS),
                "seniority": seniority,
                "buyingRole": chance.choices(
                    ["DECISION_MAKER", "TECHNICAL", "BUSINESS", "FINANCIAL", "USER", "INFLUENCER"], [2, 3, 3, 2, 4, 2]
                )[0],
                "attitude": chance.choices(["SUPPORT", "NEUTRAL", "OPPOSE"], [4, 5, 1])[0],
                "isOnBuyingCommittee": chance.random() < 0.3,
                "preferredChannel": chance.choice(["PHONE", "EMAIL", "CHAT", "VISIT"]),
                "interests": chance.sample(INTERESTS, chance.randint(0, 2)),
            }
            if place:
                row["reportsToExternalId"] = key("contact", number - CUSTOMERS)
            if customer % _WITH_ADDRESS == 0:
                row |= self._office(customer)
            yield row

    def _office(self, customer: int) -> dict[str, str]:
        """The address at which the people of a customer work."""
        region = self._regions[customer]
        city, postal_code = CITIES[REGIONS.index(region)]
        street = f"{customer + 1} {STREETS[customer % len(STREETS)]}"
        return {"street": street, "postalCode": postal_code, "city": city, "region": region, "country": "China"}

    # Opportunities: the way of each is drawn first, so that rows and moves agree.

    def _path(self, number: int) -> dict[str, Any]:
        """When an opportunity was opened, which stages it entered when, and how it ended."""
        chance = self._chance
        # The pipeline is fuller than chance would have it: people look at what is open.
        opened = self._days_ago(60, 3) if chance.random() < 0.3 else self._days_ago(730, 3)
        steps, stage, moment = [("A", opened)], "A", opened
        lost: date | None = None
        while stage != "F":
            moment += timedelta(days=max(1, round(chance.gauss(_STAGE_DAYS[stage], 5))))
            if moment >= self._today:
                break
            if chance.random() > _PASS[stage]:
                lost = moment
                break
            stage = _STAGES[_STAGES.index(stage) + 1]
            steps.append((stage, moment))
        customer = chance.choices(range(CUSTOMERS), [math.sqrt(weight) for weight in self._weights])[0]
        return {"number": number, "opened": opened, "steps": steps, "lost": lost, "customer": customer}

    def _opportunities(self) -> Iterator[dict[str, Any]]:
        chance = self._chance
        for path in self._paths:
            number, customer, opened = path["number"], path["customer"], path["opened"]
            product = chance.randrange(len(PRODUCTS))
            price = int(PRODUCTS[product][2])
            amount = int(price * self._weights[customer] ** 0.7 * chance.uniform(0.6, 6)) // 100 * 100 + 500
            is_open = path["lost"] is None and path["steps"][-1][0] != "F"
            row = {
                "externalIds": [key("opportunity", number)],
                "name": f"{PRODUCTS[product][0]} for {self._names[customer]}",
                "customerExternalId": key("customer", customer) if chance.random() > 0.03 else None,
                "ownerExternalId": key("user", self._owners[customer]),
                "productExternalId": key("product", product),
                "region": self._regions[customer],
                "stageId": "stg_00000000000000000000000001",
                "status": "FOLLOWING",
                "openedOn": opened,
                "expectedCloseDate": opened + timedelta(days=chance.randint(45, 120)),
                "expectedAmount": {"amount": amount},
                "budgetAmount": {"amount": int(amount * chance.uniform(0.8, 1.4))} if chance.random() < 0.7 else None,
                "isNewCustomer": chance.random() < 0.25,
                "leadSource": chance.choice(
                    ["ACCOUNT_MANAGER", "PARTNER", "ONLINE", "CUSTOMER_REFERRAL", "CUSTOMER_ENQUIRY"]
                ),
                "directness": chance.choice(["DIRECT", "INDIRECT"]),
                "horizon": chance.choice(["SHORT_TERM", "LONG_TERM"]),
                "category": chance.choice(["STANDARD_PRODUCT", "ICT_PROJECT"]),
                "priority": chance.choice(["HIGH", "MEDIUM", "LOW"]),
                "needKind": chance.choice(["SWITCH", "LEARN", "DO"]),
                "hasBudget": chance.random() < 0.8,
                "acceptsPrice": chance.random() < 0.75,
                "recognisesValue": chance.random() < 0.8,
            }
            if not is_open and number % 3:
                row |= _OFTEN_WON if path["lost"] is None else _OFTEN_LOST
            if is_open and chance.random() < 0.8:
                due = self._today + timedelta(days=chance.randint(-10, 20))
                row |= {"nextAction": chance.choice(TASK_SUBJECTS), "nextActionAt": _at(due, 9)}
            yield row

    def moves(self) -> Iterator[list[Asked]]:
        """The moves of all opportunities, first the first of each, then the second, and the losses last."""
        for place in range(1, len(_STAGES)):
            yield [
                Asked(
                    None,
                    {
                        "externalIds": [key("opportunity", path["number"])],
                        "stageId": f"stg_0000000000000000000000000{_STAGES.index(path['steps'][place][0]) + 1}",
                    },
                    EXTERNAL_ID,
                    occurred_at=_at(path["steps"][place][1], 15),
                )
                for path in self._paths
                if len(path["steps"]) > place
            ]
        chance = self._chance
        yield [
            Asked(
                None,
                {
                    "externalIds": [key("opportunity", path["number"])],
                    "status": "LOST",
                    "lossReason": chance.choice(["PRICE", "COMPETITOR", "NO_BUDGET", "TIMING", "NO_DECISION"]),
                    "lossSummary": chance.choice(LOSS_SUMMARIES),
                },
                EXTERNAL_ID,
                occurred_at=_at(path["lost"], 16),
            )
            for path in self._paths
            if path["lost"] is not None
        ]

    def _key_persons(self) -> Iterator[dict[str, Any]]:
        for path in self._paths:
            contact = path["customer"] + CUSTOMERS * self._chance.randrange(CONTACTS // CUSTOMERS)
            yield {
                "externalIds": [key("part", path["number"])],
                "opportunityExternalId": key("opportunity", path["number"]),
                "contactExternalId": key("contact", contact),
                "buyingRole": self._chance.choice(["DECISION_MAKER", "TECHNICAL", "USER"]),
                "isPrimary": True,
            }

    def _transactions(self) -> Iterator[dict[str, Any]]:
        chance = self._chance
        number = 0
        for path in self._paths:
            if path["steps"][-1][0] == "F":
                yield self._sale(number, path["customer"], path["steps"][-1][1], key("opportunity", path["number"]))
                number += 1
        for customer, weight in enumerate(self._weights):
            for _ in range(min(40, int(2 + 4 * math.sqrt(weight) * chance.random()))):
                yield self._sale(number, customer, self._days_ago(730, 1), None)
                number += 1

    def _sale(self, number: int, customer: int, day: date, opportunity: dict[str, str] | None) -> dict[str, Any]:
        chance = self._chance
        product = chance.randrange(len(PRODUCTS))
        quantity = chance.randint(1, 12)
        gross = int(PRODUCTS[product][2]) * quantity * self._weights[customer] ** 0.5
        actual = gross * chance.uniform(0.75, 1)
        row = {
            "externalIds": [key("sale", number)],
            "customerExternalId": key("customer", customer),
            "productExternalId": key("product", product),
            "occurredOn": day,
            "quantity": Decimal(quantity),
            "grossAmount": {"amount": round(gross)},
            "actualAmount": {"amount": round(actual)},
        }
        if chance.random() < 0.9:
            row["cost"] = {"amount": round(actual * chance.uniform(0.5, 0.95))}
        return row if opportunity is None else {**row, "opportunityExternalId": opportunity}

    def _interactions(self) -> Iterator[dict[str, Any]]:
        chance = self._chance
        number = 0
        for customer, weight in enumerate(self._weights):
            for _ in range(min(60, int(4 + 6 * math.sqrt(weight) * chance.random()))):
                yield {
                    "externalIds": [key("interaction", number)],
                    "customerExternalId": key("customer", customer),
                    "contactExternalId": key("contact", customer + CUSTOMERS * chance.randrange(CONTACTS // CUSTOMERS)),
                    "userExternalId": key("user", self._owners[customer]),
                    "channel": chance.choice(["PHONE", "EMAIL", "VISIT", "MEETING", "CHAT"]),
                    "direction": chance.choice(["INBOUND", "OUTBOUND"]),
                    "occurredAt": _at(self._days_ago(730, 1), chance.randint(9, 17)),
                    "durationMinutes": chance.choice([5, 10, 15, 30, 60, 90]),
                    "summary": chance.choice(MEETING_NOTES),
                }
                number += 1

    def _tasks(self) -> Iterator[dict[str, Any]]:
        chance = self._chance
        for number in range(300):
            customer = chance.randrange(CUSTOMERS)
            due = self._today + timedelta(days=chance.randint(-60, 30))
            yield {
                "externalIds": [key("task", number)],
                "subject": chance.choice(TASK_SUBJECTS),
                "assigneeExternalId": key("user", self._owners[customer]),
                "customerExternalId": key("customer", customer),
                "dueOn": due,
                "priority": chance.choice(["HIGH", "MEDIUM", "LOW"]),
                "status": chance.choices(["DONE", "OPEN"], [9, 1] if due < self._today else [2, 8])[0],
            }


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)
