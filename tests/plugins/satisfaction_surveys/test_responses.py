"""Responses: by token, by one of us, entered as numbers; what they make of a customer; follow-up (S1-S4, T12, X21)."""

import asyncio

import pytest

from plugins.satisfaction_surveys import SatisfactionSurveys
from tests.operating import executed

RESPONSES = """responses { nodes { answeredOn source actualRating expectedRating satisfactionGap satisfactionLevel isSatisfied
    npsScore npsCategory npsPoints csatScore csatPoints cesScore perceivedBenefit perceivedCost perceivedValue
    expectationCauses comment customer { name } contact { name } invitation { status } } }"""


@pytest.fixture
def asked(world):
    """A world with an open survey that has invited two contacts: the survey, and the tokens."""
    world.customers("Ann", "Bo")
    world.survey_id = world.opened()
    world.tokens = world.invited(world.survey_id)
    return world


def everything_said(world):
    """An answer to every question."""
    ids = world.questions(world.survey_id)
    return [
        *world.answers(world.survey_id, ("4.2", "3.8"), advice=("4", "4"), nps=9, csat=5, ces=6, benefit=8, cost=5),
        {"questionId": ids[8], "choices": ["Sonar"]},
        {"questionId": ids[9], "choices": ["Speed", "Care"]},
        {"questionId": ids[10], "text": "Go on like this."},
    ]


def test_an_answer_by_token_is_taken_with_all_it_says(asked):
    payload = asked.answer(
        asked.tokens["Ann-0"],
        everything_said(asked),
        expectationCauses=["PAST_EXPERIENCE", "ADVERTISING_PROMISE"],
        comment="Thank you.",
    )
    assert payload == {"accepted": True, "userErrors": [], "warnings": []}
    assert asked.of(asked.survey_id, RESPONSES)["responses"]["nodes"] == [
        {
            "answeredOn": "2025-06-15",
            "source": "INVITATION",
            "actualRating": "4.10",
            "expectedRating": "3.90",
            "satisfactionGap": "0.20",
            "satisfactionLevel": "EXCEEDED",
            "isSatisfied": True,
            "npsScore": 9,
            "npsCategory": "PROMOTER",
            "npsPoints": "100.00",
            "csatScore": 5,
            "csatPoints": "100.00",
            "cesScore": 6,
            "perceivedBenefit": "8.00",
            "perceivedCost": "5.00",
            "perceivedValue": "3.00",
            "expectationCauses": ["PAST_EXPERIENCE", "ADVERTISING_PROMISE"],
            "comment": "Thank you.",
            "customer": {"name": "Ann"},
            "contact": {"name": "Ann-0"},
            "invitation": {"status": "ANSWERED"},
        }
    ]
    answers = asked.of(
        asked.survey_id,
        "responses { nodes { answers(orderBy: [{question: {position: ASC}}]) { nodes { score expected choices text } } } }",
    )["responses"]["nodes"][0]["answers"]["nodes"]
    assert [list(answer.values()) for answer in answers] == [
        ["4.20", "3.80", [], None],
        ["4.00", "4.00", [], None],
        ["9.00", None, [], None],
        ["5.00", None, [], None],
        ["6.00", None, [], None],
        ["8.00", None, [], None],
        ["5.00", None, [], None],
        [None, None, ["Sonar"], None],
        [None, None, ["Speed", "Care"], None],
        [None, None, [], "Go on like this."],
    ]
    events = asked.query(
        "query ($id: ID!) { surveyResponses(where: {surveyId: {eq: $id}}) { nodes { createdBy } } }", id=asked.survey_id
    )
    assert events["surveyResponses"]["nodes"] == [{"createdBy": "plugin:satisfaction_surveys"}]


def test_the_same_answer_again_is_answered_as_before_and_another_is_refused(asked):
    given = everything_said(asked)
    first = asked.answer(asked.tokens["Ann-0"], given)
    assert asked.answer(asked.tokens["Ann-0"], given) == first
    other = asked.answer(asked.tokens["Ann-0"], given, comment="And one thing more.")
    assert (other["accepted"], [error["code"] for error in other["userErrors"]]) == (False, ["ALREADY_ANSWERED"])
    assert asked.of(asked.survey_id, "responseCount responses { nodes { version } }") == {
        "responseCount": 1,
        "responses": {"nodes": [{"version": 1}]},
    }
    asked.done("closeSurvey", surveyId=asked.survey_id)
    assert asked.answer(asked.tokens["Ann-0"], given) == first


