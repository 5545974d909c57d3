"""Whatever the schema allows is answered or refused with a reason, and answers are the oracle's."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from tests.oracle.asking import ask_both
from tests.oracle.enriching import SCALARS, enriched
from tests.shares import EXHAUSTIVE

#: Root fields that plans do not answer; and those that lead to every record, which would be most of every query.
LEFT_OUT = {"events", "search", "plugins", "panels", "viewer", "keyCustomerReport", "node", "nodes"}


@pytest.fixture(scope="module")
def any_query(world):
    """Queries of every root field, with values of every kind."""
    fields = [name for name in world.oracle.schema.query_type.fields if name not in LEFT_OUT]
    scalars = {name: st.sampled_from(texts).map(nodes.String) for name, texts in SCALARS.items()}
    return queries(world.oracle.schema, fields=fields, custom_scalars=scalars, allow_x00=False)


def test_what_the_schema_allows_is_answered_as_by_the_oracle_or_refused_with_a_reason(world, any_query):
    answered = []

    @settings(
        max_examples=1000 if EXHAUSTIVE else 60,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(text=any_query, seed=st.integers(0, 2**32))
    def ask(text, seed):
        text = enriched(world.oracle.schema, world.oracle.records, text, Random(seed))
        for path in world.paths.values():
            answer = path(text, {})
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert codes <= {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}, (text, answer["errors"])
            if not codes:
                answered.append(ask_both(world.oracle, path, text, {}, {}))

    ask()
    assert len(answered) > 20
