"""What makes two records likely to be about one: evidence for and against, summed up to a score with its reasons.

Evidence is counted in natural logarithms of odds, as Fellegi and Sunter do: what equals adds, what differs takes away,
what one of the two lacks does neither. The score is the probability in percent.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import exp
from operator import itemgetter

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler
from rapidfuzz.fuzz import ratio, token_sort_ratio

from plugins.duplicates import forms

#: Before anything is compared: most pairs that have a key in common are not duplicates.
_PRIOR = -6.0
#: Similarity of names from which on they are nearly the same, and below which they are different ones.
_CLOSE, _APART = 0.9, 0.75
#: Of two texts that are the same but for a typing mistake: a letter of five.
_MISTYPED = 0.8
#: Of two Chinese names: their characters may be others that are read alike, but no letter is mistyped.
_READ_ALIKE = 1.0
#: Similarity up to which two names are different ones; so short a one is another by a single mistake.
_ANOTHER, _INITIALS = 0.6, 2
#: Similarity from which on it makes no difference how alike they are.
_SAME = 0.985
#: What people have in common who live or work together, and how much it says at most: it does not tell them apart.
_TOGETHER = frozenset(("phone", "street", "postalCode", "city", "region", "customerId"))
_MOST_TOGETHER = 7.5
#: More of a name is not used as a key.
_SHORTEST_HALF = 5
#: So much of each name of a person is a key with as much of the others.
_END = 4


@dataclass(frozen=True)
class Profile:
    """What is known of a customer or contact, as it is stored.

    Attributes:
        names: the name, and others it is known by; the first one is its own.
        is_person: whether it is a person rather than an organisation.
        emails, phones: as they are compared: addresses folded, of numbers the end.
        social_profiles, chat_handles: where it is in social media and chats, as they are compared.
        website: address of its site.
        tax_id: number by which an office knows it.
        born_on: date of birth.
        street, city, postal_code, region: its address.
        customer: id of the customer to whom a contact belongs.
    """

    names: Sequence[str]
    is_person: bool
    emails: Sequence[str] = ()
    phones: Sequence[str] = ()
    social_profiles: Sequence[str] = ()
    chat_handles: Sequence[str] = ()
    website: str | None = None
    tax_id: str | None = None
    born_on: date | None = None
    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    region: str | None = None
    customer: str | None = None

    @cached_property
    def words(self) -> Sequence[Sequence[str]]:
        """The words of each of its names in their normal form."""
        normal = forms.person_words if self.is_person else forms.company_words
        return [found for name in self.names if (found := normal(name))]

    @property
    def is_chinese(self) -> bool:
        """Whether its own name is written in Chinese."""
        return forms.is_chinese(self.names[0])

    @cached_property
    def domains(self) -> frozenset[str]:
        """The domains that are its own."""
        found = {forms.site_of(self.website), *(forms.domain_of(email) for email in self.emails)}
        return frozenset(domain for domain in found if domain)

    @cached_property
    def where(self) -> Sequence[str]:
        """The words of its street."""
        return forms.street_words(self.street) if self.street else ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one comparison says: the field, in the API's spelling, and how much it speaks for one record."""

    field: str
    weight: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """How likely two records are about one.

    Attributes:
        score: 0 to 100.
        evidence: what was compared, strongest first.
    """

    score: int
    evidence: Sequence[Evidence]

    @property
    def matched_on(self) -> list[str]:
        """The fields that speak for it, strongest first."""
        return [one.field for one in self.evidence if one.weight > 0]


def verdict(one: Profile, other: Profile) -> Verdict:
    """Compares two profiles."""
    found = list(_compared(one, other))
    if one.is_person and other.is_person:
        found = _of_people(found)
    found.sort(key=lambda evidence: -evidence.weight)
    total = _PRIOR + sum(evidence.weight for evidence in found)
    # 100 is for certainty, which nothing compared gives.
    return Verdict(min(99, round(100 / (1 + exp(-total)))), found)


