"""What the tests of surveys share: a world of customers, contacts, surveys and answers of a test's own."""

import itertools

from tests import data

QUESTIONS = [
    {"kind": "RATING", "text": "How was the delivery?"},
    {"kind": "RATING", "text": "How was the advice?", "isRequired": False},
    {"kind": "NPS", "text": "Would you recommend us?"},
    {"kind": "CSAT", "text": "How satisfied are you?", "isRequired": False},
    {"kind": "CES", "text": "How easy was it?", "isRequired": False},
    {"kind": "BENEFIT", "text": "What is it worth to you?", "isRequired": False},
    {"kind": "COST", "text": "What does it cost you?", "isRequired": False},
    {"kind": "CHOICE", "text": "Which product?", "options": ["Sonar", "Beacon"], "isRequired": False},
    {"kind": "CHOICES", "text": "What matters?", "options": ["Price", "Speed", "Care"], "isRequired": False},
    {"kind": "TEXT", "text": "What else?", "isRequired": False},
]
#: Place of the question that asks for a score.
PLACES = {"rating": 1, "advice": 2, "nps": 3, "csat": 4, "ces": 5, "benefit": 6, "cost": 7}
_INPUTS = {
    "closeSurvey": "SurveyTargetInput",
    "openSurvey": "SurveyTargetInput",
    "deleteSurveyAnswer": "TargetInput",
    "deleteSurveyResponse": "TargetInput",
    "restoreSurveyResponse": "TargetInput",
}
ISSUED = "issued { token invitation { id status round customer { name } contact { name } } }"
INVITED = f"invited excluded {{ reason count }} {ISSUED}"

_numbers = itertools.count(1)


class World:
    """The part of a CRM that belongs to one test: its customers have a tag, and its surveys ask only them."""

    def __init__(self, client):
        self.client = client
        self.query = client.query
        self.label = f"world {next(_numbers)}"

    def key(self, name):
        """The external id of something of this test."""
        return data.key(f"{self.label}/{name}")

    def id_of(self, record, name):
        """The id of a record by its name."""
        text = f"query ($key: ExternalIdInput!) {{ {record}(externalId: $key) {{ id }} }}"
        return self.query(text, key=self.key(name))[record]["id"]

    def customer(self, name, fields):
        """Fields of a customer."""
        text = f"query ($key: ExternalIdInput!) {{ customer(externalId: $key) {{ {fields} }} }}"
        return self.query(text, key=self.key(name))["customer"]

    def customers(self, *names, contacts=1, **given):
        """Enters customers, each with contacts `name-0`, `name-1` …; gives the customers' ids."""
        data.upsert(
            self.client,
            "customers",
            [{"externalIds": [self.key(name)], "name": name, "tags": [self.label], **given} for name in names],
        )
        data.upsert(
            self.client,
            "contacts",
            [
                {
                    "externalIds": [self.key(f"{name}-{number}")],
                    "name": f"{name}-{number}",
                    "customerExternalId": self.key(name),
                }
                for name in names
                for number in range(contacts)
            ],
        )
        return [self.id_of("customer", name) for name in names]

    # Operations

    def do(self, operation, selection="survey { id }", **given):
        """An operation's payload, with its errors and warnings."""
        input_ = _INPUTS.get(operation, f"{operation[:1].upper()}{operation[1:]}Input")
        text = f"""mutation ($input: {input_}!) {{ {operation}(input: $input) {{
            {selection} userErrors {{ code message field }} warnings {{ code field }} }} }}"""
        return self.query(text, input=given)[operation]

    def done(self, operation, selection="survey { id }", **given):
        """The same, and it must succeed."""
        payload = self.do(operation, selection, **given)
        assert payload["userErrors"] == [], payload
        return payload

    def codes(self, operation, **given):
        """The codes and fields of an operation's errors."""
        return [(error["code"], error["field"]) for error in self.do(operation, "", **given)["userErrors"]]

    # Surveys

    def survey(self, title="Quarterly", *, questions=QUESTIONS, where=None, customers=None, **given):
        """Makes a survey with questions, for all contacts of this test unless stated otherwise; gives its id."""
        plan = {"purpose": "Know what customers think.", **given}
        made = self.done("createSurvey", title=title, **plan)["survey"]["id"]
        self.done("setSurveyQuestions", surveyId=made, questions=questions)
        mine = {"tags": {"has": self.label}}
        audience = {"contacts": {"and": [where or {}, {"customer": mine}]}}
        if customers is not None:
            audience = {"customers": {"and": [customers, mine]}}
        self.done("setSurveyAudience", surveyId=made, **audience)
        return made

    def opened(self, title="Quarterly", **given):
        """Makes and opens a survey; gives its id."""
        made = self.survey(title, **given)
        self.done("openSurvey", surveyId=made)
        return made

    def of(self, survey, fields):
        """Fields of a survey."""
        return self.query(f"query ($id: ID!) {{ survey(id: $id) {{ {fields} }} }}", id=survey)["survey"]

    def invited(self, survey):
        """Invites, and gives the tokens by the name of the contact or the customer."""
        return named(self.done("inviteToSurvey", INVITED, surveyId=survey))

    def questions(self, survey):
        """The ids of the questions of a survey's present version by their place."""
        found = self.of(survey, "questionsVersion questions(first: 1000) { nodes { id position questionsVersion } }")
        return {
            one["position"]: one["id"]
            for one in found["questions"]["nodes"]
            if one["questionsVersion"] == found["questionsVersion"]
        }

    def answers(self, survey, rating=("4.5", "4"), nps=9, **others):
        """Answers to QUESTIONS: ratings as what was found and expected, marks by the name of their question."""
        ids = self.questions(survey)
        given = {"rating": rating, "nps": nps, **others}
        return [
            {"questionId": ids[PLACES[name]], "score": score[0], "expected": score[1]}
            if isinstance(score, tuple)
            else {"questionId": ids[PLACES[name]], "score": str(score)}
            for name, score in given.items()
            if score is not None
        ]

    def answer(self, token, answers, **others):
        """Answers by token; gives the payload."""
        return self.do("answerSurvey", "accepted", token=token, answers=answers, **others)

    def responses(self, survey, *rows):
        """Enters responses as numbers: customer or contact, day, and scores by their names."""
        items = [
            {
                "externalIds": [self.key(f"{who}-{day}-{number}")],
                "surveyId": survey,
                "contactExternalId" if "-" in who else "customerExternalId": self.key(who),
                "answeredOn": day,
                **scores,
            }
            for number, (who, day, scores) in enumerate(rows)
        ]
        return data.upsert(self.client, "surveyResponses", items)


def named(payload):
    """The tokens of a payload by the name of the contact or the customer."""
    return {
        (one["invitation"]["contact"] or one["invitation"]["customer"])["name"]: one["token"]
        for one in payload["issued"]
    }
