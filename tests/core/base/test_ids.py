"""Ids: a prefix by type, ordered by time, checked in form."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import InputError
from core.base.ids import check_id, new_id, prefix_of, unordered_id
from core.records.record import record_named, record_with_prefix


def test_an_id_has_its_prefix_and_26_characters():
    made = new_id("cus")
    assert prefix_of(made) == "cus"
    assert len(made) == len("cus_") + 26


def test_later_ids_of_one_process_sort_after_earlier_ones():
    made = [new_id("cus") for _ in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_unordered_id_is_an_id_that_tells_nothing_of_when_it_was_made():
    made = [unordered_id("cus") for _ in range(200)]
    assert {prefix_of(id) for id in made} == {"cus"}
    assert made != sorted(made)
    # The ids of one moment would begin alike.
    assert len({id[:12] for id in made}) == len(made)


def test_ids_made_by_several_threads_are_all_different():
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda number: new_id("cus"), range(4_000)))
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    "id",
    [
        "",
        "cus",
        "cus_",
        "cus_01h455vb4pex5vsknk084sn02",
        "cus_01h455vb4pex5vsknk084sn02qq",
        "cus_81h455vb4pex5vsknk084sn02q",
        "cus_01H455VB4PEX5VSKNK084SN02Q",
        "cus_01i455vb4pex5vsknk084sn02q",
        "CUS_01h455vb4pex5vsknk084sn02q",
        "cu_01h455vb4pex5vsknk084sn02q",
        "cus-01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "cus_01h455vb4pex5vsknk084sn02q\n",
    ],
)
def test_what_has_not_the_form_of_an_id_has_no_prefix(id):
    assert prefix_of(id) is None


@given(st.from_regex(r"\A[0-7][0-9a-hjkmnp-tv-z]{25}\Z"))
def test_any_128_bits_are_an_id(rest):
    assert check_id(f"cus_{rest}", "cus", "Customer") == f"cus_{rest}"


@pytest.mark.parametrize("id", ["con_01h455vb4pex5vsknk084sn02q", "7", ""])
def test_an_id_of_another_type_is_refused_and_the_message_shows_what_ids_look_like(id):
    with pytest.raises(InputError, match=rf"^{id!r} is not an id of a stage transition; they look like stt_01h"):
        check_id(id, "stt", "StageTransition")


def test_an_id_tells_its_type():
    assert record_with_prefix(new_id("opp")) is record_named("Opportunity")


def test_names_and_prefixes_that_are_not_declared_are_refused():
    with pytest.raises(TypeError, match="'zzz_1' is the id of no declared record"):
        record_with_prefix("zzz_1")
    with pytest.raises(TypeError, match=r"no record is named 'Deal'; available: .*Opportunity"):
        record_named("Deal")
