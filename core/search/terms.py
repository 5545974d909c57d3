"""Terms: what a text is found by, and what somebody who types a text may mean. The same on every engine.

A text is cut into words without case and accents. A word is found by itself, by its beginning, and with one mistake,
because both sides of the comparison leave out one letter at a time. Chinese is found by its characters and each two of
them that follow each other, and by how it is read: from each syllable on, whole and by initials.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from core.base.pinyin import HAN, syllables
from core.base.text import fold

#: What comes before a word without one of its letters, before a whole name, and before the name of a type of records.
LACKING, WHOLE, TYPE = "_", "^", "="

#: Words that are shorter are not searched for with a mistake: they would be found everywhere.
_SHORTEST_MISSPELT = 4
#: More of a word, or of a run of Chinese, is not looked at.
_LONGEST_WORD, _LONGEST_RUN, _LONGEST_NAME = 24, 12, 60
#: The end of a number that is too short to tell anything.
_SHORTEST_ENDING = 4
_WORD = re.compile(r"[^\W_]+")
#: Letters that Unicode does not take for others with an accent.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def plain(text: str) -> str:
    """A text without case, width and accents; a Turkish i is an i, with its dot or without."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", fold(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).translate(_PLAIN)


def words(text: str) -> list[str]:
    """The words of a text; a run of Chinese characters is a word of its own."""
    letters = plain(text)
    if letters.isascii():
        return [word[:_LONGEST_WORD] for word in _WORD.findall(letters)]
    found = []
    for word in _WORD.findall(letters):
        end = 0
        for run in HAN.finditer(word):
            found += [word[end : run.start()], run[0]]
            end = run.end()
        found.append(word[end:])
    return [word[:_LONGEST_WORD] for word in found if word]


def terms_of(text: str, *, is_person: bool = False) -> set[str]:
    """The terms by which a text is found; the name of a person begins with a surname where it is Chinese."""
    found: set[str] = set()
    for place, word in enumerate(words(text)):
        found |= _terms(word, is_person=is_person and place == 0)
    return found


def whole(name: str) -> str:
    """The term of a name as a whole, without what stands between its words."""
    return WHOLE + "".join(words(name))[:_LONGEST_NAME]


def number_terms(text: str) -> set[str]:
    """The terms by which a telephone number is found: its digits, also from any of the first on."""
    digits = "".join(letter for letter in plain(text) if letter.isdigit())[:_LONGEST_WORD]
    return {digits[start:] for start in range(max(1, len(digits) - _SHORTEST_ENDING + 1)) if digits[start:]}


@lru_cache(20_000)
def _terms(word: str, *, is_person: bool) -> frozenset[str]:
    if not HAN.match(word):
        return frozenset((word, *lacking(word)))
    run = word[:_LONGEST_RUN]
    read = syllables(run, is_person=is_person)
    found = {*run, *(one + other for one, other in pairwise(run))}
    for start in range(len(run)):
        found.add("".join(read[start:]))
        found.add("".join(syllable[:1] for syllable in read[start:]))
    return frozenset(found)


def lacking(word: str) -> Iterator[str]:
    """A word without each of its letters in turn, marked as such; nothing for short words and numbers."""
    if len(word) >= _SHORTEST_MISSPELT and not word.isdigit():
        for place in range(len(word)):
            yield f"{LACKING}{word[:place]}{word[place + 1 :]}"


def misspelt(word: str) -> Sequence[str]:
    """The terms one of which a word has that differs from this one by one letter more, less or other."""
    found = [*lacking(word)]
    # One letter too many here is a word there; one too few here is a word without a letter there.
    return [word, f"{LACKING}{word}", *found, *(term.removeprefix(LACKING) for term in found)] if found else [word]


def is_begun(word: str) -> bool:
    """Whether a word may be the beginning of another: Chinese is found by each two of its characters anyway."""
    return len(word) > 1 and not HAN.match(word)


def asked_terms(word: str) -> Sequence[str]:
    """The terms all of which a text has that contains a word: of Chinese each two characters that follow each other."""
    if not HAN.match(word) or len(word) == 1:
        return [word]
    return list(dict.fromkeys(one + other for one, other in pairwise(word[:_LONGEST_RUN])))
