"""Keeps guanxi and another system alike: `python sync.py customers.csv`.

It sends the rows in bulk, found by their number in the other system, then shows what else has changed since last time.
Stop it whenever you like: rows sent again change nothing, and its place is kept once all before it is handled.
"""

import csv
import json
import os
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

URL = os.environ.get("GUANXI_URL", "http://127.0.0.1:8000/graphql")
KEY = {"authorization": f"Bearer {os.environ['GUANXI_KEY']}"} if "GUANXI_KEY" in os.environ else {}
FILE = Path("sync.json")
UPSERT = """mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items}) {
  requestId created updated unchanged userErrors { field message } } }"""
FEED = """query ($after: String) { events(first: 500, after: $after, entityTypes: ["Customer"]) {
  nodes { type entityId requestId changes { field current } } pageInfo { endCursor hasNextPage } } }"""


def ask(query, **variables):
    """Sends an operation, again and again while the server is busy or not there."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    for attempt in range(8):
        pause = min(2**attempt, 60)
        try:
            with urlopen(Request(URL, body, {"content-type": "application/json", **KEY}), timeout=60) as response:
                answer = json.load(response)
            if "errors" in answer:
                sys.exit(json.dumps(answer["errors"], indent=2))
            return answer["data"]
        except HTTPError as error:
            if error.code not in (429, 502, 503, 504):
                sys.exit(f"{error.code}: {error.read().decode()}")
            pause = int(error.headers.get("retry-after", pause))
        except (URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(pause)
    sys.exit(f"{URL} is not to be reached")


state = json.loads(FILE.read_text()) if FILE.exists() else {"after": None, "own": []}
with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
    rows = [{"externalIds": [{"system": "erp", "value": row.pop("number")}], **row} for row in csv.DictReader(file)]
for start in range(0, len(rows), 1000):
    done = ask(UPSERT, items=rows[start : start + 1000])["upsertCustomers"]
    # Events of these requests are its own, and not shown.
    state["own"] = [*state["own"][-999:], done["requestId"]]
    FILE.write_text(json.dumps(state))
    print(f"{done['created']} created, {done['updated']} updated, {done['unchanged']} unchanged")
    for error in done["userErrors"]:
        print(f"from row {start} on, {'.'.join(error['field'] or ())}: {error['message']}")
more = True
while more:
    page = ask(FEED, after=state["after"])["events"]
    for event in page["nodes"]:
        if event["requestId"] not in state["own"]:
            print(event["type"], event["entityId"], {one["field"]: one["current"] for one in event["changes"] or ()})
    state["after"], more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    FILE.write_text(json.dumps(state))
