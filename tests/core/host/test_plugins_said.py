"""What is said with a change and nothing stores: an approval, say; heard by hooks on every path."""

from decimal import Decimal

import pytest

from guanxi import Facet, Field, Plugin, UserError, Vocabulary, column, hookimpl
from tests import data
from tests.imports import Folder
from tests.writes import changed, made, payload, upserted


class Approver(Vocabulary):
    """Who approves."""

    LEADER = "LEADER", "The team's leader."
    BOARD = "BOARD", "The board."


class Approval(Facet, of="Opportunity", plugin="approvals"):
    because: str | None = column("Why.", default=None)
    approver: Approver | None = column("Who.", default=None)


class Approvals(Plugin):
    """Lets no large opportunity pass without a word of approval."""

    name, version, api = "approvals", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Opportunity.approvedBecause", Approval.because, "Why it was approved.")
        yield Field("Opportunity.approvedBy", Approval.approver, "Who approved it.")
        yield Field("Opportunity.approval", type=str, description="Why it is approved.", writable=True)
        yield Field("Opportunity.approver", type=Approver, description="Who approves it.", writable=True)
        yield Field("Task.excuse", type=str, description="Why it is done late.", writable=True)
        yield Field("Interaction.mood", type=int, description="Mood from 1 to 5.", writable=True)

    @hookimpl
    def validate(self, ctx, changes):
        for change in changes.of("Opportunity"):
            deal = change.record
            if deal.expected_amount is not None and deal.expected_amount.amount > Decimal(100):
                allowed = change.said.get("approval") is not None
                text = f"expectedAmount: {deal.expected_amount.amount} needs approval"
                yield UserError("UNAPPROVED", text, ("expectedAmount",), deal, warning=allowed)
        for change in changes.of("Task"):
            if change.said:
                yield UserError("EXCUSED", str(change.said["excuse"]), record=change.record, warning=True)
        for change in changes.of("Interaction"):
            if change.said:
                yield UserError("MOOD", str(change.said["mood"]), record=change.record, warning=True)

    @hookimpl
    def before_commit(self, ctx, changes):
        for change in changes.of("Opportunity"):
            if change.said:
                facet = ctx.facet(Approval, change.record.id)
                facet.because, facet.approver = change.said.get("approval"), change.said.get("approver")


@pytest.fixture(scope="module")
def approving(module_crm):
    return module_crm(Approvals)


LARGE = {"expectedAmount": {"amount": "500"}}
SAID = {"approval": "Old friend", "approver": "BOARD"}
SHOWN = {"approvedBecause": "Old friend", "approvedBy": "BOARD"}
ASK = "id approvedBecause approvedBy"


def codes(errors):
    return [error["code"] for error in errors]


def test_it_is_heard_when_a_record_is_made_or_changed(approving):
    refused = payload(approving, "create", "Opportunity", name="Deal", **LARGE)
    assert (refused["record"], codes(refused["userErrors"])) == (None, ["UNAPPROVED"])
    allowed = payload(approving, "create", "Opportunity", ASK, name="Deal", **LARGE, **SAID)
    assert {name: allowed["record"][name] for name in SHOWN} == SHOWN
    assert (allowed["userErrors"], codes(allowed["warnings"])) == ([], ["UNAPPROVED"])
    id = made(approving, "Opportunity", name="Small")["id"]
    assert codes(payload(approving, "update", "Opportunity", id=id, **LARGE)["userErrors"]) == ["UNAPPROVED"]
    assert changed(approving, "Opportunity", id, ASK, **LARGE, **SAID) == {"id": id, **SHOWN}


MOVE = """mutation ($input: MoveOpportunityInput!) { moveOpportunity(input: $input) {
    opportunity { stage { key } approvedBecause } userErrors { code } warnings { code } } }"""


def test_it_is_heard_by_special_mutations(approving):
    id = made(approving, "Opportunity", name="Deal", **LARGE, approval="First")["id"]
    moved = {"id": id, "stageKey": "B"}
    assert approving.query(MOVE, input=moved)["moveOpportunity"]["userErrors"] == [{"code": "UNAPPROVED"}]
    assert approving.query(MOVE, input={**moved, "approval": "Second"})["moveOpportunity"] == {
        "opportunity": {"stage": {"key": "B"}, "approvedBecause": "Second"},
        "userErrors": [],
        "warnings": [{"code": "UNAPPROVED"}],
    }
    task = made(approving, "Task", subject="Call")["id"]
    answer = approving.query(
        """mutation ($id: ID!) { completeTask(input: {id: $id, excuse: "Snow"}) { task { status } warnings { message } }
            logInteraction(input: {channel: PHONE, summary: "Hello", mood: 4}) { interaction { channel } warnings { message } } }""",
        id=task,
    )
    assert answer["completeTask"] == {"task": {"status": "DONE"}, "warnings": [{"message": "Snow"}]}
    assert answer["logInteraction"] == {"interaction": {"channel": "PHONE"}, "warnings": [{"message": "4"}]}


def test_it_is_heard_row_by_row(approving):
    items = [
        {"externalIds": [data.key("said")], "name": "Said", **LARGE, **SAID},
        {"externalIds": [data.key("unsaid")], "name": "Unsaid", **LARGE},
    ]
    answer = upserted(approving, "opportunities", items, ASK)
    assert [row["status"] for row in answer["results"]] == ["CREATED", "FAILED"]
    assert answer["results"][0]["record"]["approvedBy"] == "BOARD"


MAPPING = """
    [[record]]
    type = "Opportunity"
    key = { system = "file", column = "name" }
    [record.fields]
    name = "name"
    expectedAmount = "amount"
    approval = "why"
"""


def test_it_is_heard_from_a_file(approving, tmp_path):
    folder = Folder(tmp_path)
    counts = folder.load(approving, MAPPING, "name,amount,why\nFiled,500,Said so\nSilent,500,\n")
    assert counts == {"opportunity": {"created": 1, "rejected": 1}}
    found = approving.query('{ opportunities(where: {name: {eq: "Filed"}}) { nodes { approvedBecause } } }')
    assert found["opportunities"]["nodes"] == [{"approvedBecause": "Said so"}]


def test_it_is_no_field_and_no_change(approving):
    id = made(approving, "Opportunity", name="Deal", **LARGE, **SAID)["id"]
    assert "approval" in approving.app.sdl
    for query in (
        "{ opportunities { nodes { approval } } }",
        '{ opportunities(where: {approval: {eq: ""}}) { nodes { id } } }',
    ):
        assert "errors" in approving.execute(query)
    same = payload(approving, "update", "Opportunity", id=id, approval="Again")
    assert (same["record"]["version"], same["warnings"]) == (1, [])
    (event,) = approving.query("query ($id: ID!) { events(entity: $id) { nodes { changes { field } } } }", id=id)[
        "events"
    ]["nodes"]
    assert "approval" not in [change["field"] for change in event["changes"]]


def test_what_is_said_is_checked_like_any_input(approving):
    refused = payload(approving, "create", "Opportunity", name="Deal", approval=" ")
    assert refused["userErrors"][0]["field"] == ["approval"]
