"""How well credit scores rank who pays late: scored on invoices before a day, judged by those written after it.

`python -m bench.credit FILE`, FILE being `WA_Fn-UseC_-Accounts-Receivable.csv` of the IBM sample data.
It imports the file by the mapping of the docs into a fresh database, asks for the totals, and measures: the policy that
ships and others, each against the share of late invoices so far. Every score is that of `creditAssessment` as of the
day, which sees neither later invoices nor later payments, and disputes only once their invoice was settled.
"""

import argparse
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from guanxi import create_app, load_settings
from guanxi.importing.importer import import_source
from guanxi.importing.mapping_file import mapping_of
from guanxi.importing.mapping_form import read_form
from guanxi.importing.sources import Rejects, Source
from guanxi.testing import Client, running
from plugins.credit_scoring import CreditScoring

MAPPING = Path(__file__).parent.parent / "docs" / "examples" / "receivables" / "invoices.toml"
#: Only payment is known of these customers, so that it alone makes the score.
WEIGHTS = {"financial_status": 0, "reputation": 0, "transaction_record": 100}
CUT_OFFS = (date(2012, 9, 30), date(2012, 12, 31), date(2013, 3, 31), date(2013, 6, 30), date(2013, 9, 30))
#: How often customers are drawn anew to see whether a difference is more than chance.
DRAWS = 400


def points(lateness: int, term: int, disputes: int, trend: int, **others: int) -> Mapping[str, int]:
    """A policy by its largest deductions, and what else differs from the defaults."""
    return {
        "lateness_points": lateness,
        "term_points": term,
        "dispute_points": disputes,
        "trend_points": trend,
        **others,
    }


#: The policy that ships first, then what each part of it does.
POLICIES: Mapping[str, Mapping[str, int]] = {
    "default": {},
    "lateness alone": points(100, 0, 0, 0),
    "use of the term alone": points(0, 100, 0, 0),
    "disputes alone": points(0, 0, 100, 0),
    "trend alone": points(0, 0, 0, 100),
    "without use of the term": points(80, 0, 10, 10),
    "without disputes and trend": points(70, 30, 0, 0),
    "recency: a year": {"window_days": 365},
    "recency: half a year": {"window_days": 180},
    "severity: up to 10 days": {"late_days": 10},
    "severity: up to 60 days": {"late_days": 60},
}
#: Every invoice of one amount, so that amounts have no weight.
ALIKE = "amount: no weight"

TOTALS = """{
  all: receivablesAggregate { count sum { amount { total { amount } } } }
  late: receivablesAggregate(where: {isLate: {eq: true}}) { count sum { amount { total { amount } } } }
  disputed: receivablesAggregate(where: {isDisputed: {eq: true}}) { count }
  customersAggregate { count }
}"""
INVOICES = """query ($after: String) { receivables(first: 1000, after: $after) {
  nodes { customerId invoicedOn dueOn settledOn isLate } pageInfo { hasNextPage endCursor } } }"""
ASSESS = "query ($id: ID!, $asOf: Date!) { creditAssessment(customerId: $id, asOf: $asOf) { score risk } }"


@dataclass(frozen=True, slots=True)
class Invoice:
    customer: str
    invoiced_on: date
    due_on: date
    settled_on: date
    is_late: bool


@contextmanager
def asking(url: str, payment: Mapping[str, int]) -> Iterator[Client]:
    """An app that scores by payment alone, with a policy for it."""
    policy = {"weights": WEIGHTS, "payment": payment}
    app = create_app(load_settings(database_url=url, plugins={"credit_scoring": policy}), [CreditScoring])
    app.migrate()
    with running(app) as client:
        yield client


def load(client: Client, file: Path, *, alike: bool = False) -> None:
    """Imports the file by the mapping of the docs, or with one amount for every invoice."""
    with TemporaryDirectory() as folder:
        text = MAPPING.read_text()
        used = Path(folder) / MAPPING.name
        used.write_text(text.replace('amount = "InvoiceAmount"', 'amount = { value = "1" }') if alike else text)
        mapping = mapping_of(read_form(used), client.app.catalog)
        source = Source(file, mapping.layout)
        rejects = Rejects(Path(folder) / "rejects.csv", source)
        report = client.run(import_source(client.app, mapping, source, rejects))
    assert not report.rejected


