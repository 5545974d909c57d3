"""The log as callers read it whose rows are limited: whole, however it is nested, on both engines."""

import pytest

ENTRY = "scopeChange actorName changes { field previous current }"
PAGE = f"totalCount nodes {{ {ENTRY} }} edges {{ node {{ {ENTRY} }} }} pageInfo {{ endCursor }}"


@pytest.mark.parametrize("who", ["ann", "lea", "par"])
@pytest.mark.parametrize(
    "text",
    [
        f"{{ events(last: 2) {{ {PAGE} }} }}",
        f"{{ customers(first: 2) {{ nodes {{ timeline(first: 2) {{ {PAGE} }} }} }} }}",
        f"{{ opportunities(first: 2) {{ nodes {{ customer {{ timeline(first: 2) {{ {PAGE} }} }} }} }} }}",
    ],
)
def test_it_is_never_too_deep(house, who, text):
    assert "errors" not in house.asks(who).execute(text)
