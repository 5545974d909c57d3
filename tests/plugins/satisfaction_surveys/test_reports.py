"""Reports: the rate against the target by any grouping, by value, with intervals; NPS by market (S4, X21)."""

import pytest

GROUP = """keys { name value } responses respondents satisfied rate rateInterval { low high } isTargetMet attainment weightedRate
    promoters passives detractors nps npsInterval { low high } gap rating csat ces perceivedValue"""
REPORT = f"""query ($where: SurveyResponseWhere, $by: [SurveyResponseGroupKey!], $asOf: Date, $satisfiedBy: SatisfiedBy,
    $target: Decimal) {{ satisfactionReport(where: $where, by: $by, asOf: $asOf, satisfiedBy: $satisfiedBy,
    targetPercent: $target) {{ asOf policyVersion satisfiedBy targetPercent confidencePercent
    groups {{ {GROUP} }} causes {{ {GROUP} }} }} }}"""


@pytest.fixture
def markets(world):
    """A world with ten customers in two regions, each with one response in May or June."""
    world.customers("A0", "A1", "A2", "A3", "A4", region="North")
    world.customers("B0", "B1", "B2", "B3", "B4", region="South")
    world.survey_id = world.survey()
    world.responses(
        world.survey_id,
        *(
            (f"A{number}", f"2025-05-0{number + 1}", {"npsScore": nps, "actualRating": "4", "expectedRating": expected})
            for number, (nps, expected) in enumerate([(10, "4"), (9, "3"), (9, "4"), (8, "4"), (3, "3")])
        ),
        *((f"B{number}", f"2025-06-0{number + 1}", {"npsScore": nps}) for number, nps in enumerate([10, 7, 6, 0, 0])),
    )
    return world


def report(world, **given):
    mine = {"surveyId": {"eq": world.survey_id}}
    where = {"and": [mine, given.pop("where", {})]}
    return world.query(REPORT, where=where, **given)["satisfactionReport"]


def test_s4_all_responses_are_one_group_that_explains_itself(markets):
    found = report(markets)
    assert (found["asOf"], found["satisfiedBy"], found["targetPercent"]) == ("2025-06-15", "GAP", "90")
    assert len(found["policyVersion"]) == 12
    assert found["groups"] == [
        {
            "keys": [],
            "responses": 10,
            "respondents": 5,
            "satisfied": 5,
            "rate": "100.00",
            "rateInterval": {"low": "56.55", "high": "100.00"},
            "isTargetMet": True,
            "attainment": "111.11",
            "weightedRate": None,
            "promoters": 4,
            "passives": 2,
            "detractors": 4,
            "nps": "0.00",
            "npsInterval": {"low": "-55.44", "high": "55.44"},
            "gap": "0.40",
            "rating": "4.00",
            "csat": None,
            "ces": None,
            "perceivedValue": None,
        }
    ]


def test_nps_by_region_of_the_customer_and_by_month(markets):
    found = report(markets, by=[{"customer": {"region": True}}, {"answeredOn": "MONTH"}])["groups"]
    assert [(group["keys"], group["nps"], group["responses"]) for group in found] == [
        ([{"name": "customer.region", "value": "North"}, {"name": "answeredOn", "value": "2025-05-01"}], "40.00", 5),
        ([{"name": "customer.region", "value": "South"}, {"name": "answeredOn", "value": "2025-06-01"}], "-40.00", 5),
    ]
    assert found[1]["rate"] is None
    assert found[1]["isTargetMet"] is None


def test_the_same_numbers_come_of_a_plain_group_by_in_one_statement(markets):
    found = markets.query(
        """query ($id: ID!) { surveyResponsesGroupBy(by: [{customer: {region: true}}], where: {surveyId: {eq: $id}}) {
            keys { customer { region } } aggregate { count avg { npsPoints satisfiedPercent } } } }""",
        id=markets.survey_id,
    )["surveyResponsesGroupBy"]
    assert [(group["keys"]["customer"]["region"], *group["aggregate"]["avg"].values()) for group in found] == [
        ("North", "40.00", "100.00"),
        ("South", "-40.00", None),
    ]
    own = markets.of(markets.survey_id, "nps satisfactionRate isTargetMet satisfactionRating npsScore")
    assert own == {
        "nps": "0.00",
        "satisfactionRate": "100.00",
        "isTargetMet": True,
        "satisfactionRating": "4.00",
        "npsScore": "6.20",
    }


