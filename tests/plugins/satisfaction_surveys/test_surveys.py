"""The life of a survey: plan, steps, audience, questions in versions, opening and closing (S3, S5)."""

import json

import pytest

from tests.plugins.satisfaction_surveys.asking import QUESTIONS

PLAN = """status purpose planGaps planCompleteness currentStep fieldworkStep openedAt closedAt questionsVersion
    audience respondents"""


@pytest.fixture
def pair(world):
    """A world with two customers of two contacts each."""
    world.customers("Ann", "Bo", contacts=2)
    return world


def test_s5_the_plan_has_eight_elements_and_knows_which_are_missing(pair):
    id = pair.done("createSurvey", title="Plan")["survey"]["id"]
    assert pair.of(id, PLAN)["planGaps"] == [
        "PURPOSE",
        "CONTENT",
        "METHOD",
        "QUALITY_MONITORING",
        "BUDGET",
        "SCHEDULE",
        "STAFFING",
        "REMARKS",
    ]
    pair.done("updateSurvey", id=id, purpose="Why", budget={"amount": "5000"}, schedule="May")
    found = pair.of(id, PLAN)
    assert (found["planCompleteness"], len(found["planGaps"])) == (37, 5)
    lists = pair.query(
        '{ surveys(where: {title: {eq: "Plan"}, planGaps: {has: METHOD}, planCompleteness: {gte: 30}}) { nodes { title } } }'
    )
    assert lists["surveys"]["nodes"] == [{"title": "Plan"}]


def test_s5_the_six_steps_go_in_order_and_one_out_of_order_is_warned_about(pair):
    id = pair.done("createSurvey", title="Steps")["survey"]["id"]
    assert pair.of(id, PLAN)["currentStep"] == "BACKGROUND"
    pair.done("updateSurvey", id=id, backgroundStep="DONE", designStep="IN_PROGRESS")
    assert pair.of(id, PLAN)["currentStep"] == "DESIGN"
    warned = pair.done("updateSurvey", id=id, reportStep="DONE")
    assert warned["warnings"] == [{"code": "OUT_OF_ORDER", "field": ["reportStep"]}]
    every = {
        f"{step}Step": "DONE" for step in ("background", "design", "documents", "fieldwork", "processing", "report")
    }
    pair.done("updateSurvey", id=id, **every)
    assert pair.of(id, PLAN)["currentStep"] is None


def test_s5_a_survey_without_purpose_respondents_or_questions_is_not_opened(pair):
    id = pair.done("createSurvey", title="Bare")["survey"]["id"]
    refused = pair.do("openSurvey", "survey { id } respondents", surveyId=id)
    assert refused["survey"] is None
    assert [(error["code"], error["field"]) for error in refused["userErrors"]] == [
        ("REQUIRED", ["purpose"]),
        ("REQUIRED", ["audience"]),
        ("REQUIRED", ["questions"]),
    ]
    pair.done("updateSurvey", id=id, purpose="Why")
    pair.done("setSurveyQuestions", surveyId=id, questions=QUESTIONS)
    pair.done("setSurveyAudience", surveyId=id, contacts={"name": {"eq": "Nobody"}})
    refused = pair.do("openSurvey", surveyId=id)
    assert [error["code"] for error in refused["userErrors"]] == ["NO_RESPONDENTS"]
    assert pair.of(id, PLAN)["status"] == "DRAFT"


def test_opening_can_be_tried_and_an_open_survey_is_closed_and_opened_again(pair):
    id = pair.survey("Life")
    tried = pair.done("openSurvey", "respondents", surveyId=id, dryRun=True)
    assert tried["respondents"] == 4
    assert pair.of(id, PLAN)["status"] == "DRAFT"
    pair.done("openSurvey", surveyId=id)
    found = pair.of(id, PLAN)
    assert (found["status"], found["fieldworkStep"]) == ("OPEN", "IN_PROGRESS")
    assert found["openedAt"] is not None
    assert pair.do("openSurvey", surveyId=id)["userErrors"][0]["code"] == "ALREADY_OPEN"
    refused = pair.do("updateSurvey", id=id, purpose=None)
    assert refused["userErrors"][0]["field"] == ["purpose"]
    pair.done("closeSurvey", surveyId=id)
    assert pair.of(id, PLAN)["status"] == "CLOSED"
    assert pair.do("closeSurvey", surveyId=id)["userErrors"][0]["code"] == "NOT_OPEN"
    pair.done("openSurvey", surveyId=id)
    assert pair.of(id, PLAN)["closedAt"] is None
    events = pair.query(
        "query ($id: ID!) { events(entity: $id, types: [SURVEY_OPENED, SURVEY_CLOSED]) { nodes { type data } } }", id=id
    )
    assert [event["type"] for event in events["events"]["nodes"]] == ["SURVEY_OPENED", "SURVEY_CLOSED", "SURVEY_OPENED"]
    assert events["events"]["nodes"][0]["data"] == {"respondents": 4, "questionsVersion": 1}


