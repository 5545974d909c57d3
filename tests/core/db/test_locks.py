"""Keys that transactions hold: the same ones, however they are given."""

from hypothesis import given
from hypothesis import strategies as st

from core.db.locks import Locks

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXT, min_size=1, max_size=3), st.lists(TEXT, max_size=5))
def test_keys_that_differ_in_their_last_text_are_those_that_are_given_one_by_one(rule, texts):
    together, one_by_one = Locks(), Locks()

    together.add_alike(tuple(rule), texts, shared=False)
    one_by_one.add(None, [(*rule, text) for text in texts])

    assert together == one_by_one


def test_what_is_held_alone_is_not_shared_whichever_is_asked_for_first():
    shared, alone, both = Locks(), Locks(), Locks()
    shared.add_alike(("Customer", "NAME"), ["acme"], shared=True)
    alone.add_alike(("Customer", "NAME"), ["acme"], shared=False)
    for is_shared in (True, False, True):
        both.add_alike(("Customer", "NAME"), ["acme"], shared=is_shared)

    assert shared != alone
    assert both == alone
