"""The page on satisfaction surveys: followed from top to bottom, its settings and fields are those there are."""

import json
import re

import pytest

from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.value_tiering import ValueTiering
from tests.data import key, upsert
from tests.imports import Folder
from tests.plugins.satisfaction_surveys.asking import World
from tests.snippets import ROOT, snippets

PAGE = "docs/satisfaction_surveys.md"
TEXT = (ROOT / PAGE).read_text()
#: What ids on the page begin with, and how later queries call them.
CALLED = {"svy_": "survey", "svq_": "question", "": "token"}


@pytest.fixture
def client(crm, clock):
    made = crm(SatisfactionSurveys, ValueTiering, clock=clock)
    regions = {"Alpha": "North", "Beta": "North", "Gamma": "South"}
    upsert(
        made,
        "customers",
        [{"externalIds": [key(name)], "name": name, "region": region} for name, region in regions.items()],
    )
    people = {"Ada": "Alpha", "Ben": "Beta", "Cleo": "Gamma"}
    upsert(
        made,
        "contacts",
        [
            {"externalIds": [key(name)], "name": name, "customerExternalId": key(customer)}
            for name, customer in people.items()
        ],
    )
    sales = {"Alpha": "400", "Beta": "100", "Gamma": "50"}
    upsert(
        made,
        "transactions",
        [
            {
                "externalIds": [key(name)],
                "customerExternalId": key(name),
                "occurredOn": "2025-01-01",
                "actualAmount": {"amount": amount},
                "cost": {"amount": "0"},
            }
            for name, amount in sales.items()
        ],
    )
    winter = World(made).done("createSurvey", title="Winter", purpose="As every quarter.")["survey"]["id"]
    upsert(
        made,
        "surveyResponses",
        [
            {
                "externalIds": [key(name)],
                "surveyId": winter,
                "contactExternalId": key(name),
                "answeredOn": "2025-03-03",
                **scores,
            }
            for name, scores in {
                "Ada": {"npsScore": 9, "actualRating": "4.2", "expectedRating": "3.8"},
                "Ben": {"npsScore": 8, "actualRating": "4", "expectedRating": "4"},
                "Cleo": {"npsScore": 10, "actualRating": "5", "expectedRating": "4"},
            }.items()
        ],
    )
    return made


class Reader:
    """Somebody who follows the page and keeps the ids and tokens that it is shown."""

    def __init__(self, client):
        self._client = client
        self._known = {
            "customer": World(client).query('{ customer(externalId: {system: "test", value: "Alpha"}) { id } }')[
                "customer"
            ]["id"]
        }

    def follow(self, query, answer):
        known = {name: value for name, value in self._known.items() if f"${name}:" in query}
        found = self._client.query(query, **known)
        self._compare(found, json.loads(answer))

    def _compare(self, found, shown):
        if isinstance(shown, dict):
            assert list(found) == list(shown)
            for name in shown:
                self._compare(found[name], shown[name])
        elif isinstance(shown, list):
            assert len(found) == len(shown), found
            for one, other in zip(found, shown, strict=True):
                self._compare(one, other)
        elif isinstance(shown, str) and shown.endswith("…"):
            prefix = shown.removesuffix("…")
            assert found.startswith(prefix)
            name = CALLED[prefix]
            self._known.setdefault(name, found)
            self._known[f"{name}{sum(one.startswith(name) for one in self._known)}"] = found
        else:
            assert found == shown


def test_the_page_is_true(client):
    queries, answers = snippets(PAGE, "graphql"), snippets(PAGE, "json")
    assert len(queries) == len(answers) > 5
    reader = Reader(client)
    for query, answer in zip(queries, answers, strict=True):
        reader.follow(query, answer)


def test_every_setting_is_on_the_page_with_its_default():
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \|", TEXT.partition("## Settings")[2], re.MULTILINE)
    told = {
        name: default.strip("` ")
        for names, defaults in rows
        for name, default in zip(re.findall(r"\w+", names), defaults.split(", "), strict=True)
    }
    defaults = SatisfactionSettings().model_dump(mode="json")
    assert told == {name.upper(): json.dumps(value).strip('"') for name, value in defaults.items()}


def test_every_field_on_customers_record_operation_and_job_is_on_the_page(usual):
    (plugin,) = [
        one for one in usual.query("{ plugins { name fields } }")["plugins"] if one["name"] == "satisfaction_surveys"
    ]
    added = [
        name for record, name in (field.split(".") for field in plugin["fields"]) if record in ("Customer", "Contact")
    ]
    records = [record.__name__ for record in SatisfactionSurveys().register_records()]
    jobs = [job.name for job in SatisfactionSurveys().register_jobs()]
    operations = [
        field["name"]
        for root in ("Query", "Mutation")
        for field in usual.query(f'{{ __type(name: "{root}") {{ fields {{ name }} }} }}')["__type"]["fields"]
        if re.search(
            "[sS]atisfaction|[a-z]Survey$|surveyForm|SurveyRespon|SurveyQuestions|SurveyTransl|SurveyAudience",
            field["name"],
        )
        and not re.match("create|update|delete|restore|destroy|upsert|survey[A-EG-Z]", field["name"])
    ]
    assert len(operations) > 10
    missing = [
        name for name in (*added, *records, *jobs, *operations, *SatisfactionSurveys.events) if f"`{name}`" not in TEXT
    ]
    assert missing == []


ROWS = """
    ID,Market,Survey date,Customer Name,Month,Quarter,NPS
    1000,US,01/09/21,Ann Field,9,3,10
    1001,MEX,07/11/21,Bo Stone,11,4,9
    1002,UK,25/12/21,Ann Field,12,4,0
    1003,UK,26/12/21,Cy Rivers,12,4,7
    1004,UK,27/12/21,Di Woods,12,4,11
"""


def test_responses_are_imported_by_the_example_mapping_and_a_second_run_changes_nothing(usual, clock, tmp_path):
    mapping = (ROOT / "docs/examples/nps_bank/responses.toml").read_text()
    folder = Folder(tmp_path)
    first = folder.load(usual, mapping, ROWS)
    assert (first["customer"], first["response"]) == ({"created": 4}, {"created": 4, "rejected": 1})
    assert folder.rejected()[0][2].startswith("npsScore: 11 is too large")
    assert folder.load(usual, mapping, ROWS)["response"] == {"unchanged": 4, "rejected": 1}
    found = usual.query(
        """{ survey(externalId: {system: "nps_bank", value: "survey"}) { nps responseCount }
          surveyResponsesGroupBy(by: [{customer: {region: true}}], where: {survey: {externalIds: {has: {system: "nps_bank"}}}}) {
            keys { customer { region } } aggregate { count avg { npsPoints } } }
          customers(where: {externalIds: {has: {system: "nps_bank"}}}) { nodes { tasks { totalCount } } } }"""
    )
    assert found["survey"] == {"nps": "25.00", "responseCount": 4}
    assert [
        (group["keys"]["customer"]["region"], group["aggregate"]["count"], group["aggregate"]["avg"]["npsPoints"])
        for group in found["surveyResponsesGroupBy"]
    ] == [("MEX", 1, "100.00"), ("UK", 2, "-50.00"), ("US", 1, "100.00")]
    # Answers of years ago are not followed up.
    assert {one["tasks"]["totalCount"] for one in found["customers"]["nodes"]} == {0}