def test_rivals_with_one_token_make_one_response(asked):
    text = """mutation ($input: AnswerSurveyInput!) { answerSurvey(input: $input) { accepted userErrors { code } } }"""
    app = asked.client.app
    both = [
        executed(
            app, text, {"input": {"token": asked.tokens["Ann-0"], "answers": asked.answers(asked.survey_id, nps=nps)}}
        )
        for nps in (10, 10, 2)
    ]

    async def at_once():
        return await asyncio.gather(*both)

    answers = [answer["answerSurvey"]["accepted"] for answer in asked.client.run(at_once())]
    assert sorted(answers) in ([False, True, True], [False, False, True])
    assert asked.of(asked.survey_id, "responseCount") == {"responseCount": 1}


def test_of_two_who_answer_for_one_customer_at_once_neither_is_lost(world):
    world.customers("Ann", contacts=6)
    world.survey_id = world.opened()
    answers = world.answers(world.survey_id)
    text = """mutation ($input: AnswerSurveyInput!) { answerSurvey(input: $input) { accepted } }"""
    asked = [
        executed(world.client.app, text, {"input": {"token": token, "answers": answers}})
        for token in world.invited(world.survey_id).values()
    ]

    async def at_once():
        return await asyncio.gather(*asked)

    assert [answer["answerSurvey"]["accepted"] for answer in world.client.run(at_once())] == [True] * 6
    assert world.customer("Ann", "surveyRespondentCount") == {"surveyRespondentCount": 6}


@pytest.mark.parametrize("closing", [True, False])
def test_with_an_unknown_token_or_one_of_a_closed_survey_nothing_is_answered_and_nothing_told(asked, closing):
    token = "nothing-like-a-token"
    if closing:
        asked.done("closeSurvey", surveyId=asked.survey_id)
        token = asked.tokens["Ann-0"]
    payload = asked.answer(token, everything_said(asked))
    assert payload == {
        "accepted": False,
        "userErrors": [
            {
                "code": "TOKEN_INVALID",
                "message": "token: it is not valid, or no longer; ask for a new one",
                "field": ["token"],
            }
        ],
        "warnings": [],
    }
    assert asked.query("query ($token: String!) { surveyForm(token: $token) { title } }", token=token) == {
        "surveyForm": None
    }


def test_a_token_shows_its_questions_and_nothing_else(asked):
    form = """query ($token: String!) { surveyForm(token: $token) { title isAnonymous
        questions { questionId kind text options isRequired minimum maximum } } }"""
    found = asked.query(form, token=asked.tokens["Ann-0"])["surveyForm"]
    assert (found["title"], found["isAnonymous"]) == ("Quarterly", False)
    assert found["questions"][2] == {
        "questionId": asked.questions(asked.survey_id)[3],
        "kind": "NPS",
        "text": "Would you recommend us?",
        "options": [],
        "isRequired": True,
        "minimum": 0,
        "maximum": 10,
    }
    assert found["questions"][8]["options"] == ["Price", "Speed", "Care"]
    asked.answer(asked.tokens["Ann-0"], asked.answers(asked.survey_id))
    assert asked.query(form, token=asked.tokens["Ann-0"])["surveyForm"] is None
    types = asked.query(
        """{ payload: __type(name: "AnswerSurveyPayload") { fields { name type { ofType { name ofType { ofType { name } } } } } }
          form: __type(name: "SurveyForm") { fields { name } } }"""
    )
    assert {field["name"] for field in types["payload"]["fields"]} == {
        "accepted",
        "userErrors",
        "warnings",
        "requestId",
    }
    assert {field["name"] for field in types["form"]["fields"]} == {
        "title",
        "introduction",
        "language",
        "languages",
        "isAnonymous",
        "questions",
    }


