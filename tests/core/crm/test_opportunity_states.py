"""Whatever is done to an opportunity, its status, dates, reasons and steps never contradict each other (O1, O19, X3)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guanxi import FixedClock
from tests.writes import made, payload, read

LOSS = {"lossReason": "PRICE", "lossSummary": "Too dear."}
OPEN, WON = {"DRAFT", "DISPATCHED", "FOLLOWING"}, {"WON", "EXECUTING"}
NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
ASK = """status outcome wonAt lostAt closedOn lossReason stageEnteredAt stage { id wins }
transitions { nodes { fromStageId toStageId fromStatus toStatus movedAt } }"""

_days = st.sampled_from([None, -400, -3, 0])
_acts = st.one_of(
    st.tuples(st.just("move"), st.sampled_from("ABCDEF"), _days),
    st.tuples(
        st.just("status"),
        st.sampled_from([*sorted(OPEN), *sorted(WON), "LOST", "CLOSED"]),
        st.sampled_from([{}, LOSS, {"closedOn": "2025-06-01"}]),
    ),
    st.tuples(st.just("owner"), st.booleans(), st.none()),
    st.tuples(st.just("both"), st.sampled_from("ABCDEF"), st.sampled_from(["FOLLOWING", "WON", "LOST"])),
)


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(clock=FixedClock(NOW))


@pytest.fixture(scope="module")
def known(client):
    """The ids of stages by their keys, and that of a user."""
    stages = client.query("{ stages { id key } }")["stages"]
    return {stage["key"]: stage["id"] for stage in stages} | {"owner": made(client, "User", name="Ann")["id"]}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(_acts, min_size=1, max_size=10))
def test_an_opportunity_never_contradicts_itself(client, known, acts):
    id = made(client, "Opportunity", name="Deal", openedOn="2025-05-01")["id"]
    for kind, what, more in acts:
        if kind == "move":
            at = {} if more is None else {"at": (NOW + timedelta(days=more)).isoformat()}
            text = "mutation ($i: MoveOpportunityInput!) { moveOpportunity(input: $i) { userErrors { code } } }"
            client.query(text, i={"id": id, "stageId": known[what], **at})
        else:
            given_ = {
                "status": lambda what=what, more=more: {"status": what, **more},
                "owner": lambda what=what: {"ownerId": known["owner"] if what else None},
                "both": lambda what=what, more=more: {
                    "stageId": known[what],
                    "status": more,
                    **(LOSS if more == "LOST" else {}),
                },
            }[kind]()
            payload(client, "update", "Opportunity", id=id, **given_)
        _agree(read(client, "Opportunity", id, ASK))


def test_whatever_it_ended_as_a_single_mutation_reopens_it(client, known):
    for status, stage in (("WON", "F"), ("WON", "E"), ("LOST", "F"), ("LOST", "B"), ("CLOSED", "F")):
        loss = LOSS if status == "LOST" else {}
        id = made(client, "Opportunity", name="Deal", status=status, stageId=known[stage], **loss)["id"]
        assert payload(client, "update", "Opportunity", id=id, status="FOLLOWING")["userErrors"] == []
        found = read(client, "Opportunity", id, ASK)
        assert found["status"] == "FOLLOWING"
        _agree(found)


def test_what_was_won_has_no_reason_for_a_loss_when_it_is_closed(client, known):
    id = made(client, "Opportunity", name="Deal", status="WON", stageId=known["F"])["id"]
    (error,) = payload(client, "update", "Opportunity", id=id, status="CLOSED", **LOSS)["userErrors"][:1]
    assert (error["code"], error["field"]) == ("INVALID", ["lossReason"])
    assert payload(client, "update", "Opportunity", id=id, status="CLOSED")["userErrors"] == []
    _agree(read(client, "Opportunity", id, ASK))


def _agree(found):
    """Checks that nothing of an opportunity contradicts the rest of it."""
    status, steps = found["status"], found["transitions"]["nodes"]
    decided = {name: found[name] is not None for name in ("lostAt", "closedOn", "lossReason")}
    if status in OPEN:
        assert decided == {"lostAt": False, "closedOn": False, "lossReason": False}
        assert not found["stage"]["wins"]
    elif status in WON or found["outcome"] == "WON":
        assert decided == {"lostAt": False, "closedOn": True, "lossReason": False}
        assert found["wonAt"] is not None
    else:
        assert decided == {"lostAt": True, "closedOn": True, "lossReason": True}
        assert found["wonAt"] is None
    assert (steps[-1]["toStageId"], steps[-1]["toStatus"]) == (found["stage"]["id"], status)
    for one, other in pairwise(steps):
        assert one["movedAt"] <= other["movedAt"]
        assert (one["toStageId"], one["toStatus"]) == (other["fromStageId"], other["fromStatus"])
    assert found["stageEnteredAt"] <= steps[-1]["movedAt"]
