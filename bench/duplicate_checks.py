"""What a check for duplicates costs among a million customers: by what few have and by what many have, on both engines.

`python -m bench.duplicate_checks [--customers N] [--engine ENGINE] [--folder FOLDER]` prints the milliseconds of
processor time, PostgreSQL's included, and the longest answer, by kind of customer: of the query `duplicates`, and of
`createCustomer` with the policy WARN and with OFF.
"""

import argparse
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from bench.databases import ENGINES, Databases, Folder
from bench.load import Meter
from bench.search import names, settle
from core.db.engines import POSTGRESQL
from guanxi.records import Customer
from guanxi.testing import Client, app_with
from guanxi.vocabulary import CustomerKind
from plugins.duplicates import Duplicates
from plugins.duplicates.index import hashes
from plugins.duplicates.profiles import COLUMNS, profile_of
from plugins.duplicates.rules import Profile

#: One of so many customers is of each kind but the first, of which are all others.
_ONE_OF = 500
#: So many checks of each kind.
_CHECKS = 40
_STAMP = "2025-01-01T00:00:00.000Z"
_FIXED = {
    "version": 1,
    "created_at": _STAMP,
    "created_by": "bench",
    "updated_at": _STAMP,
    "updated_by": "bench",
    "kind": "COMPANY",
    "status": "ACTIVE",
    "account_relation": "RETENTION",
    "do_not_contact": False,
    **dict.fromkeys(("needs", "preferences", "interests", "industry_competitors"), "[]"),
}
_CITIES = ("Berlin", "Lyon", "Porto", "Ghent", "Turin", "Graz", "Leeds")
_NAME, _EMAIL, _PHONE = "Asia Garden Restaurant GmbH", "info@franchise.example", "+493055501000"

#: What is not as in a customer by itself, from its number and another that is stored.
_KINDS: Mapping[str, Callable[[int, Mapping[str, Any]], Mapping[str, Any]]] = {
    "nothing that many have": lambda number, other: {},
    "name and address of another": lambda number, other: {"name": f"{other['name']} AG", "email": other["email"]},
    "a name that many have": lambda number, other: {"name": _NAME},
    "an e-mail address that many have": lambda number, other: {"email": _EMAIL},
    "a domain that many have": lambda number, other: {"email": f"branch{number}@group.example"},
    "a telephone number that many have": lambda number, other: {"phone": _PHONE},
    "all of these": lambda number, other: {
        "name": _NAME,
        "email": _EMAIL,
        "phone": _PHONE,
        "website": "https://group.example",
    },
}
_CREATE = """mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { customer { id } warnings { code } userErrors { message } } }"""
_ASK = "query ($id: ID!) { duplicates(record: $id) { score customer { name } } }"


def customers(stored: int, more: int) -> list[dict[str, Any]]:
    """Customers with what is given of them: those that are stored, and others like them."""
    kinds = list(_KINDS.values())
    found: list[dict[str, Any]] = []
    for number, name in enumerate(names(stored + more)):
        own = {
            "id": f"cus_{number:026d}",
            "name": name,
            "email": f"info@site{number}.example",
            "phone": f"+49{number * 7919 % 10**9 + 10**9}",
            "website": None,
            "city": _CITIES[number % len(_CITIES)],
        }
        other = found[number - 1 if number < stored else number - stored] if found else own
        place = number % _ONE_OF
        found.append({**own, **kinds[place if place < len(kinds) else 0](number, other)})
    return found


def fill(url: str, given: Sequence[Mapping[str, Any]], *, is_postgresql: bool) -> None:
    """Stores customers and their keys."""
    rows = ((*one.values(), one["name"].casefold(), *_FIXED.values()) for one in given)
    keys = sorted((hash, one["id"]) for one in given for hash in hashes(_profile(one)))
    tables: Mapping[str, Iterator[tuple[Any, ...]]] = {
        f"customer ({', '.join((*given[0], 'name_folded', *_FIXED))})": rows,
        "duplicates_duplicate_key (hash, record_id)": iter(keys),
    }
    if is_postgresql:
        with psycopg.connect(url) as server:
            for table, each in tables.items():
                with server.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                    for row in each:
                        copy.write_row(row)
        return
    with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
        for table, each in tables.items():
            file.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * (table.count(',') + 1))})", each)


def _profile(given: Mapping[str, Any]) -> Profile:
    return profile_of(Customer, {**dict.fromkeys(COLUMNS[Customer]), **given, "kind": CustomerKind.COMPANY})


def by_kind(given: list[dict[str, Any]], first: int) -> Mapping[str, list[dict[str, Any]]]:
    """Some customers of each kind, from a number on."""
    return {kind: given[first + place :: _ONE_OF][:_CHECKS] for place, kind in enumerate(_KINDS)}


class Costs:
    """Prints what requests cost."""

    def __init__(self, client: Client, databases: Databases, title: str) -> None:
        self._client, self._process = client, databases.process
        print(f"  {title + ', milliseconds':<52}{'of processors, mean':>20}{'longest':>9}")

    def of(self, kind: str, text: str, variables: Sequence[Mapping[str, Any]]) -> None:
        """Sends requests; the first one compiles the statement."""
        self._client.query(text, **variables[0])
        meter, longest = Meter(os.getpid(), self._process), 0.0
        for given in variables[1:]:
            begun = time.perf_counter()
            self._client.query(text, **given)
            longest = max(longest, time.perf_counter() - begun)
        used = sum(meter.read()) / (len(variables) - 1)
        print(f"  {kind:<52}{used * 1000:20.1f}{longest * 1000:9.1f}", flush=True)


def measure(databases: Databases, given: list[dict[str, Any]], stored: int) -> None:
    """Checks customers that are stored, and new ones as they are created, in a copy."""
    url = databases.copy("duplicates", "written")
    settle(url, is_postgresql=databases.engine == POSTGRESQL)
    with app_with(Duplicates, database_url=url) as client:
        costs = Costs(client, databases, "duplicates(record)")
        for kind, each in by_kind(given, stored // 2).items():
            costs.of(kind, _ASK, [{"id": one["id"]} for one in each])
    for place, policy in enumerate(("WARN", "OFF")):
        with app_with(Duplicates, database_url=url, plugins={"duplicates": {"policy": policy}}) as client:
            costs = Costs(client, databases, f"createCustomer with {policy}")
            for kind, each in by_kind(given, stored + place * _CHECKS * _ONE_OF).items():
                inputs = [{name: value for name, value in one.items() if value and name != "id"} for one in each]
                costs.of(kind, _CREATE, [{"input": input} for input in inputs])


def main() -> None:
    """Measures both engines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--folder", type=Path, help="where the databases are kept; they are thrown away if not given")
    options = parser.parse_args()
    stored = options.customers // _ONE_OF * _ONE_OF
    given = customers(stored, 2 * _CHECKS * _ONE_OF)
    for engine in [options.engine] if options.engine else ENGINES:
        with TemporaryDirectory() as name, Folder(options.folder or Path(name)).engine(engine) as databases:
            is_postgresql, url = engine == POSTGRESQL, databases.url("duplicates")
            if not databases.exists("duplicates"):
                databases.make("duplicates")
                with app_with(Duplicates, database_url=url):
                    pass
                fill(url, given[:stored], is_postgresql=is_postgresql)
                settle(url, is_postgresql=is_postgresql)
            print(f"{engine}: {stored:,} customers", flush=True)
            measure(databases, given, stored)


if __name__ == "__main__":
    main()