def test_a_report_as_of_another_day_counts_what_was_answered_by_then(markets):
    found = report(markets, asOf="2025-05-03")
    assert (found["asOf"], found["groups"][0]["responses"], found["groups"][0]["nps"]) == ("2025-05-03", 3, "100.00")
    assert report(markets, asOf="2025-04-30")["groups"][0]["nps"] is None


def test_a_what_if_by_rating_or_with_another_target(markets):
    markets.responses(markets.survey_id, ("B0", "2025-06-10", {"actualRating": "4.5", "expectedRating": "5"}))
    policy = report(markets)["groups"][0]
    assert (policy["satisfied"], policy["rate"], policy["isTargetMet"]) == (5, "83.33", False)
    supposed = report(markets, satisfiedBy="RATING")
    assert (supposed["satisfiedBy"], supposed["groups"][0]["rate"]) == ("RATING", "100.00")
    assert report(markets, target="83.34")["groups"][0]["isTargetMet"] is False
    assert report(markets, target="83.33")["groups"][0]["isTargetMet"] is True
    answer = markets.client.execute(REPORT, target="101")
    assert answer["errors"][0]["message"].startswith("targetPercent: 101 is not possible")


def test_the_weighted_rate_counts_each_customer_by_its_value_once_a_survey(world):
    world.customers("Large", "Small", contacts=2)
    for name, amount in (("Large", "900"), ("Small", "100")):
        world.done(
            "createTransaction",
            "transaction { id }",
            customerId=world.id_of("customer", name),
            occurredOn="2025-01-01",
            actualAmount={"amount": amount},
            cost={"amount": "0"},
        )
    world.survey_id = world.survey()
    good, bad = {"actualRating": "4", "expectedRating": "3"}, {"actualRating": "3", "expectedRating": "4"}
    world.responses(
        world.survey_id,
        ("Large-0", "2025-06-01", bad),
        ("Large-1", "2025-06-01", good),
        ("Small-0", "2025-06-01", good),
    )
    (group,) = report(world)["groups"]
    assert (group["rate"], group["weightedRate"]) == ("66.67", "55.00")
    values = world.of(world.survey_id, "responses { nodes { customer { name } customerValue { amount } } }")
    assert sorted(
        (one["customer"]["name"], one["customerValue"]["amount"]) for one in values["responses"]["nodes"]
    ) == [
        ("Large", "450.00"),
        ("Large", "450.00"),
        ("Small", "100.00"),
    ]


GOOD, BAD = {"actualRating": "4", "expectedRating": "3"}, {"actualRating": "3", "expectedRating": "4"}


def test_s4_respondents_are_people_who_each_count_once_by_the_latest_answer(world):
    world.customers("Ann", "Bo", contacts=2)
    world.survey_id = world.survey()
    world.responses(
        world.survey_id,
        *(("Ann-0", f"2025-0{month}-01", {**BAD, "npsScore": 0}) for month in range(1, 5)),
        ("Ann-0", "2025-05-01", {**GOOD, "npsScore": 10}),
        ("Ann-1", "2025-05-01", GOOD),
        ("Ann", "2025-05-01", BAD),
        ("Bo", "2025-05-01", GOOD),
    )
    (group,) = report(world)["groups"]
    assert (group["responses"], group["respondents"], group["satisfied"]) == (8, 4, 3)
    assert (group["rate"], group["rateInterval"]) == ("75.00", {"low": "30.06", "high": "95.44"})
    assert (group["isTargetMet"], group["attainment"], group["gap"]) == (False, "83.33", "0.50")
    assert (group["promoters"], group["detractors"], group["nps"]) == (1, 0, "100.00")
    # In the window of a month, and by an earlier day, another answer of the same person is the latest.
    months = report(world, by=[{"answeredOn": "MONTH"}])["groups"]
    assert [(one["respondents"], one["satisfied"]) for one in months] == [(1, 0)] * 4 + [(4, 3)]
    assert report(world, asOf="2025-04-30")["groups"][0]["satisfied"] == 0
    assert report(world, by=[{"createdAt": "QUARTER"}])["groups"][0]["respondents"] == 4


