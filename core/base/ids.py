"""Record ids in TypeID form: a type prefix and 26 characters of base 32, ordered by time of creation."""

import re
from uuid import uuid4

from typeid.codecs.base32 import encode
from uuid_utils import uuid7

from core.base.errors import InputError
from core.base.sentences import sentence, term
from core.base.text import with_article, words

#: The prefix of event ids.
EVENT_PREFIX = "evt"
PREFIX = re.compile(r"[a-z]{3,12}")
_ID = re.compile(r"([a-z]{3,12})_[0-7][0-9a-hjkmnp-tv-z]{25}")


def new_id(prefix: str) -> str:
    """A new id such as `cus_01m7zpfbv4ezwtv6e8ah4q8626`; later ids of one process sort after earlier ones."""
    # Without an object of the library, which costs four times as much.
    return f"{prefix}_{encode(uuid7().bytes)}"


def unordered_id(prefix: str) -> str:
    """A new id that does not reveal when it was made, for records whose order would give something away."""
    return f"{prefix}_{encode(uuid4().bytes)}"


def new_stem(prefix: str) -> str:
    """The stem of the ids of up to a million records made together; six digits of the record's number follow.

    For records that one statement makes by the thousand, without running Python for each.
    """
    return f"{prefix}_{stem_of(new_id(prefix))}"


def stem_of(id: str) -> str:
    """What of an id the ids of up to a million records can have in common, without its prefix."""
    return id[-26:-6]


def prefix_of(id: str) -> str | None:
    """The type prefix of an id, or None where the text does not have the form of an id."""
    match = _ID.fullmatch(id)
    return match[1] if match else None


def check_id(id: str, prefix: str, name: str) -> str:
    """Checks that an id has the prefix of a record, and returns it.

    The 26 characters may be any 128 bits: an unordered id is as good as an ordered one.

    Raises:
        InputError: it is another type's id, or not an id.
    """
    if prefix_of(id) != prefix:
        raise InputError(
            sentence(
                "{id!r} is not an id of {record}; they look like {prefix}_01h455vb4pex5vsknk084sn02q",
                id=id,
                record=term(words(name), with_article(words(name))),
                prefix=prefix,
            )
        )
    return id