def _compared(one: Profile, other: Profile) -> Iterator[Evidence]:
    yield Evidence("name", _name_weight(one, other))
    yield from _shared("email", one.emails, other.emails, 6.0, -0.5)
    yield from _shared("phone", one.phones, other.phones, 4.5, -0.5)
    yield from _shared("socialProfile", one.social_profiles, other.social_profiles, 6.0, -0.5)
    yield from _shared("chatHandle", one.chat_handles, other.chat_handles, 4.5, -0.5)
    if not one.is_person and not other.is_person and one.domains and other.domains:
        yield Evidence("website", 3.0 if one.domains & other.domains else -1.0)
    yield from _coded("taxId", forms.code(one.tax_id), forms.code(other.tax_id), 8.0, 5.0, -3.0)
    if one.born_on and other.born_on:
        yield Evidence("birthDate", _birth_weight(one.born_on, other.born_on))
    if one.where and other.where:
        alike = _street_alike(one.where, other.where)
        yield Evidence("street", 3.5 if alike > 0.95 else 2.5 if alike > 0.8 else 0.5 if alike > 0.65 else -1.0)
    yield from _coded("postalCode", forms.code(one.postal_code), forms.code(other.postal_code), 2.0, 1.0, -0.7)
    if one.city and other.city:
        alike = JaroWinkler.similarity(forms.place_words(one.city), forms.place_words(other.city))
        yield Evidence("city", 1.5 if alike > _CLOSE else -0.7)
    if one.region and other.region:
        yield Evidence("region", 0.5 if forms.place_words(one.region) == forms.place_words(other.region) else -0.5)
    if one.customer and other.customer:
        yield Evidence("customerId", 4.0 if one.customer == other.customer else -1.0)


def _street_alike(one: Sequence[str], other: Sequence[str]) -> float:
    """How alike two streets are, 0 to 1: in whatever order, or however their words are cut."""
    return max(token_sort_ratio(" ".join(one), " ".join(other)), ratio("".join(one), "".join(other))) / 100


def _of_people(found: list[Evidence]) -> list[Evidence]:
    """The same, where what they have in common by living or working together counts only so much in all."""
    total = sum(evidence.weight for evidence in found if evidence.weight > 0 and evidence.field in _TOGETHER)
    if total <= _MOST_TOGETHER:
        return found
    share = _MOST_TOGETHER / total
    return [
        Evidence(one.field, one.weight * share) if one.weight > 0 and one.field in _TOGETHER else one for one in found
    ]


def _name_weight(one: Profile, other: Profile) -> float:
    if one.is_person or other.is_person:
        least = _READ_ALIKE if one.is_chinese and other.is_chinese else _MISTYPED
        return max((_person_weight(mine, its, least) for mine in one.words for its in other.words), default=-5.0)
    alike = max((_alike(mine, its) for mine in one.words for its in other.words), default=0.0)
    return 8.0 if alike > _SAME else 7.5 if alike > 0.95 else 4.0 if alike > _CLOSE else 0.5 if alike > _APART else -4.0


def _person_weight(one: Sequence[str], other: Sequence[str], least: float) -> float:
    """Names of people, in whatever order and however their words are cut: each word counts for itself.

    Words of one name and of another that are at least so similar are the same.
    """
    mine, its = sorted(one), sorted(other)
    if mine == its or "".join(one) == "".join(other):
        return 5.0
    if _numbers(mine) != _numbers(its):
        return -5.0
    # Whichever is given first, the same words are paired.
    few, many = sorted((mine, its), key=lambda words: (len(words), words))
    pairs = list(_pairs(few, many, least))
    alike = max(_letters("".join(one), "".join(other)), _letters("".join(mine), "".join(its)))
    if alike >= least and not _has_another(few, many, pairs):
        return 4.0
    if not any(min(map(len, pair)) > 2 for pair in pairs):
        return -5.0
    if len(pairs) < len(few):
        return -3.0
    if len(few) == 1:
        return 1.0
    return 3.5 if any(len(word) == 1 for pair in pairs for word in pair) else 4.0


def _pairs(few: Sequence[str], many: Sequence[str], least: float) -> Iterator[tuple[str, str]]:
    """The words of one name with those of another that are the same but for a mistake, or begin with an initial."""
    rest = list(many)
    for word in sorted(few, key=len, reverse=True):
        if rest and _word(word, best := max(rest, key=lambda its: _word(word, its))) >= least:
            rest.remove(best)
            yield word, best


