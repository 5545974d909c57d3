"""Results by question: means and choices of people, and which item moves the others (S1, S3)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from plugins.satisfaction_surveys.drivers import GapMoments, driver_of
from plugins.satisfaction_surveys.vocabulary import NoDriverReason

REPORT = """query ($where: SurveyResponseWhere, $asOf: Date) { surveyQuestionReport(where: $where, asOf: $asOf) {
    question { position kind } respondents score expected gap choices { option respondents } correlation
    correlationRespondents noCorrelationReason } }"""


@pytest.mark.parametrize(
    ("pairs", "correlation", "reason"),
    [
        ([(100, 100), (200, 200), (300, 300)], "1.00", None),
        ([(100, 300), (200, 200), (300, 100)], "-1.00", None),
        ([(0, 0), (100, 0), (0, 100), (100, 100)], "0.00", None),
        # 25,000 / sqrt(20,000 x 56,875)
        ([(100, 100), (200, 200), (200, 400), (300, 350)], "0.74", None),
        ([(100, 100), (200, 200)], None, NoDriverReason.TOO_FEW_RESPONDENTS),
        ([(100, 100), (100, 200), (100, 300)], None, NoDriverReason.NO_VARIATION),
    ],
)
def test_a_driver_is_the_correlation_of_an_items_gap_with_that_of_the_others(pairs, correlation, reason):
    items, rest = zip(*pairs, strict=True)
    moments = GapMoments(
        len(pairs),
        sum(items),
        sum(rest),
        sum(one * one for one in items),
        sum(one * one for one in rest),
        sum(one * other for one, other in pairs),
        len(set(items)) > 1 and len(set(rest)) > 1,
    )
    found = driver_of(moments, 3)
    assert found.correlation == (None if correlation is None else Decimal(correlation))
    assert (found.respondents, found.reason) == (len(pairs), reason)


@pytest.fixture
def rated(world):
    """Ten people have rated delivery and advice: where delivery falls short, so does advice, but for one."""
    world.customers(*(f"C{number}" for number in range(10)))
    world.survey_id = world.opened(cadenceDays=1)
    world.tokens = world.invited(world.survey_id)
    world.choice = world.questions(world.survey_id)[8]
    for number in range(10):
        gap = number % 3 - 1
        given = world.answers(
            world.survey_id, rating=(str(3 + gap), "3"), advice=(str(3 + (1 if number == 0 else gap)), "3"), nps=9
        )
        given.append({"questionId": world.choice, "choices": ["Sonar" if number < 7 else "Beacon"]})
        assert world.answer(world.tokens[f"C{number}-0"], given)["accepted"]
    return world


def report(world, **given):
    found = world.query(REPORT, where={"surveyId": {"eq": world.survey_id}}, **given)["surveyQuestionReport"]
    return {one["question"]["position"]: one for one in found}


# The gaps of the two items are the same but for C0: (5 + 1 / 10) / (7 - 1 / 10) = 0.74.
def test_s1_each_question_has_its_means_its_choices_and_its_driver(rated):
    found = report(rated)
    assert list(found) == [1, 2, 3, 8]
    assert found[1] == {
        "question": {"position": 1, "kind": "RATING"},
        "respondents": 10,
        "score": "2.90",
        "expected": "3.00",
        "gap": "-0.10",
        "choices": [],
        "correlation": "0.74",
        "correlationRespondents": 10,
        "noCorrelationReason": None,
    }
    assert (found[3]["score"], found[3]["gap"], found[3]["noCorrelationReason"]) == ("9.00", None, "NO_EXPECTATION")
    assert found[8]["choices"] == [{"option": "Sonar", "respondents": 7}, {"option": "Beacon", "respondents": 3}]


def test_s3_a_person_counts_once_per_question_by_the_latest_answer(rated, clock):
    clock.moment += timedelta(days=40)
    again = rated.invited(rated.survey_id)
    given = rated.answers(rated.survey_id, rating=("5", "3"), nps=0)
    assert rated.answer(again["C0-0"], given)["accepted"]
    found = report(rated)
    assert (found[1]["respondents"], found[1]["score"], found[1]["gap"]) == (10, "3.20", "0.20")
    # The latest of C0 has no other rating beside it.
    assert (found[1]["correlation"], found[1]["correlationRespondents"]) == (None, 9)
    assert found[1]["noCorrelationReason"] == "TOO_FEW_RESPONDENTS"
    assert report(rated, asOf="2025-06-15")[1]["score"] == "2.90"


def test_the_only_item_of_a_survey_drives_nothing(world):
    world.customers("Ann")
    world.survey_id = world.opened(questions=[{"kind": "RATING", "text": "How was it?"}])
    tokens = world.invited(world.survey_id)
    (question,) = world.questions(world.survey_id).values()
    world.answer(tokens["Ann-0"], [{"questionId": question, "score": "4", "expected": "3"}])
    (found,) = report(world).values()
    assert (found["gap"], found["correlation"], found["noCorrelationReason"]) == ("1.00", None, "NO_OTHER_ITEM")
