"""Answers imported question by question, by the examples of the documentation: a row per response, or per answer."""

import pytest

from plugins.satisfaction_surveys import SatisfactionSurveys
from tests.imports import Folder
from tests.plugins.satisfaction_surveys.asking import World
from tests.snippets import ROOT

EXAMPLES = ROOT / "docs/examples/survey_answers"
QUESTIONS = [
    {"kind": "RATING", "text": "How was the delivery?", "code": "delivery"},
    {"kind": "NPS", "text": "Would you recommend us?", "code": "recommend"},
    {"kind": "CHOICES", "text": "What do you use?", "code": "products", "options": ["Sonar", "Beacon"]},
    {"kind": "TEXT", "text": "What could be better?", "code": "better"},
]
FOUND = """{ customers(orderBy: [{name: ASC}]) { nodes { name nps tasks { nodes { subject } } surveyResponses { nodes {
    actualRating expectedRating npsScore satisfactionGap
    answers(first: 10, orderBy: [{question: {position: ASC}}]) {
      nodes { question { code } score expected choices text } } } } } } }"""


@pytest.fixture
def panel(crm, clock):
    made = World(crm(SatisfactionSurveys, clock=clock))
    made.customers("Alpha", "Beta", "Gamma")
    made.survey("Panel", questions=QUESTIONS)
    return made


def test_a_row_per_response_or_per_answer_gives_the_same_and_a_second_run_changes_nothing(panel, tmp_path):
    folder = Folder(tmp_path)

    def load(name):
        return folder.load(
            panel.client, (EXAMPLES / f"{name}.toml").read_text(), (EXAMPLES / f"{name}.csv").read_text()
        )

    counts = load("interviews")
    created = {record: found["created"] for record, found in counts.items()}
    assert created == {"response": 2, "delivery": 2, "recommend": 2, "products": 2, "better": 1}
    # What cannot be taken is refused with its response, and the rest goes through.
    assert folder.rejected() == [
        (
            4,
            "delivery",
            "score: 6.00 is not possible; give a number with at most two decimal places from 1 to 5 (says satisfaction_surveys)",
        ),
        (
            5,
            "products",
            "choices: 'Radar' is not an option; available: ['Sonar', 'Beacon'] (says satisfaction_surveys)",
        ),
    ]
    alpha, beta, gamma = panel.query(FOUND)["customers"]["nodes"]
    assert (alpha["nps"], beta["nps"], gamma["nps"]) == ("100.00", "-100.00", None)
    assert alpha["surveyResponses"]["nodes"] == [
        {
            "actualRating": "4.00",
            "expectedRating": "4.50",
            "npsScore": 9,
            "satisfactionGap": "-0.50",
            "answers": {
                "nodes": [
                    _answer("delivery", score="4.00", expected="4.50"),
                    _answer("recommend", score="9.00"),
                    _answer("products", choices=["Sonar", "Beacon"]),
                ]
            },
        }
    ]
    # A detractor is followed up, though the response came before its answers.
    assert [one["subject"] for one in beta["tasks"]["nodes"]] == ["Follow up Beta: would not recommend us (3 of 10)"]
    before = panel.query("{ surveyResponses { nodes { version updatedAt } } }")
    again = load("interviews")
    assert {status for found in again.values() for status in found} == {"unchanged", "rejected"}
    assert load("answers") == {"response": {"unchanged": 7}, "answer": {"unchanged": 7}}
    assert panel.query("{ surveyResponses { nodes { version updatedAt } } }") == before


def _answer(code, **given):
    return {"question": {"code": code}, "score": None, "expected": None, "choices": [], "text": None, **given}


def test_answers_are_given_once_to_their_own_questions_and_never_changed(panel):
    survey = panel.query("{ surveys { nodes { id } } }")["surveys"]["nodes"][0]["id"]
    other = panel.survey("Other")
    ids, strange = panel.questions(survey), panel.questions(other)[3]
    made = panel.done(
        "createSurveyResponse", "surveyResponse { id }", surveyId=survey, customerId=panel.id_of("customer", "Alpha"),
        answeredOn="2025-06-01", questionsVersion=1,
    )["surveyResponse"]["id"]  # fmt: skip
    numbers = panel.done(
        "createSurveyResponse", "surveyResponse { id }", surveyId=survey, customerId=panel.id_of("customer", "Beta"),
        answeredOn="2025-06-01", npsScore=9,
    )["surveyResponse"]["id"]  # fmt: skip
    answer = panel.done(
        "createSurveyAnswer", "surveyAnswer { id }", responseId=made, questionId=ids[2], score="10"
    )["surveyAnswer"]["id"]  # fmt: skip

    def codes(response, question, **given):
        return panel.codes("createSurveyAnswer", responseId=response, questionId=question, **given)

    assert codes(made, ids[2], score="10")[0][1] == ["questionId"]
    assert codes(made, strange, score="10") == [("INVALID", ["questionId"])]
    assert codes(numbers, ids[2], score="10") == [("INVALID", ["responseId"])]
    assert codes(made, ids[1], score="4") == [("REQUIRED", ["expected"])]
    assert panel.codes("updateSurveyAnswer", id=answer, score="1") == [("IMMUTABLE", ["score"])]
    assert panel.codes("updateSurveyResponse", id=made, npsScore=1) == [("IMMUTABLE", ["npsScore"])]
    given = {"surveyId": survey, "customerId": panel.id_of("customer", "Gamma"), "answeredOn": "2025-06-01"}
    assert panel.codes("createSurveyResponse", **given, questionsVersion=2) == [("INVALID", ["questionsVersion"])]
    assert panel.codes("createSurveyResponse", **given, questionsVersion=1, npsScore=9) == [("INVALID", ["npsScore"])]
    # An answer that is deleted does not count.
    panel.done("deleteSurveyAnswer", "deletedId", id=answer)
    assert panel.query(FOUND)["customers"]["nodes"][0]["nps"] is None
    # The next version of a question takes its code along, and the code of another survey cannot be taken.
    panel.done("setSurveyQuestions", surveyId=survey, questions=QUESTIONS[:1])
    coded = "questions(first: 20) { nodes { questionsVersion code } }"
    assert {"questionsVersion": 2, "code": "delivery"} in panel.of(survey, coded)["questions"]["nodes"]
    assert {"questionsVersion": 1, "code": "delivery"} not in panel.of(survey, coded)["questions"]["nodes"]
    assert panel.codes("setSurveyQuestions", surveyId=other, questions=QUESTIONS[:1]) == [
        ("TAKEN", ["questions", "0", "code"])
    ]