def test_a_measure_the_latest_answer_is_silent_on_counts_by_the_person_s_answer_before(world):
    world.customers("Ann")
    world.survey_id = world.survey()
    world.responses(
        world.survey_id, ("Ann-0", "2025-05-01", {**BAD, "npsScore": 9}), ("Ann-0", "2025-05-02", {"npsScore": 3})
    )
    (group,) = report(world)["groups"]
    assert (group["respondents"], group["satisfied"], group["detractors"], group["nps"]) == (1, 0, 1, "-100.00")


def test_spellings_of_a_text_are_one_group_of_people(world):
    world.customers("Ann", region="North")
    world.customers("Bo", region="NORTH")
    world.customers("Cy")
    world.survey_id = world.survey()
    world.responses(world.survey_id, *((who, "2025-05-01", GOOD) for who in ("Ann", "Bo", "Cy")))
    found = report(world, by=[{"customer": {"region": True}}])["groups"]
    assert {one["keys"][0]["value"]: one["respondents"] for one in found} == {"NORTH": 2, None: 1}


def test_s2_satisfaction_by_cause_of_the_expectation(world):
    world.customers("Ann", "Bo", "Cy", "Di")
    world.survey_id = world.survey()
    both = ["ADVERTISING_PROMISE", "PAST_EXPERIENCE"]
    world.responses(
        world.survey_id,
        ("Ann", "2025-05-01", {**BAD, "expectationCauses": both}),
        ("Bo", "2025-05-01", {**BAD, "expectationCauses": ["ADVERTISING_PROMISE"]}),
        ("Cy", "2025-05-01", {**GOOD, "expectationCauses": ["PAST_EXPERIENCE"]}),
        ("Di", "2025-05-01", GOOD),
    )
    found = report(world)
    assert [(one["keys"], one["respondents"], one["rate"], one["gap"]) for one in found["causes"]] == [
        ([{"name": "expectationCause", "value": "PAST_EXPERIENCE"}], 2, "50.00", "0.00"),
        ([{"name": "expectationCause", "value": "ADVERTISING_PROMISE"}], 2, "0.00", "-1.00"),
    ]


def test_without_value_tiering_nothing_is_weighed_and_nothing_fails(other):
    other.customers("Ann")
    other.survey_id = other.survey()
    other.responses(other.survey_id, ("Ann", "2025-06-01", {"actualRating": "4", "expectedRating": "4"}))
    (group,) = report(other)["groups"]
    assert (group["rate"], group["weightedRate"]) == ("100.00", None)
    value = other.of(other.survey_id, "responses { nodes { customerValue { amount } } }")
    assert value == {"responses": {"nodes": [{"customerValue": None}]}}


def test_more_groups_than_a_list_may_have_are_refused(other):
    other.customers("A", "B", "C", "D", "E")
    other.survey_id = other.survey()
    other.responses(other.survey_id, *((name, "2025-06-01", {"npsScore": 9}) for name in "ABCDE"))
    where = {"surveyId": {"eq": other.survey_id}}
    answer = other.client.execute(REPORT, where=where, by=[{"customer": {"name": True}}])
    assert answer["errors"][0]["message"] == ("by: this makes 5 groups or more; use fewer keys, or a narrower where")


# Somebody who answers 3 in March and 9 in June counts by the 9, beside one who answers 9; a score that is left out does
# not take the place of an earlier one.
def test_s3_the_fields_of_a_survey_and_its_report_count_people_by_their_latest_answer(world):
    world.customers("Ann", "Ben")
    world.survey_id = world.survey()
    ratings = {"actualRating": "2", "expectedRating": "4"}
    world.responses(
        world.survey_id,
        ("Ann-0", "2025-03-01", {"npsScore": 3, "actualRating": "5", "expectedRating": "4"}),
        ("Ann-0", "2025-06-01", {"npsScore": 9}),
        ("Ben", "2025-05-01", {"npsScore": 9, "actualRating": "4", "expectedRating": "4"}),
        ("Ben", "2025-05-02", ratings),
        ("Ben-0", "2025-05-03", ratings),
    )
    fields = "responseCount nps satisfactionRate satisfactionGap isTargetMet"
    assert world.of(world.survey_id, fields) == {
        "responseCount": 5,
        "nps": "100.00",
        "satisfactionRate": "33.33",
        "satisfactionGap": "-1.00",
        "isTargetMet": False,
    }
    (group,) = report(world)["groups"]
    assert [group[name] for name in ("respondents", "nps", "rate", "gap")] == [3, "100.00", "33.33", "-1.00"]