def _has_another(few: Sequence[str], many: Sequence[str], pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether one has a name of its own, as relatives do, although a long surname makes both alike."""
    mine = Counter(few) - Counter(word for word, _ in pairs)
    its = Counter(many) - Counter(word for _, word in pairs)
    return mine.total() == its.total() and any(
        len(word) > _INITIALS and all(_letters(word, other) <= _ANOTHER for other in its) for word in mine
    )


def _word(one: str, other: str) -> float:
    if len(one) == 1 or len(other) == 1:
        return _MISTYPED if one[0] == other[0] else 0.0
    return _letters(one, other)


def _letters(one: str, other: str) -> float:
    return DamerauLevenshtein.normalized_similarity(one, other)


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    """How alike two names are, 0 to 1: in whatever order, and however their words are cut."""
    if one == other:
        return 1.0
    if _numbers(one) != _numbers(other):
        return 0.0
    joined = JaroWinkler.similarity("".join(one), "".join(other))
    if joined > _SAME:
        return joined
    ordered = JaroWinkler.similarity("".join(sorted(one)), "".join(sorted(other)))
    return max(joined, ordered, _covered(one, other))


def _numbers(words: Sequence[str]) -> list[str]:
    """The numbers in a name. They tell branches, funds, model lines, and people without names apart."""
    return [word for word in words if word.isdigit()]


def _covered(one: Sequence[str], other: Sequence[str]) -> float:
    """How well the words of the shorter name are found in the longer one."""
    few, many = sorted((list(one), list(other)), key=len)
    if not few or len("".join(few)) < _SHORTEST_HALF:
        return 0.0
    rest, total, letters = many, 0.0, 0
    for word in sorted(few, key=len, reverse=True):
        alike, best = max(((JaroWinkler.similarity(word, its), its) for its in rest), key=itemgetter(0))
        total += alike * len(word)
        letters += len(word)
        rest = [its for its in rest if its is not best] or [best]
    missing = max(0, len(many) - len(few))
    return total / letters - 0.08 * missing


def _birth_weight(one: date, other: date) -> float:
    # One of some 15,000 days.
    if one == other:
        return 8.0
    if one.year == other.year and (one.month, one.day) == (other.day, other.month):
        return 5.0
    changes = DamerauLevenshtein.distance(f"{one:%Y%m%d}", f"{other:%Y%m%d}")
    return 3.0 if changes == 1 else 0.0 if changes == 2 else -3.0


def _shared(field: str, one: Sequence[str], other: Sequence[str], same: float, none: float) -> Iterator[Evidence]:
    if one and other:
        yield Evidence(field, none if set(one).isdisjoint(other) else same)


def _coded(
    field: str, one: str | None, other: str | None, same: float, close: float, differs: float
) -> Iterator[Evidence]:
    if one and other:
        changes = 0 if one == other else DamerauLevenshtein.distance(one, other)
        yield Evidence(field, same if not changes else close if changes == 1 else differs)


# Keys: two records are only compared if they have one in common.


def keys(profile: Profile) -> set[str]:
    """The keys by which duplicates of a record are found: each alone is rare, and one typing mistake leaves others."""
    found = {f"mail {email}" for email in profile.emails} | {f"phone {phone}" for phone in profile.phones}
    found |= {f"social {page}" for page in profile.social_profiles} | {f"chat {name}" for name in profile.chat_handles}
    found |= {f"domain {domain}" for domain in profile.domains if not profile.is_person}
    if tax_id := forms.code(profile.tax_id):
        found.add(f"tax {tax_id}")
    for words in profile.words:
        found.add(f"name {''.join(sorted(words))}")
        found.add(f"name {''.join(words)}")
        found |= _ends(words) if profile.is_person else _halves("".join(words))
    if profile.is_person:
        found |= _of_person(profile)
    return found


def _halves(name: str) -> set[str]:
    """Both halves of a name. Names that differ by a letter more or less are cut at the same place at least once."""
    cuts = {len(name) // 2, (len(name) + 1) // 2}
    return {half for cut in cuts if cut >= _SHORTEST_HALF for half in (f"begin {name[:cut]}", f"end {name[-cut:]}")}


def _ends(words: Sequence[str]) -> set[str]:
    """The beginnings of all names of a person, and their ends: a mistake in one name leaves the ones or the others."""
    long = [word for word in words if len(word) > 2]
    if len(long) < 2:
        return set()
    begins, ends = (sorted(word[cut] for word in long) for cut in (slice(_END), slice(-_END, None)))
    return {f"begins {' '.join(begins)}", f"ends {' '.join(ends)}"}


def _of_person(profile: Profile) -> set[str]:
    """Keys of people, whose names many share: a part of the name with something else, of those of a day an initial."""
    parts = {word[:4] for words in profile.words[:1] for word in words if len(word) > 1}
    born = f"{profile.born_on:%Y%m%d}" if profile.born_on else None
    postal = forms.code(profile.postal_code)
    others = [other for other in (postal, profile.customer) if other]
    found = {f"part {part} {other}" for part in parts for other in others}
    if born:
        found |= {f"born {born} {part[0]}" for part in parts}
    if born and postal:
        found.add(f"born {born} {postal}")
    return found
