"""Every mutation tells on request what it would do, and does nothing."""

import pytest

from guanxi import Plugin, UserError, hookimpl
from tests.writes import made, payload, read


class Doubts(Plugin):
    name, version, api = "doubts", "1.0", ">=1,<2"

    @hookimpl
    def validate(self, ctx, changes):
        for change in changes:
            yield UserError("DOUBTED", "are you sure?", record=change.record, warning=True)


@pytest.fixture(scope="module")
def doubted(module_crm):
    return module_crm(Doubts)


def events(client):
    return client.query("{ events { totalCount } }")["events"]["totalCount"]


def test_a_record_is_made_changed_deleted_restored_and_destroyed_dry(doubted):
    id = made(doubted, "Customer", name="Ann")["id"]
    gone = made(doubted, "Customer", name="Gone")["id"]
    payload(doubted, "delete", "Customer", id=gone)
    logged = events(doubted)
    for action, given, record in (
        ("create", {"name": "New"}, None),
        ("update", {"id": id, "name": "Bo"}, {"name": "Ann"}),
        ("delete", {"id": id}, {"name": "Ann"}),
        ("destroy", {"id": id}, {"name": "Ann"}),
        ("restore", {"id": gone}, {"name": "Gone"}),
    ):
        answer = payload(doubted, action, "Customer", "name", **given, dryRun=True)
        assert answer["record"] == record, action
        assert [warning["code"] for warning in answer["warnings"]] == ["DOUBTED"], action
    assert read(doubted, "Customer", id, "name version") == {"name": "Ann", "version": 1}
    assert events(doubted) == logged


def test_what_is_wrong_is_told_dry(doubted):
    (error,) = payload(doubted, "update", "Customer", id="cus_01h455vb4pex5vsknk084sn02q", dryRun=True)["userErrors"]
    assert error["code"] == "NOT_FOUND"


def test_special_mutations_are_tried_dry(doubted):
    deal = made(doubted, "Opportunity", name="Deal")["id"]
    task = made(doubted, "Task", subject="Call")["id"]
    logged = events(doubted)
    answer = doubted.query(
        """mutation ($deal: ID!, $task: ID!) {
            moveOpportunity(input: {id: $deal, stageKey: "F", dryRun: true}) { opportunity { stage { key } } warnings { code } }
            completeTask(input: {id: $task, dryRun: true}) { task { status } warnings { code } }
            logInteraction(input: {channel: PHONE, summary: "Hello", followUp: {subject: "Again"}, dryRun: true}) {
                interaction { id } task { id } warnings { code } } }""",
        deal=deal,
        task=task,
    )
    doubts = [{"code": "DOUBTED"}]
    assert answer == {
        "moveOpportunity": {"opportunity": {"stage": {"key": "A"}}, "warnings": doubts},
        "completeTask": {"task": {"status": "OPEN"}, "warnings": doubts},
        "logInteraction": {"interaction": None, "task": None, "warnings": doubts * 2},
    }
    assert events(doubted) == logged


def test_a_dry_run_uses_up_no_key(doubted):
    for dry, name in ((True, None), (False, "Kept")):
        answer = payload(doubted, "create", "Customer", "name", name="Kept", idempotencyKey="dry-1", dryRun=dry)
        assert (answer["record"] and answer["record"]["name"]) == name
