"""Forecasts the Maven data set as if it were lived through, and reports how far off each method was.

    python -m bench.forecast_backtest FOLDER

FOLDER holds accounts.csv, products.csv, sales_teams.csv and sales_pipeline.csv of the Maven "CRM Sales Opportunities".
Each opportunity is entered on the day it was engaged, with its product's list price, and won or lost on the day it was
closed; at each month's and quarter's end the next one is forecast, by what was known then. Prints the tables of
docs/forecasting.md.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import mean
from typing import Any

from core.base.calendar import PLAIN, last_of, shifted
from guanxi import FixedClock
from guanxi.testing import Client, app_with
from guanxi.vocabulary import DateGrain
from plugins.forecasting import Forecasting

SYSTEM = "maven"
STAGE = {"Engaging": "stg_00000000000000000000000003", "Won": "stg_00000000000000000000000006"}
#: How long an opportunity is expected to take until some were decided.
FIRST_GUESS_DAYS = 60
POLICY = {"valid_only": False, "new_customers_only": False}
METHODS = ("naive", "trend", "formula", "stage-weighted", "model-weighted")


@dataclass
class Deal:
    id: str
    agent: str
    product: str
    account: str
    outcome: str
    engaged: date
    closed: date | None
    value: Decimal


@dataclass
class Data:
    deals: list[Deal]
    prices: dict[str, str]
    accounts: dict[str, dict[str, str]]
    offices: dict[str, str]


@dataclass
class Run:
    """What one life through the data gave: forecasts by method, grain and period, and the model's own figures."""

    forecasts: dict[tuple[str, DateGrain, date], Decimal | None] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def read(folder: Path) -> Data:
    deals = [
        Deal(
            row["opportunity_id"],
            row["sales_agent"],
            row["product"].replace("GTXPro", "GTX Pro"),
            row["account"],
            row["deal_stage"],
            date.fromisoformat(row["engage_date"]),
            date.fromisoformat(row["close_date"]) if row["close_date"] else None,
            Decimal(row["close_value"] or 0),
        )
        for row in rows(folder / "sales_pipeline.csv")
        # For 500 prospects the data does not say since when they exist.
        if row["engage_date"]
    ]
    return Data(
        sorted(deals, key=lambda deal: (deal.engaged, deal.id)),
        {row["product"]: row["sales_price"] for row in rows(folder / "products.csv")},
        {row["account"]: row for row in rows(folder / "accounts.csv")},
        {row["sales_agent"]: row["regional_office"] for row in rows(folder / "sales_teams.csv")},
    )


def key(id: str) -> dict[str, str]:
    return {"system": SYSTEM, "value": id}


def upsert(client: Client, plural: str, items: list[dict[str, Any]]) -> None:
    name = plural[:1].upper() + plural[1:]
    payload = "failed userErrors { message field }"
    text = f"mutation ($input: Upsert{name}Input!) {{ upsert{name}(input: $input) {{ {payload} }} }}"
    for start in range(0, len(items), 1000):
        answer = client.query(text, input={"items": items[start : start + 1000]})[f"upsert{name}"]
        assert not answer["failed"], answer


def enter_masters(client: Client, data: Data) -> None:
    upsert(client, "users", [{"externalIds": [key(name)], "name": name} for name in data.offices])
    upsert(
        client,
        "customers",
        [{"externalIds": [key(name)], "name": name, "industry": row["sector"]} for name, row in data.accounts.items()],
    )
    upsert(
        client,
        "products",
        [
            {"externalIds": [key(name)], "name": name, "listPrice": {"amount": price}}
            for name, price in data.prices.items()
        ],
    )


def live(data: Data, *, use_model: bool) -> Run:
    """Lives through the data day by day, and forecasts at the end of each month and quarter."""
    clock, run = FixedClock(datetime(2016, 10, 1, 12, tzinfo=UTC)), Run()
    policy = {**POLICY, "use_model": use_model}
    with app_with(Forecasting, clock=clock, reporting_currency="USD", plugins={"forecasting": policy}) as client:
        enter_masters(client, data)
        arising, closing = defaultdict(list), defaultdict(list)
        for deal in data.deals:
            arising[deal.engaged].append(deal)
            if deal.closed is not None:
                closing[deal.closed].append(deal)
        took: list[int] = []
        day, end = min(arising), max(closing)
        while day <= end:
            clock.moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            expected = timedelta(days=round(mean(took)) if took else FIRST_GUESS_DAYS)
            upsert(client, "opportunities", [arisen(data, deal, expected) for deal in arising[day]])
            upsert(client, "opportunities", [decided(deal) for deal in closing[day]])
            took += [(day - deal.engaged).days for deal in closing[day]]
            if (day + timedelta(days=1)).day == 1 and day >= date(2017, 3, 31):
                forecast(client, day, run, use_model=use_model)
            day += timedelta(days=1)
    return run