def invoices(client: Client) -> list[Invoice]:
    found: list[Invoice] = []
    after = None
    while True:
        page = client.query(INVOICES, after=after)["receivables"]
        found += [
            Invoice(
                node["customerId"],
                date.fromisoformat(node["invoicedOn"]),
                date.fromisoformat(node["dueOn"]),
                date.fromisoformat(node["settledOn"]),
                node["isLate"],
            )
            for node in page["nodes"]
        ]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def late_so_far(known: Iterable[Invoice], day: date) -> dict[str, float]:
    """Share of each customer's invoices that were late by a day, of those settled or overdue by then."""
    told: dict[str, list[bool]] = {}
    for invoice in known:
        if invoice.invoiced_on <= day and (invoice.settled_on <= day or invoice.due_on < day):
            told.setdefault(invoice.customer, []).append(min(invoice.settled_on, day) > invoice.due_on)
    return {customer: sum(late) / len(late) for customer, late in told.items()}


def auc(ranked: Iterable[tuple[float, bool]]) -> float:
    """Chance that of two invoices, one late and one not, the late one ranks higher; a tie counts half."""
    ranked = list(ranked)
    late = [value for value, is_late in ranked if is_late]
    others = sorted(value for value, is_late in ranked if not is_late)
    below = sum(bisect_left(others, value) + bisect_right(others, value) for value in late) / 2
    return below / (len(late) * len(others))


@dataclass(frozen=True, slots=True)
class Measured:
    """What a policy ranks on a day: both AUCs over the same later invoices, and the later lateness of each band.

    `better` is the share of draws of customers in which the score ranks better than the share late so far.
    """

    invoices: int
    score: float
    late_so_far: float
    bands: Mapping[str, tuple[int, int]]
    better: float | None


def measure(client: Client, known: Sequence[Invoice], day: date, *, draws: int = 0) -> Measured:
    """Scores on what was known on a day, and how well that ranks the invoices written after it."""
    before = late_so_far(known, day)
    scores = {}
    for customer in before:
        answer = client.query(ASSESS, id=customer, asOf=day.isoformat())["creditAssessment"]
        if answer["score"] is not None:
            scores[customer] = float(answer["score"]), answer["risk"]
    later = [invoice for invoice in known if invoice.invoiced_on > day and invoice.customer in scores]
    bands = {}
    for band in ("LOW", "MEDIUM", "HIGH"):
        mine = [invoice.is_late for invoice in later if scores[invoice.customer][1] == band]
        bands[band] = len(mine), sum(mine)
    of_each: dict[str, list[bool]] = {}
    for invoice in later:
        of_each.setdefault(invoice.customer, []).append(invoice.is_late)

    def gain(customers: Sequence[str]) -> tuple[float, float]:
        drawn = [(customer, is_late) for customer in customers for is_late in of_each[customer]]
        return (
            auc((-scores[customer][0], is_late) for customer, is_late in drawn),
            auc((before[customer], is_late) for customer, is_late in drawn),
        )

    names, chance = sorted(of_each), random.Random(1)
    ahead = sum(score > naive for score, naive in (gain(chance.choices(names, k=len(names))) for _ in range(draws)))
    return Measured(len(later), *gain(names), bands, ahead / draws if draws else None)


def report(url: str, alike_url: str, file: Path) -> None:
    """Imports, prints the totals, and measures each policy on each day."""
    with asking(url, {}) as client:
        load(client, file)
        for name, found in client.query(TOTALS).items():
            total = found.get("sum", {}).get("amount", {}).get("total", {}).get("amount", "")
            print(f"{name:20} {found['count']:6} {total}")
        known = invoices(client)
    for name, payment in POLICIES.items():
        with asking(url, payment) as client:
            show(client, name, known, draws=DRAWS if name == "default" else 0)
    with asking(alike_url, {}) as client:
        load(client, file, alike=True)
        show(client, ALIKE, invoices(client))


def show(client: Client, name: str, known: Sequence[Invoice], *, draws: int = 0) -> None:
    """Prints what a policy measures on each day."""
    print(name)
    for day in CUT_OFFS:
        found = measure(client, known, day, draws=draws)
        bands = "  ".join(
            f"{band} {late}/{count} = {late / count:.1%}" for band, (count, late) in found.bands.items() if count
        )
        drawn = "" if found.better is None else f", better in {found.better:.0%} of draws"
        print(
            f"  {day}  {found.invoices:5} later invoices  AUC {found.score:.4f}, "
            f"late so far {found.late_so_far:.4f}{drawn}  {bands}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        report(f"sqlite:///{Path(folder) / 'credit.db'}", f"sqlite:///{Path(folder) / 'alike.db'}", given.file)


if __name__ == "__main__":
    main()
