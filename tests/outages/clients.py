"""Clients that go on asking whatever happens, and keep a list of what they were answered."""

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

_CREATE = "mutation Create($name: String!) { createCustomer(input: {name: $name}) { customer { id } } }"
_READ = "query Read { customers(first: 5, orderBy: [{createdAt: DESC}]) { nodes { id name } } }"
_COUNT = "{ customers { totalCount } }"
_NAMED = "query Named($after: String) { customers(first: 1000, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } } }"


def asked(connection: http.client.HTTPConnection, text: str, **variables: object) -> tuple[int, dict[str, str], dict]:
    """Status, headers and body of the answer to an operation."""
    body = orjson.dumps({"query": text, "variables": variables})
    connection.request("POST", "/graphql", body, {"content-type": "application/json"})
    response = connection.getresponse()
    return (
        response.status,
        {name.lower(): value for name, value in response.getheaders()},
        orjson.loads(response.read()),
    )


@dataclass
class Record:
    """What clients were answered.

    Attributes:
        written: names of what was acknowledged.
        refused: names of what nothing was to be written of.
        unknown: names of what may or may not be written.
        statuses: how often which status and code came.
        wrong: answers that must not be.
        slowest: seconds an answer took at most.
    """

    written: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    statuses: Counter[tuple[int, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0


class Clients:
    """Several clients of one server, each in a thread: in turn a write and some reads."""

    def __init__(self, address: str, count: int, *, reads: int = 1, most: int | None = None, prefix: str = "c") -> None:
        """Prepares them.

        Args:
            address: of the endpoint.
            count: of clients.
            reads: that each does after a write.
            most: requests of each; without, they go on until `stop`.
            prefix: what names begin with.
        """
        self.record = Record()
        self._address = urlsplit(address)
        self._reads = reads
        self._most = most
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(f"{prefix}{number}",)) for number in range(count)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()

    def join(self) -> None:
        """Waits until they are done."""
        for thread in self._threads:
            thread.join()

    def until(self, status: int, seconds: float = 30) -> None:
        """Waits until an answer of that status comes that was not there before."""
        before, end = self._count(status), time.monotonic() + seconds
        while self._count(status) == before:
            assert time.monotonic() < end, dict(self.record.statuses)
            time.sleep(0.02)

    def _count(self, status: int) -> int:
        return sum(count for (found, _), count in list(self.record.statuses.items()) if found == status)

    def _run(self, name: str) -> None:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=60)
        number = 0
        while not self._stopped.is_set() and (self._most is None or number < self._most):
            is_write = number % (self._reads + 1) == 0
            who = f"{name}-{number}"
            number += 1
            began = time.monotonic()
            try:
                status, headers, body = asked(connection, _CREATE, name=who) if is_write else asked(connection, _READ)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with self._lock:
                    self.record.wrong.append(f"{who}: {error!r}")
                time.sleep(0.05)
                continue
            with self._lock:
                self.record.slowest = max(self.record.slowest, time.monotonic() - began)
                self._note(who, is_write, status, headers, body)
        connection.close()

    def _note(self, who: str, is_write: bool, status: int, headers: dict[str, str], body: dict) -> None:
        record = self.record
        codes = {error["extensions"]["code"] for error in body.get("errors", ())}
        record.statuses[status, ",".join(sorted(codes))] += 1
        if status == 200 and not codes:
            record.written += [who] if is_write else []
        elif status == 503 and codes == {"UNAVAILABLE"} and "retry-after" in headers:
            record.refused += [who] if is_write else []
        elif status == 503 and codes == {"OUTCOME_UNKNOWN"} and "retry-after" not in headers:
            record.unknown.append(who)
        elif status == 200 and codes == {"UNAVAILABLE"} and is_write and body["data"] is not None:
            # Written, and only not read any more.
            record.written.append(who)
        else:
            record.wrong.append(f"{who}: {status} {headers} {body}")


def names(address: str) -> Counter[str]:
    """The names of all customers, and how often each is there."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    found: Counter[str] = Counter()
    after = None
    while True:
        _, _, body = asked(connection, _NAMED, after=after)
        page = body["data"]["customers"]
        found.update(node["name"] for node in page["nodes"])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            connection.close()
            return found


def check(record: Record, there: Counter[str]) -> None:
    """Compares what clients were answered with what is in the database."""
    assert not record.wrong, record.wrong[:5]
    lost = [name for name in record.written if there[name] != 1]
    assert not lost, f"{len(lost)} acknowledged writes are not there once: {lost[:5]}"
    ghosts = [name for name in record.refused if there[name]]
    assert not ghosts, f"{len(ghosts)} writes are there of which nothing was written: {ghosts[:5]}"
    doubled = [name for name in record.unknown if there[name] > 1]
    assert not doubled, doubled