WRONG = [
    ({"place": 1, "score": "6", "expected": "3"}, ["answers", "2", "score"]),
    ({"place": 1, "score": "4"}, ["answers", "2", "expected"]),
    ({"place": 3, "score": "8.5"}, ["answers", "2", "score"]),
    ({"place": 3, "score": "11"}, ["answers", "2", "score"]),
    ({"place": 4, "score": "0"}, ["answers", "2", "score"]),
    ({"place": 6, "score": "3.333"}, ["answers", "2", "score"]),
    ({"place": 8, "choices": ["Sonar", "Beacon"]}, ["answers", "2", "choices"]),
    ({"place": 8, "choices": ["Radar"]}, ["answers", "2", "choices"]),
    ({"place": 9, "choices": []}, ["answers", "2", "choices"]),
    ({"place": 9, "choices": ["Price", "Price"]}, ["answers", "2", "choices"]),
    ({"place": 10, "text": " "}, ["answers", "2", "text"]),
    ({"place": 10, "score": "1", "text": "x"}, ["answers", "2", "score"]),
    ({"place": 5, "text": "easy", "score": "5"}, ["answers", "2", "text"]),
]


def test_an_answer_that_does_not_fit_its_question_is_refused_with_its_place(asked):
    ids = asked.questions(asked.survey_id)
    fitting = {one["questionId"]: one for one in asked.answers(asked.survey_id)}
    for wrong, field in WRONG:
        given = {**wrong, "questionId": ids[wrong["place"]]}
        del given["place"]
        others = [one for id, one in fitting.items() if id != given["questionId"]]
        padding = [{"questionId": ids[7], "score": "5"}] * (2 - len(others))
        payload = asked.answer(asked.tokens["Ann-0"], [*others, *padding, given])
        assert [error["field"] for error in payload["userErrors"]] == [field], payload
    assert asked.of(asked.survey_id, "responseCount") == {"responseCount": 0}


def test_questions_that_need_an_answer_unknown_and_repeated_ones_are_named(asked):
    ids = asked.questions(asked.survey_id)
    nothing = asked.answer(asked.tokens["Ann-0"], [])
    assert [error["message"] for error in nothing["userErrors"]] == [
        "answers: question 1 ('How was the delivery?') needs an answer",
        "answers: question 3 ('Would you recommend us?') needs an answer",
    ]
    given = [
        *asked.answers(asked.survey_id),
        {"questionId": ids[3], "score": "1"},
        {"questionId": "svq_01h455vb4pex5vsknk084sn02q", "score": "1"},
    ]
    payload = asked.answer(asked.tokens["Ann-0"], given, comment=" ")
    assert [error["field"] for error in payload["userErrors"]] == [["comment"]]
    payload = asked.answer(asked.tokens["Ann-0"], given)
    assert [error["field"] for error in payload["userErrors"]] == [
        ["answers", "2", "questionId"],
        ["answers", "3", "questionId"],
    ]


def test_what_was_said_on_the_telephone_is_entered_by_one_of_us_and_answers_the_invitation(asked):
    contact = asked.id_of("contact", "Ann-0")
    entered = asked.done(
        "recordSurveyResponse",
        "surveyResponse { source answeredOn npsScore customer { name } invitation { status } answers { nodes { score } } }",
        surveyId=asked.survey_id,
        contactId=contact,
        answeredOn="2025-06-14",
        answers=asked.answers(asked.survey_id, nps=7),
    )["surveyResponse"]
    assert entered == {
        "source": "ENTERED",
        "answeredOn": "2025-06-14",
        "npsScore": 7,
        "customer": {"name": "Ann"},
        "invitation": {"status": "ANSWERED"},
        "answers": {"nodes": [{"score": "4.50"}, {"score": "7.00"}]},
    }
    assert asked.of(asked.survey_id, "responseRate") == {"responseRate": "50.00"}
    late = asked.answer(asked.tokens["Ann-0"], asked.answers(asked.survey_id, nps=1))
    assert [error["code"] for error in late["userErrors"]] == ["ALREADY_ANSWERED"]


def test_a_response_by_nobody_or_of_tomorrow_is_refused(asked):
    given = {"surveyId": asked.survey_id, "answers": asked.answers(asked.survey_id)}
    assert asked.codes("recordSurveyResponse", **given) == [("REQUIRED", ["customerId"])]
    contact = asked.id_of("contact", "Ann-0")
    ahead = {**given, "contactId": contact, "answeredOn": "2025-06-16"}
    assert asked.codes("recordSurveyResponse", **ahead) == [("INVALID", ["answeredOn"])]
    silent = {"surveyId": asked.survey_id, "contactId": contact, "answeredOn": "2025-06-15"}
    assert asked.codes("createSurveyResponse", **silent) == [("REQUIRED", ["npsScore"])]
    assert asked.of(asked.survey_id, "responseCount") == {"responseCount": 0}


