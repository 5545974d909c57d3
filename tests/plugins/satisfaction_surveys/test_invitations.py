"""Invitations: tokens, interactions, rounds, cool-down, reminders, expiry, response rate (S3, X25, K12)."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.plugins.satisfaction_surveys.asking import INVITED, ISSUED, named


@pytest.fixture
def three(world):
    """A world with three customers of one contact each."""
    world.customers("Ann", "Bo", "Cy")
    return world


def stored(client, statement):
    """What a statement finds in the database itself."""
    with client.app.database.engine.connect() as connection:
        return connection.execute(text(statement)).fetchall()


def everything(client):
    """Every value of every table, as one text."""
    tables = (
        stored(client, "SELECT name FROM sqlite_master WHERE type = 'table'")
        if client.app.database.dialect == "sqlite"
        else stored(client, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    )
    return "\n".join(str(row) for (table,) in tables for row in stored(client, f'SELECT * FROM "{table}"'))


def invitations(world, survey, fields="contact { name } status reminders isReminderDue"):
    return world.of(survey, f"invitations {{ nodes {{ {fields} }} }}")["invitations"]["nodes"]


def test_everybody_of_the_audience_is_invited_with_a_token_of_which_only_the_hash_is_kept(three):
    id = three.opened()
    tokens = three.invited(id)
    assert set(tokens) == {"Ann-0", "Bo-0", "Cy-0"}
    assert len({*tokens.values()}) == 3 and all(len(token) >= 43 for token in tokens.values())
    kept = everything(three.client)
    for token in tokens.values():
        assert token not in kept
        assert hashlib.sha256(token.encode()).hexdigest() in kept


def test_k12_each_invitation_is_an_interaction(three):
    owner = three.done("createUser", "user { id }", name="Ida")["user"]["id"]
    three.invited(three.opened("Autumn", ownerId=owner, channel="PHONE"))
    assert three.customer(
        "Ann",
        """lastInteractionAt lastSurveyInvitationOn contacts { nodes { lastSurveyInvitationOn } }
        interactions { nodes { channel direction summary contact { name } user { name }
          surveyInvitations { nodes { survey { title } } } } }""",
    ) == {
        "lastInteractionAt": "2025-06-15T12:00:00.000Z",
        "lastSurveyInvitationOn": "2025-06-15",
        "contacts": {"nodes": [{"lastSurveyInvitationOn": "2025-06-15"}]},
        "interactions": {
            "nodes": [
                {
                    "channel": "PHONE",
                    "direction": "OUTBOUND",
                    "summary": "Invited to the survey “Autumn”.",
                    "contact": {"name": "Ann-0"},
                    "user": {"name": "Ida"},
                    "surveyInvitations": {"nodes": [{"survey": {"title": "Autumn"}}]},
                }
            ]
        },
    }


def test_a_preview_tells_who_would_be_invited_and_writes_nothing(three):
    ann = three.id_of("contact", "Ann-0")
    three.done("updateContact", "contact { id }", id=ann, doNotContact=True)
    bo = three.id_of("customer", "Bo")
    three.done("updateCustomer", "customer { id }", id=bo, doNotContact=True)
    id = three.opened()
    tried = three.done("inviteToSurvey", INVITED, surveyId=id, dryRun=True)
    assert (tried["invited"], tried["issued"]) == (1, [])
    assert tried["excluded"] == [{"reason": "DO_NOT_CONTACT", "count": 2}]
    assert invitations(three, id) == []
    assert set(three.invited(id)) == {"Cy-0"}


def test_customers_themselves_can_be_asked(three):
    id = three.opened(customers={"name": {"in": ["Ann", "Bo"]}})
    tokens = three.invited(id)
    assert set(tokens) == {"Ann", "Bo"}
    taken = three.answer(tokens["Ann"], three.answers(id, nps=10))
    assert taken["accepted"] is True
    assert three.customer("Ann", "nps") == {"nps": "100.00"}


def test_only_an_open_survey_invites(three):
    id = three.survey()
    for dry_run in (False, True):
        assert three.codes("inviteToSurvey", surveyId=id, dryRun=dry_run) == [("NOT_OPEN", ["surveyId"])]
    assert three.codes("remindSurveyRespondents", surveyId=id) == [("NOT_OPEN", ["surveyId"])]
    nobody = "svy_01h455vb4pex5vsknk084sn02q"
    assert three.codes("inviteToSurvey", surveyId=nobody) == [("NOT_FOUND", ["surveyId"])]


def test_s3_a_regular_survey_goes_round_again_after_its_cadence_and_another_survey_waits_for_the_cool_down(
    three, clock
):
    quarterly = three.opened("Quarterly")
    other = three.opened("Other")
    once = three.opened("Once", isRegular=False)
    assert len(three.invited(quarterly)) == 3

    def tried(id):
        payload = three.done("inviteToSurvey", INVITED, surveyId=id, dryRun=True)
        return payload["invited"], {one["reason"]: one["count"] for one in payload["excluded"]}

    assert tried(quarterly) == (0, {"ALREADY_INVITED": 3})
    assert tried(other) == (0, {"COOL_DOWN": 3})
    clock.moment += timedelta(days=29)
    assert tried(other) == (0, {"COOL_DOWN": 3})
    clock.moment += timedelta(days=1)
    assert tried(other) == (3, {})
    three.invited(once)
    clock.moment += timedelta(days=59)
    assert tried(quarterly) == (0, {"ALREADY_INVITED": 3})
    round_ = "nextRoundOn isRoundDue rounds"
    assert three.of(quarterly, round_) == {"nextRoundOn": "2025-09-13", "isRoundDue": False, "rounds": 1}
    clock.moment += timedelta(days=1)
    assert three.of(quarterly, "isRoundDue") == {"isRoundDue": True}
    three.invited(quarterly)
    assert [one["round"] for one in invitations(three, quarterly, "round")] == [2, 2, 2, 1, 1, 1]
    clock.moment += timedelta(days=400)
    assert tried(once) == (0, {"ALREADY_INVITED": 3})
    assert three.of(once, "nextRoundOn") == {"nextRoundOn": None}


def test_a_reminder_is_due_after_a_week_and_its_token_is_as_good_as_the_first(three, clock):
    id = three.opened()
    tokens = three.invited(id)
    three.answer(tokens["Bo-0"], three.answers(id))
    clock.moment += timedelta(days=6)
    assert [one["isReminderDue"] for one in invitations(three, id)] == [False] * 3
    clock.moment += timedelta(days=1)
    due = three.of(id, "invitations(where: {isReminderDue: {eq: true}}) { nodes { contact { name } } }")["invitations"]
    assert {one["contact"]["name"] for one in due["nodes"]} == {"Ann-0", "Cy-0"}
    tried = three.done("remindSurveyRespondents", f"reminded {ISSUED}", surveyId=id, dryRun=True)
    assert (tried["reminded"], tried["issued"]) == (2, [])
    second = named(three.done("remindSurveyRespondents", ISSUED, surveyId=id))
    assert set(second) == {"Ann-0", "Cy-0"}
    assert three.done("remindSurveyRespondents", "reminded", surveyId=id)["reminded"] == 0
    given = three.answers(id)
    assert three.answer(tokens["Ann-0"], given)["accepted"] is True
    assert three.answer(second["Cy-0"], given)["accepted"] is True
    # One invitation is answered once, whichever of its tokens is used.
    changed = three.answers(id, nps=1)
    assert three.answer(second["Ann-0"], given)["accepted"] is True
    assert three.answer(second["Ann-0"], changed)["userErrors"][0]["code"] == "ALREADY_ANSWERED"
    assert three.of(id, "responseCount") == {"responseCount": 3}
    talks = three.customer("Cy", "interactions { nodes { summary } }")["interactions"]["nodes"]
    assert [talk["summary"].split()[0] for talk in talks] == ["Reminded", "Invited"]


def test_somebody_is_reminded_twice_at_most(three, clock):
    id = three.opened()
    three.invited(id)
    counts = []
    for _ in range(3):
        clock.moment += timedelta(days=7)
        counts.append(three.done("remindSurveyRespondents", "reminded", surveyId=id)["reminded"])
    assert counts == [3, 3, 0]


def test_an_invitation_expires_and_never_outlasts_the_survey(three, clock):
    id = three.opened(closesOn="2025-06-20")
    tokens = three.invited(id)
    clock.moment = datetime(2025, 6, 20, 23, 59, tzinfo=UTC)
    given = three.answers(id)
    assert three.answer(tokens["Ann-0"], given)["accepted"] is True
    clock.moment = datetime(2025, 6, 21, tzinfo=UTC)
    refused = three.answer(tokens["Bo-0"], given)
    assert (refused["accepted"], refused["userErrors"][0]["code"]) == (False, "TOKEN_INVALID")
    assert {one["contact"]["name"]: one["status"] for one in invitations(three, id)} == {
        "Ann-0": "ANSWERED",
        "Bo-0": "EXPIRED",
        "Cy-0": "EXPIRED",
    }
    groups = three.query(
        """query ($id: ID!) { surveyInvitationsGroupBy(by: [{status: true}], where: {surveyId: {eq: $id}}) {
            keys { status } aggregate { count } } }""",
        id=id,
    )
    assert groups["surveyInvitationsGroupBy"] == [
        {"keys": {"status": "ANSWERED"}, "aggregate": {"count": 1}},
        {"keys": {"status": "EXPIRED"}, "aggregate": {"count": 2}},
    ]


def test_the_response_rate_counts_answers_to_invitations(three):
    id = three.opened()
    rate = "invitationCount responseCount responseRate"
    assert three.of(id, rate) == {"invitationCount": 0, "responseCount": 0, "responseRate": None}
    tokens = three.invited(id)
    three.answer(tokens["Ann-0"], three.answers(id))
    # Entered by one of us without an invitation: an answer, but none to an invitation.
    three.customers("Di")
    three.responses(id, ("Di", "2025-06-15", {"npsScore": 7}))
    assert three.of(id, rate) == {"invitationCount": 3, "responseCount": 2, "responseRate": "33.33"}


def test_inviting_with_a_key_is_done_once_and_shows_tokens_once(three):
    id = three.opened()
    first = three.done("inviteToSurvey", INVITED, surveyId=id, idempotencyKey="round-1")
    again = three.done("inviteToSurvey", INVITED, surveyId=id, idempotencyKey="round-1")
    assert first["invited"] == again["invited"] == 3
    assert [one["invitation"] for one in first["issued"]] == [one["invitation"] for one in again["issued"]]
    assert [one["token"] for one in again["issued"]] == [None] * 3
    kept = everything(three.client)
    assert not [one for one in first["issued"] if one["token"] in kept]
    assert len(invitations(three, id)) == 3


def test_an_audience_larger_than_a_page_is_invited_whole(other):
    other.customers("Ann", contacts=12)
    assert other.done("inviteToSurvey", "invited", surveyId=other.opened())["invited"] == 12
