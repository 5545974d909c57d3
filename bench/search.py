"""How fast `search` finds: a million customers, common and rare words, beginnings, mistakes, Chinese, on both engines.

`python -m bench.search [--customers N] [--engine ENGINE] [--folder FOLDER]` prints the median and the longest of each
kind in milliseconds, as the server answers it to a client in the same process, the processor time of an answer,
PostgreSQL's included, and how long the entries took to be made; for who sees all, for those who own more and more of
them, and for who sees one of a hundred by the scope of a plugin.
"""

import argparse
import os
import random
import sqlite3
import time
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psycopg

from bench.databases import ENGINES, Folder
from bench.load import Meter
from core.base.pinyin import syllables
from core.db.engines import POSTGRESQL
from guanxi import Plugin, RowRule, create_app, hookimpl, load_settings
from guanxi.testing import Client, running

_SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ne",
    "sor",
    "tan",
    "ver",
    "wil",
    "bra",
    "dun",
    "fel",
    "gor",
    "hal",
    "jin",
    "pol",
    "rus",
)
_KINDS = ("GmbH", "AG", "Ltd", "Inc", "SA", "Group", "Foods", "Trading", "Logistics", "Medical", "Energy", "Software")
_CHINESE = "北京上海广州深圳长城华夏东方科技贸易电子医药能源物流食品银河星光天地人和金玉"
_ASK = "query ($text: String!) { search(text: $text, first: 10) { match node { id ... on Customer { name } } } }"
_REST = ("RETENTION", "[]", "[]", "[]", "[]", False)
#: So many of each kind of question.
_ASKED = 40
#: What of a million customers the users own, here and there; the last one whatever is left.
_OWNED = (500, 3_000, 10_000, 20_000, 200_000)
_STAMP = "2025-01-01T00:00:00.000Z"
#: How many days a customer has to pay whom the plugin's scope shows: one of a hundred.
_DAYS = 90
_COLUMNS = (
    "id, version, created_at, created_by, updated_at, updated_by, name, name_folded, kind, status, account_relation, "
    "needs, preferences, interests, industry_competitors, do_not_contact, owner_id, payment_terms_days"
)
_USER = "id, version, created_at, created_by, updated_at, updated_by, name, name_folded, role, is_active"


class Payers(Plugin):
    """Has a scope of rows of its own, by what no index tells."""

    name, version, api = "bench_payers", "1.0", ">=1,<2"

    @hookimpl
    def register_permissions(self) -> Iterable[RowRule]:
        """The scope."""
        yield RowRule("bench_payers.late", "Who pays late.", {"Customer": lambda row: row.payment_terms_days == _DAYS})


def owner(place: int) -> str:
    """The id of a user by its number."""
    return f"usr_{place:026d}"


def owners(count: int) -> list[int]:
    """The number of the user who owns each customer."""
    owned = [place for place, part in enumerate(_OWNED) for _ in range(part * count // 1_000_000)]
    owned += [len(_OWNED)] * (count - len(owned))
    random.Random(9).shuffle(owned)
    return owned


def names(count: int) -> Iterator[str]:
    """Names as companies have them: a few words that many share, and some that few do."""
    chance = random.Random(7)
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))).capitalize() for _ in range(40_000)]
    # Few words are in many names, many words in few.
    weights = list(accumulate(1 / (place + 1) for place in range(len(words))))
    for number in range(count):
        if number % 10 == 0:
            yield "".join(chance.choices(_CHINESE, k=chance.randint(4, 8)))
        else:
            yield " ".join([*chance.choices(words, cum_weights=weights, k=2), chance.choice(_KINDS)])


def fill(url: str, count: int, *, is_postgresql: bool) -> None:
    """Puts users and customers in, without what they are found by."""
    stamps = (1, _STAMP, "bench", _STAMP, "bench")
    users = [
        (owner(place), *stamps, f"U{place}", f"u{place}", "ACCOUNT_MANAGER", True) for place in range(len(_OWNED) + 1)
    ]
    chance = random.Random(10)
    customers = (
        (f"cus_{number:026d}", *stamps, name, name.casefold(), "COMPANY", "ACTIVE", *_REST, owner(place), days)
        for number, (name, place) in enumerate(zip(names(count), owners(count), strict=True))
        for days in [_DAYS if chance.random() < 0.01 else 30]
    )
    tables = {'"user"': (_USER, users), "customer": (_COLUMNS, customers)}
    if is_postgresql:
        with psycopg.connect(url) as server:
            for table, (columns, rows) in tables.items():
                with server.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            server.execute("DELETE FROM installation WHERE name LIKE '% entries'")
        return
    with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
        for table, (columns, rows) in tables.items():
            marks = ", ".join("?" * len(columns.split(",")))
            file.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
        file.execute("DELETE FROM installation WHERE name LIKE '% entries'")


