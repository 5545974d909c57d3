"""Keeps guanxi and another system alike: `python sync.py customers.csv`.

It sends the rows in bulk, found by their number in the other system, then shows what else has changed since last time.
Stop it whenever you like: rows sent again change nothing, and its place is kept once all before it is handled.
"""

import csv
import json
import os
import sys
import time
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

URL = os.environ.get("GUANXI_URL", "http://127.0.0.1:8000/graphql")
KEY = {"authorization": f"Bearer {os.environ['GUANXI_KEY']}"} if "GUANXI_KEY" in os.environ else {}
FILE, NEW = Path("sync.json"), Path("sync.json.new")
UPSERT = """mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items}) {
  created updated unchanged userErrors { field message } } }"""
FEED = """query ($after: String) { events(first: 500, after: $after, entityTypes: ["Customer"]) {
  nodes { type entityId requestId changes { field current } } pageInfo { endCursor hasNextPage } } }"""


def keep():
    """Writes the state down, whole or not at all."""
    NEW.write_text(json.dumps(state))
    NEW.replace(FILE)


def ask(query, number, **variables):
    """Sends an operation, again and again while the server is busy or not there."""
    named = {"content-type": "application/json", "x-request-id": f"{state['own']}.{number}", **KEY}
    body = json.dumps({"query": query, "variables": variables}).encode()
    for attempt in range(8):
        pause = min(2**attempt, 60)
        try:
            with urlopen(Request(URL, body, named), timeout=60) as response:
                answer = json.load(response)
            if "errors" in answer:
                sys.exit(json.dumps(answer["errors"], indent=2))
            return answer["data"]
        except HTTPError as error:
            if error.code not in (429, 502, 503, 504):
                sys.exit(f"{error.code}: {error.read().decode()}")
            pause = int(error.headers.get("retry-after", pause))
        except (OSError, HTTPException):
            pass
        time.sleep(pause)
    sys.exit(f"{URL} is not to be reached")


# Its requests are named before they are sent, so it knows its own events even where an answer is lost.
state = json.loads(FILE.read_text()) if FILE.exists() else {"own": f"sync-{uuid4()}", "after": None}
keep()
with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
    rows = [{"externalIds": [{"system": "erp", "value": row.pop("number")}], **row} for row in csv.DictReader(file)]
for start in range(0, len(rows), 1000):
    done = ask(UPSERT, start, items=rows[start : start + 1000])["upsertCustomers"]
    print(f"{done['created']} created, {done['updated']} updated, {done['unchanged']} unchanged")
    for error in done["userErrors"]:
        print(f"from row {start} on, {'.'.join(error['field'] or ())}: {error['message']}")
more = True
while more:
    page = ask(FEED, "feed", after=state["after"])["events"]
    for event in page["nodes"]:
        if not (event["requestId"] or "").startswith(state["own"]):
            print(event["type"], event["entityId"], {one["field"]: one["current"] for one in event["changes"] or ()})
    state["after"], more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    keep()