def test_what_was_answered_is_never_changed(asked):
    asked.responses(asked.survey_id, ("Ann-0", "2025-06-01", {"npsScore": 9, "comment": "Good"}))
    id = asked.of(asked.survey_id, "responses { nodes { id } }")["responses"]["nodes"][0]["id"]
    assert asked.codes("updateSurveyResponse", id=id, npsScore=10, answeredOn="2025-06-02") == [
        ("IMMUTABLE", ["answeredOn"]),
        ("IMMUTABLE", ["npsScore"]),
    ]
    assert asked.codes("updateSurveyResponse", id=id, npsScore=9, comment="Very good") == []
    again = asked.responses(asked.survey_id, ("Ann-0", "2025-06-01", {"npsScore": 9}))
    assert (again["created"], again["unchanged"]) == (0, 1)
    asked.done("deleteSurveyResponse", "surveyResponse { id }", id=id)
    assert asked.customer("Ann", "nps surveyRespondentCount") == {"nps": None, "surveyRespondentCount": 0}
    asked.done("restoreSurveyResponse", "surveyResponse { id }", id=id)
    assert asked.customer("Ann", "nps surveyRespondentCount") == {"nps": "100.00", "surveyRespondentCount": 1}


# What responses make of a customer

RESULTS = """satisfactionGap satisfactionGapTrend satisfactionLevel satisfactionRating satisfactionRate nps npsTrend
    npsScore npsCategory csat csatTrend ces cesTrend perceivedValue perceivedValueTrend lastSurveyAnswerOn"""


@pytest.fixture
def series(world):
    """A world with three responses of two persons of one customer, over two days."""
    world.customers("Ann", "Bo", contacts=2)
    id = world.opened()
    world.responses(
        id,
        (
            "Ann-0",
            "2025-01-10",
            {
                "npsScore": 9,
                "actualRating": "4.2",
                "expectedRating": "3.8",
                "csatScore": 4,
                "cesScore": 6,
                "perceivedBenefit": "8",
                "perceivedCost": "5",
            },
        ),
        ("Ann-1", "2025-04-10", {"npsScore": 6, "actualRating": "3", "expectedRating": "3.5"}),
        ("Ann-0", "2025-04-10", {"npsScore": 7, "csatScore": 3}),
    )
    return world


def test_x21_a_customer_has_the_latest_of_each_measure_and_how_it_moved(series):
    assert series.customer("Ann", RESULTS) == {
        "satisfactionGap": "-0.05",
        "satisfactionGapTrend": "-0.45",
        "satisfactionLevel": "DISSATISFIED",
        "satisfactionRating": "3.60",
        "satisfactionRate": "50.00",
        "nps": "-50.00",
        "npsTrend": "-150.00",
        "npsScore": "6.50",
        "npsCategory": "DETRACTOR",
        "csat": "0.00",
        "csatTrend": "-100.00",
        "ces": "6.00",
        "cesTrend": None,
        "perceivedValue": "3.00",
        "perceivedValueTrend": None,
        "lastSurveyAnswerOn": "2025-04-10",
    }
    assert set(series.customer("Bo", RESULTS).values()) == {None}


def test_results_filter_order_and_group_like_fields_of_the_core(series):
    series.responses(series.opened("Other"), ("Bo", "2025-05-01", {"npsScore": 10}))
    found = series.query(
        """query ($mine: String!) {
          falling: customers(where: {tags: {has: $mine}, npsTrend: {lt: "0"}}) { nodes { name } }
          order: customers(where: {tags: {has: $mine}}, orderBy: [{nps: DESC}]) { nodes { name nps } }
          groups: customersGroupBy(by: [{npsCategory: true}], where: {tags: {has: $mine}}) { keys { npsCategory } aggregate { count avg { nps } } }
          contacts(where: {customer: {tags: {has: $mine}, satisfactionLevel: {eq: DISSATISFIED}}}) { totalCount }
        }""",
        mine=series.label,
    )
    assert found["falling"]["nodes"] == [{"name": "Ann"}]
    assert found["order"]["nodes"] == [{"name": "Bo", "nps": "100.00"}, {"name": "Ann", "nps": "-50.00"}]
    assert found["groups"] == [
        {"keys": {"npsCategory": "PROMOTER"}, "aggregate": {"count": 1, "avg": {"nps": "100.00"}}},
        {"keys": {"npsCategory": "DETRACTOR"}, "aggregate": {"count": 1, "avg": {"nps": "-50.00"}}},
    ]
    assert found["contacts"]["totalCount"] == 2


