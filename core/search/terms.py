"""Terms: what a text is found by, and what somebody who types a text may mean. The same on every engine.

A text is cut into words without case and accents. A word is found by itself, by each of its beginnings, and with one
mistake, because both sides of the comparison leave out one letter at a time. Chinese is found by its characters and
each two of them that follow each other, and by how it is read: from each syllable on, whole and by initials. What its
reading may be where there is a mistake in it is worked out of what is asked for.

Beginnings are terms, although both engines find terms by how they begin: they gather all of those first, and of two
common beginnings that few have together that is far more to read.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from core.base.pinyin import HAN, syllables
from core.base.text import fold
from core.search.readings import meant

#: What comes before a word without one of its letters, before a beginning, before a whole name, before how Chinese is
#: read and the end of a number, and before the name of a type of records.
LACKING, BEGUN, WHOLE, RUN, TYPE = "_", "<", "^", "|", "="

#: Words that are shorter are not searched for with a mistake: they would be found everywhere.
_SHORTEST_MISSPELT = 4
#: More of a word, or of a run of Chinese, is not looked at.
_LONGEST_WORD, _LONGEST_RUN, _LONGEST_NAME = 24, 12, 60
#: Of words, one letter is not looked for as a beginning; of whole names so many letters are terms of their own.
_SHORTEST_BEGINNING, _LONGEST_NAME_BEGINNING = 2, 3
#: The end of a number that is too short to tell anything.
_SHORTEST_ENDING = 4
_WORD = re.compile(r"[^\W_]+")
#: What may be typed for a ü, which is read as v: the pinyin of 吕 is lv, lu or lü.
_UMLAUT = re.compile("(?<=[ln])u(?!o)")
#: Letters that Unicode does not take for others with an accent.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def plain(text: str) -> str:
    """A text without case, width and accents; a Turkish i is an i, with its dot or without."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", fold(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).translate(_PLAIN)


@lru_cache(1000)
def words(text: str) -> Sequence[str]:
    """The words of a text; a run of Chinese characters is a word of its own."""
    letters = plain(text)
    if letters.isascii():
        return tuple([word[:_LONGEST_WORD] for word in _WORD.findall(letters)])
    found: list[str] = []
    for word in _WORD.findall(letters):
        end = 0
        for run in HAN.finditer(word):
            found += [word[end : run.start()], run[0]]
            end = run.end()
        found.append(word[end:])
    return tuple(word[:_LONGEST_WORD] for word in found if word)


def terms_of(text: str, *, is_person: bool = False) -> set[str]:
    """The terms by which a text is found; the name of a person begins with a surname where it is Chinese."""
    found: set[str] = set()
    for word in words(text):
        found |= _terms(word, is_person)
        is_person = False
    return found


def whole(name: str) -> str:
    """A name as a whole, without what stands between its words."""
    return "".join(words(name))[:_LONGEST_NAME]


def whole_terms(text: str) -> set[str]:
    """The terms of a name as a whole, which `whole` gives."""
    begun = range(1, min(len(text), _LONGEST_NAME_BEGINNING + 1))
    return {f"{WHOLE}{text}", *[f"{WHOLE}{BEGUN}{text[:end]}" for end in begun]}


def number_terms(text: str) -> set[str]:
    """The terms by which a telephone number is found: its digits, also from any of the first on."""
    digits = "".join(letter for letter in plain(text) if letter.isdigit())[:_LONGEST_WORD]
    return {f"{RUN}{digits[start:]}" for start in range(max(1, len(digits) - _SHORTEST_ENDING + 1)) if digits[start:]}


@lru_cache(20_000)
def _terms(word: str, is_person: bool) -> frozenset[str]:
    if not HAN.match(word):
        begun = [f"{BEGUN}{word[:end]}" for end in range(_SHORTEST_BEGINNING, len(word))]
        return frozenset([word, *begun, *_nothing_lacking(word), *lacking(word)])
    run = word[:_LONGEST_RUN]
    read = syllables(run, is_person=is_person)
    found = {*run, *(one + other for one, other in pairwise(run))}
    for start in range(len(run)):
        sound = "".join(read[start:])
        found.add(f"{RUN}{sound}")
        found.add(f"{RUN}{''.join(syllable[:1] for syllable in read[start:])}")
    return frozenset(found)


def _nothing_lacking(word: str) -> Sequence[str]:
    """A word as it is, marked like one without a letter: one that has a letter too many is found by it."""
    return (f"{LACKING}{word}",) if len(word) >= _SHORTEST_MISSPELT - 1 else ()


def lacking(word: str) -> Sequence[str]:
    """A word without each of its letters in turn, marked as such; nothing for short words and numbers."""
    if len(word) < _SHORTEST_MISSPELT or word.isdigit():
        return ()
    return [f"{LACKING}{word[:place]}{word[place + 1 :]}" for place in range(len(word))]


# What is asked for


#: A term, and whether others that begin with it will do.
Clue = tuple[str, bool]


def asked_name(name: str) -> Sequence[Clue]:
    """What a name has that is this one."""
    return [(f"{WHOLE}{whole(name)}", False)]


def asked_name_beginning(name: str) -> Sequence[Clue]:
    """What a name has, one of these, that begins with this."""
    text = whole(name)
    if len(text) > _LONGEST_NAME_BEGINNING:
        return [(f"{WHOLE}{text}", True)]
    return [(f"{WHOLE}{text}", False), (f"{WHOLE}{BEGUN}{text}", False)]


def asked_word(word: str) -> Sequence[Sequence[Clue]]:
    """What a text has, one of each, that contains a word: of Chinese each two characters that follow each other."""
    if not HAN.match(word):
        return [[(word, False), *((f"{RUN}{sound}", False) for sound in _sounds(word))]]
    run = word[:_LONGEST_RUN]
    found = [run] if len(run) == 1 else dict.fromkeys(one + other for one, other in pairwise(run))
    return [[(term, False)] for term in found]


def asked_beginning(word: str) -> Sequence[Sequence[Clue]]:
    """What a text has, one of each, in which a word begins with this one; Chinese is found anywhere in a run."""
    if HAN.match(word) or len(word) < _SHORTEST_BEGINNING:
        return asked_word(word)
    return [[(word, False), (f"{BEGUN}{word}", False), *((f"{RUN}{sound}", True) for sound in _sounds(word))]]


def _sounds(word: str) -> Iterable[str]:
    """How Chinese may be read that is meant by a word."""
    return dict.fromkeys((word, _UMLAUT.sub("v", word)))


def asked_mistake(word: str) -> Sequence[Sequence[Clue]]:
    """What a text has, one of each, in which a word begins with this one or differs from it by one letter.

    Chinese is to be read as begins with what differs by one.
    """
    found = [*lacking(word)]
    if not found:
        return asked_beginning(word)
    others = [(term, False) for term in (f"{LACKING}{word}", *found)]
    read = dict.fromkeys(sound for reading in meant(word) for sound in _sounds(reading))
    return [[*asked_beginning(word)[0], *others, *((f"{RUN}{sound}", True) for sound in read)]]
