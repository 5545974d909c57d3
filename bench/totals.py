"""Whether public data come in whole: imported, summed by the API, and held against what the files say.

`python -m bench.totals FOLDER`, FOLDER having `NPStimeseries.csv` of the NPS bank data (in `nps_bank`) and
`online_retail_customers_mod10.csv`, a part of the Online Retail data (in `online_retail`). Each line is a total by the
API and the same worked out from the file alone.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from guanxi import Plugin, create_app, load_settings
from guanxi.importing.importer import import_source
from guanxi.importing.mapping_file import mapping_of
from guanxi.importing.mapping_form import read_form
from guanxi.importing.sources import Rejects, Source
from guanxi.testing import Client, running
from plugins.satisfaction_surveys import SatisfactionSurveys

NPS_MAPPING = Path(__file__).parent.parent / "docs" / "examples" / "nps_bank" / "responses.toml"
#: Of a copy of the file that has the number of each line, and the amount of it.
SALES_MAPPING = """
[[record]]
type = "Customer"
key = { system = "retail", column = "CustomerID" }

[record.fields]
name = "CustomerID"
country = "Country"

[[record]]
type = "Transaction"
key = { system = "retail", column = "Line" }

[record.fields]
customer = { record = "customer" }
occurredOn = { column = "Day" }
quantity = "Quantity"
actualAmount = { column = "Amount", currency = "GBP", round = true }
description = "InvoiceNo"
"""
#: A total: what it is, by the API, by the file.
Line = tuple[str, Any, Any]


@contextmanager
def imported(mapping: Path, file: Path, plugins: Sequence[type[Plugin]], **settings: Any) -> Iterator[Client]:
    """A client of an app whose database has a file, imported twice: the second time changes nothing."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'totals.db'}"
        app = create_app(load_settings(database_url=url, sqlite_synchronous="NORMAL", **settings), list(plugins))
        app.migrate()
        with running(app) as client:
            known = mapping_of(read_form(mapping), app.catalog)
            source = Source(file, known.layout)
            for _ in range(2):
                rejects = Rejects(Path(folder) / "rejects.csv", source)
                report = client.run(import_source(app, known, source, rejects))
                assert not report.rejected
            yield client


def nps(file: Path) -> Iterator[Line]:
    """Net promoter scores of the bank, whole, by market and by quarter."""
    with file.open(encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))

    def score(kind: str, value: str | None = None) -> Decimal:
        scores = [int(row["NPS"]) for row in rows if value is None or row[kind] == value]
        promoters, detractors = (sum(map(test, scores)) for test in ((9).__le__, (6).__ge__))
        return round(Decimal(100 * (promoters - detractors)) / len(scores), 2)

    with imported(NPS_MAPPING, file, [SatisfactionSurveys]) as client:
        answer = client.query("{ surveyResponsesAggregate { count avg { npsPoints } } }")["surveyResponsesAggregate"]
        yield "responses", answer["count"], len(rows)
        yield "NPS", Decimal(answer["avg"]["npsPoints"]), score("")
        by = "query ($by: [SurveyResponseGroupKey!]!) { found: surveyResponsesGroupBy(by: $by) {"
        by += " keys { %s } aggregate { avg { npsPoints } } } }"
        for group in client.query(by % "customer { region }", by=[{"customer": {"region": True}}])["found"]:
            market = group["keys"]["customer"]["region"]
            yield f"NPS of {market}", Decimal(group["aggregate"]["avg"]["npsPoints"]), score("Market", market)
        for group in client.query(by % "answeredOn", by=[{"answeredOn": "QUARTER"}])["found"]:
            quarter = str((int(group["keys"]["answeredOn"][5:7]) + 2) // 3)
            yield (
                f"NPS of quarter {quarter}",
                Decimal(group["aggregate"]["avg"]["npsPoints"]),
                score("Quarter", quarter),
            )


def sales(file: Path) -> Iterator[Line]:
    """Sales of the retailer: lines, customers, net value, what was cancelled, and each month."""
    with file.open(encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    months: Counter[str] = Counter()
    total = cancelled = Decimal(0)
    with TemporaryDirectory() as folder:
        mapping, copy = Path(folder) / "lines.toml", Path(folder) / "lines.csv"
        mapping.write_text(SALES_MAPPING)
        with copy.open("w", newline="") as written:
            writer = csv.DictWriter(written, [*rows[0], "Line", "Day", "Amount"])
            writer.writeheader()
            for number, row in enumerate(rows):
                amount = Decimal(row["UnitPrice"]) * int(row["Quantity"])
                writer.writerow({**row, "Line": number, "Day": row["InvoiceDate"][:10], "Amount": amount})
                rounded = amount.quantize(Decimal("0.01"))
                total += rounded
                months[row["InvoiceDate"][:7]] += rounded  # type: ignore[assignment]  # decimals count as well
                cancelled += rounded if row["InvoiceNo"].startswith("C") else 0
        with imported(mapping, copy, [], reporting_currency="GBP") as client:
            ask = "count sum { actualAmount { total { amount } } }"
            answer = client.query(f"""{{
              all: transactionsAggregate {{ {ask} }}
              gone: transactionsAggregate(where: {{description: {{startsWith: "C"}}}}) {{ {ask} }}
              months: transactionsGroupBy(by: [{{occurredOn: MONTH}}]) {{ keys {{ occurredOn }} aggregate {{ {ask} }} }}
              customersAggregate {{ count }}
            }}""")

    def value(group: Mapping[str, Any]) -> Decimal:
        return Decimal(group["sum"]["actualAmount"]["total"]["amount"])

    yield "lines", answer["all"]["count"], len(rows)
    yield "customers", answer["customersAggregate"]["count"], len({row["CustomerID"] for row in rows})
    yield "net value", value(answer["all"]), total
    yield "cancelled lines", answer["gone"]["count"], sum(row["InvoiceNo"].startswith("C") for row in rows)
    yield "cancelled value", value(answer["gone"]), cancelled
    for group in answer["months"]:
        month = group["keys"]["occurredOn"][:7]
        yield f"net value of {month}", value(group["aggregate"]), months[month]


def main() -> None:
    """Prints every total; a star marks one that differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for title, lines in (
        ("NPS bank", nps(folder / "nps_bank" / "NPStimeseries.csv")),
        ("Online Retail", sales(folder / "online_retail" / "online_retail_customers_mod10.csv")),
    ):
        print(title)
        for what, by_api, by_file in lines:
            print(f"  {what:<28}{by_api!s:>14}{by_file!s:>14}{'' if by_api == by_file else '  *'}")


if __name__ == "__main__":
    main()
