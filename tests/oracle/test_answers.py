"""Random queries: the app says what the oracle says, on both engines and on both paths."""

from collections import Counter

import pytest

from tests.oracle.queries import make_query

#: Queries, a part at a time; each is asked up to four times on both paths, for other values and further pages.
PARTS, PART = 2, 40
#: How deep selections go below the first record.
DEPTH = 2


def test_rows_are_what_was_sent(world, path):
    """Every field of every record, deleted ones too, before anything is made of them."""
    for shape in world.oracle.shapes.values():
        subfields = {"MONEY": " { amount currency reportingAmount }", "EXTERNAL_IDS": " { system value }"}
        fields = [name + subfields.get(kind.name, "") for name, kind in shape.fields.items()]
        fields += [f"{name} {{ id }}" for name in shape.to_one]
        for where in ("", ", where: {deletedAt: {isNull: false}}"):
            head, foot = ("(first: 1000" + where + ") { nodes {", "} }") if not shape.is_plain_list else ("{", "}")
            text = f"{{ {shape.plural} {head} {' '.join(fields)} {foot} }}"
            expected, actual = world.oracle.execute(text).data, path(text, {})["data"]
            assert expected == actual, shape.name


@pytest.mark.parametrize("part", range(PARTS))
def test_random_queries_are_answered_alike(world, part):
    answered = Counter()
    for seed in range(part * PART, (part + 1) * PART):
        answered.update(world.agree(make_query(world.oracle.schema, world.oracle.records, seed, DEPTH), seed, most=4))
    assert min(answered.values()) >= 1.5 * PART
