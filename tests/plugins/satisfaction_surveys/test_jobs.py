"""What time brings about: expiry, reminders, rounds, last days."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text


@pytest.fixture
def quiet(world):
    """A world with an open survey that has invited two, after whatever was due in others."""
    world.customers("Ann", "Bo")
    world.survey_id = world.opened()
    world.tokens = world.invited(world.survey_id)
    for job in ("survey_expiry", "survey_reminders"):
        world.client.run_job(job)
    return world


def announced(world, type_):
    """About which invitations of this world something was announced, by the names of the contacts."""
    found = world.of(world.survey_id, "invitations { nodes { id contact { name } } }")["invitations"]["nodes"]
    names = {one["id"]: one["contact"]["name"] for one in found}
    events = world.query(
        "query ($type: EventType!) { events(types: [$type], first: 1000) { nodes { entityId data } } }", type=type_
    )
    return [(names[one["entityId"]], one["data"]) for one in events["events"]["nodes"] if one["entityId"] in names]


def test_each_reminder_is_announced_once_and_the_next_after_it_was_sent(quiet, clock):
    def reminded():
        quiet.client.run_job("survey_reminders")
        return sorted((name, data["reminder"]) for name, data in announced(quiet, "SURVEY_REMINDER_DUE"))

    assert reminded() == []
    clock.moment += timedelta(days=7)
    quiet.answer(quiet.tokens["Bo-0"], quiet.answers(quiet.survey_id))
    assert reminded() == reminded() == [("Ann-0", 1)]
    quiet.done("remindSurveyRespondents", "reminded", surveyId=quiet.survey_id)
    assert reminded() == [("Ann-0", 1)]
    clock.moment += timedelta(days=7)
    assert reminded() == [("Ann-0", 1), ("Ann-0", 2)]


def test_a_round_is_announced_once(quiet, clock):
    def rounds():
        quiet.client.run_job("survey_reminders")
        found = quiet.query(
            "query ($id: ID!) { events(entity: $id, types: [SURVEY_ROUND_DUE]) { nodes { data } } }", id=quiet.survey_id
        )
        return [event["data"]["round"] for event in found["events"]["nodes"]]

    clock.moment += timedelta(days=89)
    assert rounds() == []
    clock.moment += timedelta(days=1)
    assert rounds() == rounds() == [2]
    quiet.invited(quiet.survey_id)
    assert rounds() == [2]
    clock.moment += timedelta(days=90)
    assert rounds() == [2, 3]


def test_expired_invitations_are_announced_once_and_their_tokens_forgotten(quiet, clock):
    given = quiet.answers(quiet.survey_id)
    quiet.answer(quiet.tokens["Ann-0"], given)
    clock.moment += timedelta(days=30)
    for _ in range(2):
        quiet.client.run_job("survey_expiry")
        assert announced(quiet, "SURVEY_INVITATION_EXPIRED") == [("Bo-0", {"surveyId": quiet.survey_id})]
    with quiet.client.app.database.engine.connect() as connection:
        kept = text("SELECT count(*) FROM satisfaction_surveys_survey_token WHERE survey_id = :id")
        assert connection.scalar(kept, {"id": quiet.survey_id}) == 0
    assert quiet.answer(quiet.tokens["Ann-0"], given)["userErrors"][0]["code"] == "TOKEN_INVALID"
    assert quiet.of(quiet.survey_id, "responseCount") == {"responseCount": 1}


def test_a_survey_is_closed_after_its_last_day(quiet, clock):
    quiet.done("updateSurvey", id=quiet.survey_id, closesOn="2025-06-20")
    clock.moment = datetime(2025, 6, 20, 23, tzinfo=UTC)
    quiet.client.run_job("survey_expiry")
    assert quiet.of(quiet.survey_id, "status") == {"status": "OPEN"}
    clock.moment = datetime(2025, 6, 21, tzinfo=UTC)
    quiet.client.run_job("survey_expiry")
    assert quiet.of(quiet.survey_id, "status closedAt") == {"status": "CLOSED", "closedAt": "2025-06-21T00:00:00.000Z"}
