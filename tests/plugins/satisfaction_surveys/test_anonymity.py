"""Anonymous surveys: answers that nothing leads from to who gave them."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.plugins.satisfaction_surveys.asking import ISSUED

SIX = ["Ann", "Bo", "Cy", "Di", "Ed", "Flo"]


@pytest.fixture
def hidden(world):
    """A world with an open anonymous survey that has invited six: the survey, and the tokens."""
    world.customers(*SIX)
    world.survey_id = world.opened(isAnonymous=True)
    world.tokens = world.invited(world.survey_id)
    return world


def rows(world, statement, **values):
    with world.client.app.database.engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(text(statement), values)]


def everything(world):
    """Every row of every table, as text."""
    dialect = world.client.app.database.dialect
    names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if dialect != "sqlite":
        names = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    return {
        table["name"]: [json.dumps(row, default=str) for row in rows(world, f'SELECT * FROM "{table["name"]}"')]
        for table in rows(world, names)
    }


def test_answering_changes_nothing_that_belongs_to_a_customer_a_contact_or_the_log(hidden, clock):
    before = everything(hidden)
    clock.moment += timedelta(days=3, hours=5)
    given = hidden.answers(hidden.survey_id, nps=2)
    assert hidden.answer(hidden.tokens["Cy-0"], given, comment="Too slow.")["accepted"] is True
    after = everything(hidden)
    changed = {name for name, found in after.items() if sorted(found) != sorted(before[name])}
    assert changed == {
        "satisfaction_surveys_survey_response",
        "satisfaction_surveys_survey_answer",
        "satisfaction_surveys_survey_token",
    }


def test_a_response_and_its_answers_hold_no_respondent_no_hour_and_no_author(hidden, clock):
    clock.moment += timedelta(hours=5)
    hidden.answer(hidden.tokens["Cy-0"], hidden.answers(hidden.survey_id, nps=2))
    (response,) = rows(
        hidden, "SELECT * FROM satisfaction_surveys_survey_response WHERE survey_id = :id", id=hidden.survey_id
    )
    for column in ("customer_id", "contact_id", "invitation_id", "follow_up_task_id"):
        assert response[column] is None
    answers = rows(
        hidden, "SELECT * FROM satisfaction_surveys_survey_answer WHERE response_id = :id", id=response["id"]
    )
    assert len(answers) == 2
    for row in (response, *answers):
        assert row["created_by"] == row["updated_by"] == "anonymous"
        assert str(row["created_at"])[:19].replace("T", " ") == "2025-06-15 00:00:00"
        assert row["updated_at"] == row["created_at"]


def test_tokens_belong_to_nobody_and_stand_in_another_order_than_invitations(world):
    world.customers("Ann", contacts=40)
    world.survey_id = world.opened(isAnonymous=True)
    tokens = world.invited(world.survey_id)
    place = "ctid" if world.client.app.database.dialect == "postgresql" else "rowid"
    statement = f"SELECT * FROM satisfaction_surveys_survey_token WHERE survey_id = :id ORDER BY {place}"
    kept = rows(world, statement, id=world.survey_id)
    assert set(kept[0]) == {
        "token_hash",
        "survey_id",
        "invitation_id",
        "questions_version",
        "expires_at",
        "is_used",
    }
    assert {row["invitation_id"] for row in kept} == {None}
    assert len({row["expires_at"] for row in kept}) == 1
    from plugins.satisfaction_surveys.responses import hash_of

    assert {row["token_hash"] for row in kept} == {hash_of(token) for token in tokens.values()}
    assert [row["token_hash"] for row in kept] != [hash_of(token) for token in tokens.values()]


def test_ids_of_responses_tell_no_order(hidden):
    ids = []
    for name in SIX:
        hidden.answer(hidden.tokens[f"{name}-0"], hidden.answers(hidden.survey_id))
        found = hidden.of(hidden.survey_id, "responses(first: 100) { nodes { id } }")["responses"]["nodes"]
        ids += [one["id"] for one in found if one["id"] not in ids]
    # Ids that are made one after the other begin alike for hours.
    assert len({id[:10] for id in ids}) == len(SIX)


def test_no_invitation_tells_that_it_was_answered_and_reminders_go_to_everybody_without_tokens(hidden, clock):
    hidden.answer(hidden.tokens["Cy-0"], hidden.answers(hidden.survey_id))
    told = "invitationCount responseCount responseRate invitations { nodes { status answeredAt version } }"
    found = hidden.of(hidden.survey_id, told)
    assert (found["invitationCount"], found["responseCount"], found["responseRate"]) == (6, 1, "16.67")
    assert found["invitations"]["nodes"] == [{"status": "PENDING", "answeredAt": None, "version": 1}] * 6
    clock.moment += timedelta(days=7)
    reminded = hidden.done("remindSurveyRespondents", f"reminded {ISSUED}", surveyId=hidden.survey_id)
    assert reminded["reminded"] == 6
    assert {one["token"] for one in reminded["issued"]} == {None}


def test_a_token_answers_once_and_whatever_comes_with_it_again_is_refused(hidden):
    assert hidden.answer(hidden.tokens["Cy-0"], hidden.answers(hidden.survey_id, nps=9))["warnings"] == []
    for nps in (9, 1):
        again = hidden.answer(hidden.tokens["Cy-0"], hidden.answers(hidden.survey_id, nps=nps))
        assert again == {
            "accepted": False,
            "userErrors": [
                {
                    "code": "ALREADY_ANSWERED",
                    "message": "token: it was used before; the earlier answers stand, and these were not stored",
                    "field": ["token"],
                }
            ],
            "warnings": [],
        }
    assert hidden.of(hidden.survey_id, "responses { nodes { npsScore } }")["responses"]["nodes"] == [{"npsScore": 9}]


def test_an_anonymous_answer_makes_no_result_and_no_follow_up_of_a_customer(hidden):
    for name in SIX:
        hidden.answer(hidden.tokens[f"{name}-0"], hidden.answers(hidden.survey_id, nps=0))
    assert hidden.customer("Ann", "nps lastSurveyAnswerOn surveyResponses { totalCount } tasks { totalCount }") == {
        "nps": None,
        "lastSurveyAnswerOn": None,
        "surveyResponses": {"totalCount": 0},
        "tasks": {"totalCount": 0},
    }
    assert hidden.of(hidden.survey_id, "nps satisfactionGap") == {"nps": "-100.00", "satisfactionGap": "0.50"}


def test_each_anonymous_response_is_a_respondent_of_a_report(hidden):
    for name in SIX[:3]:
        hidden.answer(hidden.tokens[f"{name}-0"], hidden.answers(hidden.survey_id, nps=0))
    (group,) = hidden.query(
        """query ($id: ID!) { satisfactionReport(where: {surveyId: {eq: $id}}) {
            groups { responses respondents satisfied detractors weightedRate } } }""",
        id=hidden.survey_id,
    )["satisfactionReport"]["groups"]
    assert group == {"responses": 3, "respondents": 3, "satisfied": 3, "detractors": 3, "weightedRate": None}


def test_nobody_is_named_in_an_anonymous_survey(hidden):
    given = {"surveyId": hidden.survey_id, "contactId": hidden.id_of("contact", "Ann-0")}
    answers = hidden.answers(hidden.survey_id)
    assert hidden.codes("recordSurveyResponse", **given, answers=answers) == [("ANONYMOUS", ["contactId"])]
    numbers = {**given, "answeredOn": "2025-06-15", "npsScore": 3}
    assert hidden.codes("createSurveyResponse", **numbers) == [("ANONYMOUS", ["contactId"])]
    hidden.answer(hidden.tokens["Ann-0"], answers)
    id = hidden.of(hidden.survey_id, "responses { nodes { id } }")["responses"]["nodes"][0]["id"]
    ann = hidden.id_of("customer", "Ann")
    assert hidden.codes("updateSurveyResponse", id=id, customerId=ann) == [("ANONYMOUS", ["customerId"])]
    assert hidden.codes("updateSurvey", id=hidden.survey_id, isAnonymous=False) == [("INVALID", ["isAnonymous"])]


def test_fewer_than_five_respondents_are_not_asked_anonymously(world, clock):
    world.customers(*SIX[:4])
    id = world.survey(isAnonymous=True)
    assert world.codes("openSurvey", surveyId=id) == [("TOO_FEW_RESPONDENTS", ["audience"])]
    world.customers("Ed")
    world.done("openSurvey", surveyId=id)
    assert len(world.invited(id)) == 5
    # A round of one would give that one away.
    world.customers("Flo")
    for dry_run in (True, False):
        assert world.codes("inviteToSurvey", surveyId=id, dryRun=dry_run) == [("TOO_FEW_RESPONDENTS", ["surveyId"])]