def test_the_audience_is_a_where_with_fields_of_other_plugins(pair):
    where = {"customer": {"potentialValue": {"gte": "1000.50"}, "valueTier": {"in": ["IMPORTANT", "MAIN"]}}}
    id = pair.survey("Valuable", where=where)
    found = pair.of(id, PLAN)
    assert found["respondents"] == "CONTACTS"
    assert json.loads(found["audience"])["and"][0] == where
    assert pair.do("openSurvey", surveyId=id)["userErrors"][0]["code"] == "NO_RESPONDENTS"
    ann = pair.id_of("customer", "Ann")
    pair.done("updateCustomer", "customer { id }", id=ann, potentialValue={"amount": "1000.50"})
    pair.done("overrideValueTier", "customer { id }", customerId=ann, tier="MAIN", reason="Partner")
    assert pair.done("openSurvey", "respondents", surveyId=id)["respondents"] == 2


@pytest.mark.parametrize("audience", [{}, {"contacts": {}, "customers": {}}])
def test_the_audience_is_either_contacts_or_customers(pair, audience):
    id = pair.done("createSurvey", title="Either")["survey"]["id"]
    refused = pair.do("setSurveyAudience", surveyId=id, **audience)
    assert [error["field"] for error in refused["userErrors"]] == [["contacts"]]


@pytest.mark.parametrize(
    ("questions", "fields"),
    [
        ([], [["questions"]]),
        ([{"kind": "TEXT", "text": " "}], [["questions", "0", "text"]]),
        ([{"kind": "NPS", "text": "One"}, {"kind": "NPS", "text": "Two"}], [["questions", "1", "kind"]]),
        ([{"kind": "CHOICE", "text": "Which?", "options": ["One"]}], [["questions", "0", "options"]]),
        ([{"kind": "CHOICE", "text": "Which?", "options": ["One", "One "]}], [["questions", "0", "options"]]),
        ([{"kind": "RATING", "text": "How?", "options": ["One", "Two"]}], [["questions", "0", "options"]]),
        (
            [{"kind": "CHOICES", "text": "", "options": ["One", ""]}],
            [["questions", "0", "text"], ["questions", "0", "options"]],
        ),
    ],
)
def test_questions_that_cannot_be_asked_are_refused_each_with_its_place(pair, questions, fields):
    id = pair.done("createSurvey", title="Refused")["survey"]["id"]
    refused = pair.do("setSurveyQuestions", surveyId=id, questions=questions)
    assert [error["field"] for error in refused["userErrors"]] == fields
    assert pair.of(id, PLAN)["questionsVersion"] == 0


def test_questions_are_changed_until_they_are_sent_and_versioned_from_then_on(pair):
    id = pair.survey("Versions")
    pair.done("setSurveyQuestions", surveyId=id, questions=[{"kind": "NPS", "text": "First wording?"}])
    assert pair.of(id, PLAN)["questionsVersion"] == 1
    pair.done("openSurvey", surveyId=id)
    tokens = pair.invited(id)
    first = pair.questions(id)
    pair.done("setSurveyQuestions", surveyId=id, questions=[{"kind": "NPS", "text": "Second wording?"}])
    assert pair.of(id, PLAN)["questionsVersion"] == 2
    pair.done("setSurveyQuestions", surveyId=id, questions=[{"kind": "NPS", "text": "Third wording?"}])
    assert pair.of(id, PLAN)["questionsVersion"] == 2
    kept = pair.query("query ($id: ID!) { survey(id: $id) { questions { nodes { questionsVersion text } } } }", id=id)[
        "survey"
    ]["questions"]["nodes"]
    assert kept == [
        {"questionsVersion": 1, "text": "First wording?"},
        {"questionsVersion": 2, "text": "Third wording?"},
    ]
    # What was sent out is answered by the questions it was sent with.
    taken = pair.answer(tokens["Ann-0"], [{"questionId": first[1], "score": "8"}])
    assert taken["accepted"] is True
    response = pair.query(
        "query ($id: ID!) { survey(id: $id) { responses { nodes { npsScore questionsVersion answers { nodes { score question { text } } } } } } }",
        id=id,
    )["survey"]["responses"]["nodes"]
    assert response == [
        {
            "npsScore": 8,
            "questionsVersion": 1,
            "answers": {"nodes": [{"score": "8.00", "question": {"text": "First wording?"}}]},
        }
    ]


def test_improvement_actions_follow_from_a_survey_and_are_overdue_after_their_day(pair):
    ann = pair.id_of("customer", "Ann")
    id = pair.survey()
    made = pair.done(
        "createImprovementAction",
        "improvementAction { id status isOverdue completedOn }",
        surveyId=id,
        customerId=ann,
        title="Answer the telephone within a minute",
        dueOn="2025-06-14",
    )["improvementAction"]
    assert (made["status"], made["isOverdue"], made["completedOn"]) == ("OPEN", True, None)
    done = pair.done(
        "updateImprovementAction",
        "improvementAction { isOverdue completedOn survey { title } customer { name } }",
        id=made["id"],
        status="DONE",
        outcome="Two people more at the desk.",
    )["improvementAction"]
    assert done == {
        "isOverdue": False,
        "completedOn": "2025-06-15",
        "survey": {"title": "Quarterly"},
        "customer": {"name": "Ann"},
    }
    improved = "{ customers(where: {improvementActions: {some: {status: {eq: DONE}}}}) { nodes { name } } }"
    assert pair.query(improved)["customers"]["nodes"] == [{"name": "Ann"}]
