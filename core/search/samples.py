"""Samples: of the records that a term finds, some that it finds as well by itself with a mark before it.

Most that search would read of a common word it would throw away again. Each sample has one in sixteen of the records of
the one before; whether a record is in it is decided by its id, the same on every engine. An answer that a sample is
large enough for is made of that one alone, and reads no more than some hundred entries, whatever the word.
"""

from collections.abc import Sequence
from hashlib import blake2b

#: What comes before terms in each sample, the largest first. A sample of a sixteenth of the last would be of use from
#: some ten million records with one term on.
MARKS = ("+", "#", "@")
#: A record is in one more sample for so many zero bits of its hash.
_BITS = 4


def depth(id: str) -> int:
    """How many samples a record is in."""
    digest = blake2b(id.encode(), digest_size=4).digest()
    if digest[-1] % (1 << _BITS):
        return 0
    number = int.from_bytes(digest)
    zeros = (number & -number).bit_length() - 1 if number else 32
    return min(len(MARKS), zeros // _BITS)


def in_samples(id: str, terms: Sequence[str]) -> Sequence[str]:
    """The terms of a record, and those that it has in samples."""
    marks = MARKS[: depth(id)]
    # Most records are in none.
    return [*terms, *(mark + term for mark in marks for term in terms)] if marks else terms


def without_samples(stored: str) -> str:
    """The terms of an entry, as an engine stores them, without those in samples: the same for the same name."""
    return " ".join(term for term in stored.split() if not term.lstrip("'").startswith(MARKS))
