"""What the pages of a frontend cost: `python -m bench.pages [ADDRESS]` asks a running `guanxi demo`.

Prints a row per page: milliseconds in the median as a client sees them over HTTP, SQL statements for one answer, and
what kept it from one. The server counts the statements, in its metrics; nothing else may ask it meanwhile.
"""

import argparse
import json
import re
import time
from statistics import median
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_CUSTOMER = 'customer(externalId: {system: "demo", value: "customer-0"})'

PAGES = {
    "list with filter": """{ customers(first: 50, where: {status: {eq: ACTIVE}, valueTier: {in: [IMPORTANT, MAIN]}},
        orderBy: [{currentValue: DESC}]) { totalCount pageInfo { endCursor hasNextPage } nodes {
        id name industry valueTier currentValue { amount currency } owner { name } can { update delete } } } }""",
    "account": f"""{{ {_CUSTOMER} {{ id version name website phone valueTier abcClass creditLimit {{ amount }} nps
        contacts(first: 20) {{ nodes {{ name jobTitle buyingRole attitude reportsTo {{ id }} }} }}
        opportunities(first: 20) {{ nodes {{ name stage {{ key }} expectedAmount {{ amount }} winProbability }} }}
        tasks(first: 10) {{ nodes {{ subject dueOn }} }}
        timeline(last: 20) {{ nodes {{ type occurredAt actorName changes {{ field previous current }} }} }} }} }}""",
    "board": """{ stages { key name position } opportunitiesGroupBy(by: [{stage: {key: true}}],
        where: {outcome: {eq: OPEN}}) { keys { stage { key } } aggregate { count sum { weightedAmount {
        total { amount } } } } }
        opportunities(first: 200, where: {outcome: {eq: OPEN}}, orderBy: [{expectedCloseDate: ASC}]) { nodes {
        id version name stage { key } expectedAmount { amount } owner { name } customer { name } } } }""",
    "charts": """{ customersGroupBy(by: [{valueTier: true}]) { keys { valueTier } aggregate { count
        sum { currentValue { total { amount } } } } }
        opportunitiesGroupBy(by: [{expectedCloseDate: MONTH}, {forecastCategory: true}], where: {outcome: {eq: OPEN}}) {
        keys { expectedCloseDate forecastCategory } aggregate { sum { weightedAmount { total { amount } } } } } }""",
    "inline edit": """mutation { updateCustomer(input: {id: "CUSTOMER", description: "DESCRIPTION"}) {
        customer { id version description } userErrors { code field message params } } }""",
    "search as one types": """{ search(text: "clou gat", first: 10) { match node { __typename ... on Customer { name }
        ... on Contact { name } ... on Opportunity { name } } } }""",
    "choices in Chinese": '{ vocabulary(name: "OpportunityStatus") { value label description order } }',
    "current user and permissions": "{ viewer { actor role permissions user { name team { name } } } }",
}


def ask(address: str, query: str) -> tuple[float, str | None]:
    """How many milliseconds an answer takes, and what is wrong with it."""
    headers = {"content-type": "application/json", "accept-language": "zh-CN"}
    body = json.dumps({"query": query}).encode()
    begun = time.perf_counter()
    try:
        with urlopen(Request(f"{address}/graphql", body, headers)) as response:
            answer: dict[str, Any] = json.load(response)
    except HTTPError as error:
        answer = json.load(error)
    spent = (time.perf_counter() - begun) * 1000
    return spent, answer["errors"][0]["message"] if "errors" in answer else None


def statements(address: str) -> int:
    """How many the server has sent to its database for requests."""
    with urlopen(f"{address}/metrics") as response:
        found = re.findall(r"^guanxi_statements_total\{[^}]*\} (\S+)$", response.read().decode(), re.MULTILINE)
    return int(sum(map(float, found)))


def main() -> None:
    """Asks for each page so many times."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("--times", type=int, default=40)
    given = parser.parse_args()
    with urlopen(
        Request(
            f"{given.address}/graphql",
            json.dumps({"query": "{ customers(first: 1) { nodes { id } } }"}).encode(),
            {"content-type": "application/json"},
        )
    ) as response:
        id = json.load(response)["data"]["customers"]["nodes"][0]["id"]
    for name, text in PAGES.items():
        query = text.replace("CUSTOMER", id)
        spent, wrong, before = [], None, 0
        for number in range(given.times + 1):
            # The first makes the statement.
            if number == 1:
                before = statements(given.address)
            took, wrong = ask(given.address, query.replace("DESCRIPTION", f"Seen {number} {time.time_ns()}"))
            spent.append(took)
        count = (statements(given.address) - before) / given.times
        print(f"| {name} | {median(spent[1:]):.1f} | {count:.1f} | {wrong or ''} |", flush=True)


if __name__ == "__main__":
    main()