EXPLAINED = """query ($id: ID!, $asOf: Date, $validDays: Int, $by: SatisfiedBy) {
  customerSatisfaction(customerId: $id, asOf: $asOf, validDays: $validDays, satisfiedBy: $by) {
    customer { name } asOf policyVersion validDays
    results { measure value previous trend answeredOn components { value response { npsScore contact { name } } }
      history { on value } } } }"""


def explained(world, name="Ann", measure="NPS", **given):
    found = world.query(EXPLAINED, id=world.id_of("customer", name), **given)["customerSatisfaction"]
    return found, next((one for one in found["results"] if one["measure"] == measure), None)


def test_a_result_explains_itself_as_of_any_day(series):
    found, nps = explained(series)
    assert (found["customer"], found["asOf"], found["validDays"]) == ({"name": "Ann"}, "2025-06-15", 365)
    assert found["policyVersion"] == series.customer("Ann", "satisfactionPolicyVersion")["satisfactionPolicyVersion"]
    assert nps == {
        "measure": "NPS",
        "value": "-50.00",
        "previous": "100.00",
        "trend": "-150.00",
        "answeredOn": "2025-04-10",
        "components": nps["components"],
        "history": [{"on": "2025-04-10", "value": "-50.00"}, {"on": "2025-01-10", "value": "100.00"}],
    }
    assert sorted((one["value"], one["response"]["npsScore"]) for one in nps["components"]) == [
        ("-100.00", 6),
        ("0.00", 7),
    ]
    _, before = explained(series, asOf="2025-04-09")
    assert (before["value"], before["trend"], len(before["history"])) == ("100.00", None, 1)
    assert explained(series, asOf="2025-01-09")[1] is None
    assert explained(series, "Bo")[0]["results"] == []
    nobody = series.query(EXPLAINED, id="cus_01h455vb4pex5vsknk084sn02q")
    assert nobody == {"customerSatisfaction": None}


def test_a_what_if_by_another_policy_writes_nothing(series):
    kept, rate = explained(series, measure="RATE")
    supposed, other = explained(series, measure="RATE", by="RATING")
    assert (rate["value"], other["value"]) == ("50.00", "50.00")
    assert supposed["policyVersion"] != kept["policyVersion"]
    assert explained(series, measure="GAP", validDays=90)[1]["value"] == "-0.50"
    assert series.customer("Ann", "satisfactionGap") == {"satisfactionGap": "-0.05"}
    refused = series.client.execute(EXPLAINED, id=series.id_of("customer", "Ann"), validDays=0)
    assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert refused["errors"][0]["message"].startswith("validDays: ")


def test_s3_a_survey_is_due_when_nobody_was_asked_or_heard_for_a_quarter(world, clock):
    world.customers("Ann", "Bo", "Cy")
    world.responses(world.survey(), ("Ann", "2025-03-18", {"npsScore": 7}), ("Bo", "2025-03-17", {"npsScore": 7}))
    due = "isSurveyDue"
    assert [world.customer(name, due) for name in ("Ann", "Bo", "Cy")] == [{due: False}, {due: True}, {due: True}]
    world.invited(world.opened("Other", customers={"name": {"eq": "Cy"}}))
    assert world.customer("Cy", due) == {due: False}


# Follow-up