def settle(url: str, *, is_postgresql: bool) -> None:
    """Does what the engine would have done by itself after a while."""
    if is_postgresql:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("VACUUM ANALYZE")
    else:
        with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
            file.execute("ANALYZE")


def questions(known: list[str]) -> dict[str, list[str]]:
    """Texts by what is hard about them."""
    chance = random.Random(8)
    latin = [name for name in known if name.isascii()]
    chinese = [name for name in known if not name.isascii()]
    some = chance.sample(latin, _ASKED)
    return {
        "a whole name": some,
        "two words in the other order": [" ".join(name.split()[1::-1]) for name in some],
        "a common word": [chance.choice(_KINDS) for _ in range(_ASKED)],
        "a common and a rare word": [f"{name.split()[2]} {name.split()[0]}" for name in some],
        "two letters": [name[:2] for name in some],
        "one letter": [name[:1] for name in some],
        "the beginnings of two words": [f"{name.split()[1][:3]} {name.split()[0][:4]}" for name in some],
        "a word with a mistake": [_mistaken(name.split()[0]) for name in some],
        "two words with a mistake": [f"{_mistaken(name.split()[0])} {name.split()[1]}" for name in some],
        "nothing like it": [f"{name[:2]}qqxz{name[3:5]}" for name in some],
        "two Chinese characters": [name[1:3] for name in chance.sample(chinese, _ASKED)],
        "pinyin with a mistake": [_mistaken("".join(syllables(name[:3]))) for name in chance.sample(chinese, _ASKED)],
        "initials of pinyin": ["bjkj", "shmy", "gzdz", "szyy"] * (_ASKED // 4),
    }


def _mistaken(word: str) -> str:
    return f"{word[:2]}{word[3]}{word[2]}{word[4:]}" if len(word) > 4 else word + "x"


def measure(client: Client, known: list[str], database: int | None) -> None:
    """Asks each kind of question, and prints how long the answers took.

    Args:
        client: of the server.
        known: names of customers.
        database: id of the process of PostgreSQL.
    """
    print(f"  {'milliseconds':<32}{'median':>8}{'longest':>8}{'of processors, mean':>21}")
    for kind, texts in questions(known).items():
        # Compiles the statement.
        client.query(_ASK, text=texts[0])
        spent, meter = [], Meter(os.getpid(), database)
        for text in texts:
            begun = time.perf_counter()
            client.query(_ASK, text=text)
            spent.append((time.perf_counter() - begun) * 1000)
        used = sum(meter.read()) * 1000 / len(texts)
        print(f"  {kind:<32}{median(spent):8.1f}{max(spent):8.1f}{used:21.1f}", flush=True)


def main() -> None:
    """Builds a database on each engine, and asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--folder", type=Path, help="where the databases are kept; they are thrown away if not given")
    given = parser.parse_args()
    known = list(names(given.customers))[:5_000]
    for engine in [given.engine] if given.engine else ENGINES:
        with TemporaryDirectory() as name, Folder(given.folder or Path(name)).engine(engine) as databases:
            is_postgresql = engine == POSTGRESQL
            url = databases.url("search")
            settings = load_settings(database_url=url, sqlite_synchronous="NORMAL")
            if not databases.exists("search"):
                databases.make("search")
                app = create_app(settings, [Payers])
                app.migrate()
                with running(app):
                    # Notes what keys and entries are made of, so that afterwards entries alone are to be made.
                    pass
                fill(url, given.customers, is_postgresql=is_postgresql)
            begun = time.perf_counter()
            app = create_app(settings, [Payers])
            app.migrate()
            with running(app) as client:
                print(f"{engine}: {given.customers:,} customers; entries made in {time.perf_counter() - begun:.0f} s")
                settle(url, is_postgresql=is_postgresql)
                for title, caller in callers(client).items():
                    print(f"  {title}")
                    measure(caller, known, databases.process)


def callers(client: Client) -> dict[str, Client]:
    """Who asks."""
    own = {
        f"who owns {part:,} of a million": client.acting_as(owner(place), ["Customer.read:own"])
        for place, part in enumerate(_OWNED)
    }
    return {
        "who sees all": client,
        **own,
        "one of a hundred by a plugin's scope": client.acting_as(owner(0), ["Customer.read:bench_payers.late"]),
    }


if __name__ == "__main__":
    main()
