"""How well credit scores rank who pays late: scored on invoices before a day, judged by those written after it.

`python -m bench.credit FILE [--database URL]`, FILE being `WA_Fn-UseC_-Accounts-Receivable.csv` of the IBM sample data.
It imports the file by the mapping of the docs into a fresh database, asks for the totals, and measures.
"""

import argparse
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from guanxi import create_app, load_settings
from guanxi.importing.importer import import_source
from guanxi.importing.mapping_file import read_mapping
from guanxi.importing.sources import Rejects, Source
from guanxi.testing import Client, running
from plugins.credit_scoring import CreditScoring

MAPPING = Path(__file__).parent.parent / "docs" / "examples" / "receivables" / "invoices.toml"
#: Only payment is known of these customers, so that it alone makes the score.
WEIGHTS = {"financial_status": 0, "reputation": 0, "transaction_record": 100}
CUT_OFFS = (date(2012, 12, 31), date(2013, 6, 30))
#: Points of lateness, disputes and trend: the policy that ships, and others for comparison.
POLICIES = ((80, 10, 10), (100, 0, 0), (60, 20, 20), (0, 100, 0), (0, 0, 100))

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
def asking(url: str, points: Sequence[int] = POLICIES[0]) -> Iterator[Client]:
    """An app that scores by payment alone, with so many points for lateness, disputes and trend."""
    names = ("lateness_points", "dispute_points", "trend_points")
    policy = {"weights": WEIGHTS, "payment": dict(zip(names, points, strict=True))}
    app = create_app(load_settings(database_url=url, plugins={"credit_scoring": policy}), [CreditScoring])
    app.migrate()
    with running(app) as client:
        yield client


def load(client: Client, file: Path) -> None:
    """Imports the file by the mapping of the docs."""
    mapping = read_mapping(MAPPING, client.app.catalog)
    source = Source(file, mapping.layout)
    with TemporaryDirectory() as folder:
        rejects = Rejects(Path(folder) / "rejects.csv", source)
        report = client.run(import_source(client.app, mapping, source, rejects))
    assert not report.rejected


def invoices(client: Client) -> list[Invoice]:
    found: list[Invoice] = []
    after = None
    while True:
        page = client.query(INVOICES, after=after)["receivables"]
        found += [
            Invoice(node["customerId"], *map(date.fromisoformat, days(node)), node["isLate"]) for node in page["nodes"]
        ]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def days(node: Mapping[str, str]) -> Iterable[str]:
    return (node[name] for name in ("invoicedOn", "dueOn", "settledOn"))


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
    """What a policy ranks on a day: both AUCs over the same later invoices, and the later lateness of each band."""

    invoices: int
    score: float
    late_so_far: float
    bands: Mapping[str, tuple[int, int]]


def measure(client: Client, known: Sequence[Invoice], day: date) -> Measured:
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
    return Measured(
        len(later),
        auc((-scores[invoice.customer][0], invoice.is_late) for invoice in later),
        auc((before[invoice.customer], invoice.is_late) for invoice in later),
        bands,
    )


def report(url: str, file: Path) -> None:
    """Imports, prints the totals, and measures each policy on each day."""
    with asking(url) as client:
        load(client, file)
        for name, found in client.query(TOTALS).items():
            total = found.get("sum", {}).get("amount", {}).get("total", {}).get("amount", "")
            print(f"{name:20} {found['count']:6} {total}")
        known = invoices(client)
    for points in POLICIES:
        with asking(url, points) as client:
            for day in CUT_OFFS:
                found = measure(client, known, day)
                bands = "  ".join(
                    f"{band} {late}/{count} = {late / count:.1%}"
                    for band, (count, late) in found.bands.items()
                    if count
                )
                print(
                    f"{'/'.join(map(str, points)):9} {day}  {found.invoices} later invoices  "
                    f"AUC {found.score:.3f}, late so far {found.late_so_far:.3f}  {bands}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--database", help="an empty database; a SQLite file that is removed again without it")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        report(given.database or f"sqlite:///{Path(folder) / 'credit.db'}", given.file)


if __name__ == "__main__":
    main()