def test_s3_a_detractor_is_followed_up_by_the_owner_of_the_customer(asked):
    owner = asked.done("createUser", "user { id }", name="Ida")["user"]["id"]
    asked.done("updateCustomer", "customer { id }", id=asked.id_of("customer", "Ann"), ownerId=owner)
    given = asked.answers(asked.survey_id, nps=3)
    for _ in range(2):
        assert asked.answer(asked.tokens["Ann-0"], given, comment="Too slow.")["accepted"] is True
    asked.answer(asked.tokens["Bo-0"], asked.answers(asked.survey_id, nps=7))
    found = asked.customer(
        "Ann",
        """tasks { nodes { subject description priority status dueOn assignee { name } contact { name }
            surveyResponses { nodes { npsScore } } } }""",
    )
    assert found["tasks"]["nodes"] == [
        {
            "subject": "Follow up Ann: would not recommend us (3 of 10)",
            "description": "Too slow.",
            "priority": "HIGH",
            "status": "OPEN",
            "dueOn": "2025-06-17",
            "assignee": {"name": "Ida"},
            "contact": {"name": "Ann-0"},
            "surveyResponses": {"nodes": [{"npsScore": 3}]},
        }
    ]
    assert asked.customer("Bo", "tasks { totalCount }") == {"tasks": {"totalCount": 0}}


def test_old_answers_are_not_followed_up_and_none_where_policy_says_so(world, other):
    for one in (world, other):
        one.customers("Ann")
        one.responses(one.survey(), ("Ann", "2025-05-15", {"npsScore": 0}), ("Ann-0", "2025-05-16", {"npsScore": 0}))
    tasks = "tasks { nodes { contact { name } } }"
    assert world.customer("Ann", tasks)["tasks"]["nodes"] == [{"contact": {"name": "Ann-0"}}]
    assert other.customer("Ann", tasks)["tasks"]["nodes"] == []


def test_a_completed_survey_is_announced_with_its_day(asked):
    asked.responses(asked.survey_id, ("Ann-0", "2025-05-01", {"npsScore": 8}))
    id = asked.of(asked.survey_id, "responses { nodes { id } }")["responses"]["nodes"][0]["id"]
    events = asked.query(
        "query ($id: ID!) { events(entity: $id, types: [SURVEY_COMPLETED]) { nodes { occurredAt data } } }", id=id
    )["events"]["nodes"]
    assert events == [
        {
            "occurredAt": "2025-05-01T00:00:00.000Z",
            "data": {"surveyId": asked.survey_id, "customerId": asked.id_of("customer", "Ann")},
        }
    ]


# Policy


def test_results_of_another_policy_are_worked_out_again_on_demand_and_by_night(other, crm, clock):
    other.customers("Ann", "Bo")
    other.responses(
        other.survey(),
        ("Ann", "2025-06-01", {"actualRating": "4", "expectedRating": "5", "csatScore": 4}),
        ("Bo", "2025-06-01", {"actualRating": "3", "expectedRating": "2"}),
    )
    rates = "satisfactionRate csat"
    before = {"satisfactionRate": "0.00", "csat": "100.00"}
    assert other.customer("Ann", rates) == before
    changed = {"satisfied_by": "RATING", "csat_top_marks": 1}
    url = other.client.app.settings.database_url
    moved = crm(SatisfactionSurveys, clock=clock, url=url, plugins={"satisfaction_surveys": changed})
    unmoved, other.client, other.query = other.client, moved, moved.query
    tried = other.done("recomputeSatisfaction", "customers changed policyVersion", dryRun=True)
    assert tried["changed"] >= 2
    assert other.customer("Ann", rates) == before
    assert other.done("recomputeSatisfaction", "customers changed policyVersion") == tried
    assert other.customer("Ann", rates) == {"satisfactionRate": "100.00", "csat": "0.00"}
    assert other.customer("Bo", rates) == {"satisfactionRate": "0.00", "csat": None}
    assert other.done("recomputeSatisfaction", "changed")["changed"] == 0
    assert moved.run_job("survey_results") == "0 customers"
    # And back, by the job.
    assert unmoved.run_job("survey_results") == f"{tried['customers']} customers"
    assert other.customer("Ann", rates) == before


def test_t12_perceived_value_as_a_ratio_by_policy(other):
    other.customers("Ann")
    other.responses(other.survey(), ("Ann", "2025-06-01", {"perceivedBenefit": "8", "perceivedCost": "5"}))
    assert other.customer("Ann", "perceivedValue") == {"perceivedValue": "1.60"}