def arisen(data: Data, deal: Deal, expected: timedelta) -> dict[str, Any]:
    return {
        "externalIds": [key(deal.id)],
        "name": deal.id,
        "status": "FOLLOWING",
        "stageId": STAGE["Engaging"],
        "customerExternalId": key(deal.account) if deal.account else None,
        "ownerExternalId": key(deal.agent),
        "productExternalId": key(deal.product),
        "region": data.offices[deal.agent],
        "openedOn": str(deal.engaged),
        "expectedCloseDate": str(deal.engaged + expected),
        "expectedAmount": {"amount": data.prices[deal.product]},
    }


def decided(deal: Deal) -> dict[str, Any]:
    if deal.outcome == "Won":
        return {"externalIds": [key(deal.id)], "stageId": STAGE["Won"], "expectedAmount": {"amount": str(deal.value)}}
    return {"externalIds": [key(deal.id)], "status": "LOST", "lossReason": "OTHER", "lossSummary": "Not said"}


FORECAST = """query ($method: ForecastMethod!, $grain: DateGrain!, $assume: ForecastAssumptions) {
  forecast(method: $method, grain: $grain, assume: $assume) { periodStart revenue { amount } } }"""
TRAIN = """mutation { trainWinModel(input: {}) {
    status reason decided auc brier baselineBrier stageBrier userErrors { message } } }"""


def forecast(client: Client, day: date, run: Run, *, use_model: bool) -> None:
    """Forecasts the next month, and the next quarter at a quarter's end."""
    if use_model:
        run.models.append({"day": day, **client.query(TRAIN)["trainWinModel"]})
        asked = {"model-weighted": ("STAGE_WEIGHTED", None)}
    else:
        # Nothing is earned after the win, so that achievement cannot be measured.
        asked = {
            "trend": ("TREND", None),
            "formula": ("FORMULA", {"achievement": "100"}),
            "stage-weighted": ("STAGE_WEIGHTED", None),
        }
    grains = [DateGrain.MONTH, *([DateGrain.QUARTER] if day.month % 3 == 0 else [])]
    for grain in grains:
        for name, (method, assume) in asked.items():
            made = client.query(FORECAST, method=method, grain=grain, assume=assume)["forecast"]
            revenue = made["revenue"]
            start = date.fromisoformat(made["periodStart"])
            run.forecasts[name, grain, start] = None if revenue is None else Decimal(revenue["amount"])


def won_in(data: Data, start: date, grain: DateGrain) -> Decimal:
    end = last_of(start, grain)
    return sum(
        (deal.value for deal in data.deals if deal.outcome == "Won" and deal.closed and start <= deal.closed <= end),
        Decimal(0),
    )


def show(data: Data, found: dict[tuple[str, DateGrain, date], Decimal | None], grain: DateGrain) -> None:
    """One table: what came, what each method said, and how far off it was."""
    starts = sorted({start for _, of, start in found if of is grain and last_of(start, grain) <= date(2017, 12, 31)})
    print(f"| {grain.lower()} | won | " + " | ".join(METHODS) + " |")
    print("|---|--:|" + "--:|" * len(METHODS))
    errors: dict[str, list[Decimal]] = defaultdict(list)
    for start in starts:
        actual, cells = won_in(data, start, grain), []
        for method in METHODS:
            said = won_in(data, shifted(start, grain, -1), grain) if method == "naive" else found[method, grain, start]
            if said is None:
                cells.append("none")
                continue
            errors[method].append(abs(said - actual) / actual)
            cells.append(f"{said:,.0f} ({(said - actual) / actual:+.0%})")
        print(f"| {start:%Y-%m} | {actual:,.0f} | " + " | ".join(cells) + " |")
    means = [f"{mean(errors[method]):.0%} of {len(errors[method])}" if errors[method] else "none" for method in METHODS]
    print("| mean error | | " + " | ".join(means) + " |\n")


def main() -> None:
    data = read(Path(sys.argv[1]))
    plain, modelled = live(data, use_model=False), live(data, use_model=True)
    found = plain.forecasts | modelled.forecasts
    for grain in (DateGrain.QUARTER, DateGrain.MONTH):
        show(data, found, grain)
    print("| trained on | decided | AUC | error | of the win rate so far | of the preset | |")
    print("|---|--:|--:|--:|--:|--:|---|")
    for model in modelled.models:
        if PLAIN.first_of(model["day"] + timedelta(days=1), DateGrain.QUARTER) == model["day"] + timedelta(days=1):
            figures = [
                model[name] or "" for name in ("decided", "auc", "brier", "baselineBrier", "stageBrier", "status")
            ]
            print(f"| {model['day']} | " + " | ".join(map(str, figures)) + " |")


if __name__ == "__main__":
    main()
