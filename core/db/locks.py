"""Keys that a transaction holds until it ends, so that what rests on one key is done by one transaction at a time.

They are PostgreSQL's advisory locks. SQLite has one writer, so there is nothing to lock. A statement that locks reads
nothing: what it would read may be older than the lock, so what rests on a key is read by a later statement.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

from core.db.transaction import DatabaseTransaction, SqlStatement

#: A key: texts that name a rule and what it is about, such as `("customer", "cus_…")`.
Key = tuple[str, ...]

#: The key of everything of a plugin.
EVERYTHING: Key = ()

# Whole plugins and single keys are in different classes, so that a shared lock and an exclusive one of the same
# transaction never meet in one bucket.
_WHOLE, _SINGLE = 0x67780000, 0x67780001
#: A transaction takes no more locks than this, whatever it changes: the server's memory for them is shared by all.
_BUCKETS = 1024

_SQL = (
    "SELECT CASE WHEN is_shared THEN pg_advisory_xact_lock_shared(class, bucket)"
    " ELSE pg_advisory_xact_lock(class, bucket) END"
    " FROM unnest($1::int[], $2::int[], $3::bool[]) AS wanted(class, bucket, is_shared)"
)


@dataclass(slots=True)
class Locks:
    """Keys to be taken together, by one statement and in the one order in which every transaction takes them."""

    _wanted: dict[tuple[int, int], bool] = field(default_factory=dict)

    def add(self, plugin: str | None, keys: Iterable[Key]) -> None:
        """Adds keys.

        Args:
            plugin: whose; None for the core's.
            keys: which; the empty key excludes all others of the plugin, no keys add nothing.
        """
        wanted = {*keys}
        if plugin is not None and wanted:
            self._want(_WHOLE, _hashed(plugin), shared=EVERYTHING not in wanted)
        for bucket in {_hashed(plugin or "", *key) % _BUCKETS for key in wanted if key}:
            self._want(_SINGLE, bucket, shared=False)

    def add_alike(self, rule: Key, texts: Iterable[str], *, shared: bool) -> None:
        """Adds keys of the core that differ in their last text alone.

        Args:
            rule: the other texts.
            texts: the last one of each.
            shared: others may hold them at the same time, as long as nobody holds them alone.
        """
        begun = crc32("\0".join(("", *rule, "")).encode())
        for bucket in {_halved(crc32(text.encode(), begun)) % _BUCKETS for text in texts}:
            self._want(_SINGLE, bucket, shared=shared)

    def _want(self, class_: int, bucket: int, *, shared: bool) -> None:
        self._wanted[class_, bucket] = shared and self._wanted.get((class_, bucket), True)

    def take(self, transaction: DatabaseTransaction) -> None:
        """Waits until the transaction has all of them; no keys cost no statement."""
        if self._wanted and transaction.dialect == "postgresql":
            wanted = sorted(self._wanted)
            classes, buckets = ([key[part] for key in wanted] for part in (0, 1))
            # Put off: it goes before whatever is read next, in a statement of its own.
            transaction.put(SqlStatement(_SQL, (classes, buckets, [self._wanted[key] for key in wanted])))


def take(transaction: DatabaseTransaction, plugin: str | None, keys: Iterable[Key]) -> None:
    """Waits until the transaction has these keys of a plugin, or of the core."""
    locks = Locks()
    locks.add(plugin, keys)
    locks.take(transaction)


def _hashed(*parts: str) -> int:
    # Equal on every server, unlike Python's own.
    return _halved(crc32("\0".join(parts).encode()))


def _halved(number: int) -> int:
    # One of two halves of a signed integer is enough.
    return number & 0x7FFFFFFF
