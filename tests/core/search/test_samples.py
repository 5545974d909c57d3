"""Samples: which records are in them, and what is looked into, without a database."""

from core.search.asked import PLACES, STEPS, steps, walk
from core.search.samples import MARKS, depth, in_samples


def test_each_sample_has_about_a_sixteenth_of_the_one_before_and_always_the_same_records():
    ids = [f"cus_{number}" for number in range(40_000)]
    counts = [sum(depth(id) >= one for id in ids) for one in range(1, len(MARKS) + 1)]
    assert 2300 < counts[0] < 2700
    assert 120 < counts[1] < 200
    assert 1 < counts[2] < 25
    assert [depth(f"cus_{number}") for number in (1, 4)] == [depth("cus_1"), depth("cus_4")]


def test_a_record_has_its_terms_once_more_for_each_sample_it_is_in():
    ids = {depth(id): id for id in (f"cus_{number}" for number in range(40_000))}
    assert sorted(in_samples(ids[0], ["a", "b"])) == ["a", "b"]
    assert sorted(in_samples(ids[2], ["a"])) == ["#a", "+a", "a"]
    assert sorted(in_samples(ids[3], ["a"])) == ["#a", "+a", "@a", "a"]


def test_the_smallest_sample_is_looked_into_first_and_no_step_twice():
    asked = steps("ab", (), None)
    # Two letters are not searched for with a mistake: the last step is the one before.
    assert asked[-1] is None
    assert len(walk("postgresql", asked, None)) == len(PLACES) * STEPS
    assert walk("postgresql", asked, None)[:4] == ["('@^ab')", "('#^ab')", "('+^ab')", "('^ab')"]
    assert walk("sqlite", steps("ab", ["personal"], ["Customer"]), None)[11] == (
        '("ab" OR "|ab" OR "personal~ab" OR "personal~|ab") AND ("=customer")'
    )
    # Owners are in no sample, and nobody's records are nowhere.
    assert walk("postgresql", asked, ["$usr_a", "$tem_b"])[0] == "('@^ab') & ('$usr_a' | '$tem_b')"
    assert {*walk("sqlite", asked, ["$usr_a"])} >= {'("+^ab") AND ("$usr_a")', '("^ab") AND ("$usr_a")'}
    assert {*walk("sqlite", asked, [])} == {*walk("sqlite", [None] * STEPS, None)}
    assert steps(" ", (), None) == [None] * STEPS
