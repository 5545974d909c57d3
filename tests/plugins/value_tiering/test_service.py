"""How customers are served by their tier, and what people know of them as buyers."""

import pytest

from plugins.value_tiering import ValueTiering
from tests import data


@pytest.fixture(scope="module")
def shared(module_crm):
    """Ten customers by profit: c0 important, c1 main, c2 to c4 ordinary, the others small."""
    client = module_crm(
        ValueTiering,
        plugins={
            "value_tiering": {
                "current_value_threshold": "500",
                "potential_value_threshold": "1000",
                "loyalty_codes": {"stable": "w", "strategic": "s"},
            }
        },
    )
    names = [f"c{n}" for n in range(10)]
    data.upsert(client, "customers", [{"externalIds": [data.key(name)], "name": name} for name in names])
    sales = [
        {
            "externalIds": [data.key(f"x{n}")],
            "customerExternalId": data.key(name),
            "occurredOn": "2025-05-01",
            "actualAmount": {"amount": str(900 - 100 * n)},
            "cost": {"amount": "0"},
        }
        for n, name in enumerate(names)
    ]
    data.upsert(client, "transactions", sales)
    client.query("mutation { recomputeValueTiers(input: {}) { changed } }")
    return client


def customer(client, name, fields):
    return client.query(f'{{ customer(externalId: {{system: "test", value: "{name}"}}) {{ {fields} }} }}')["customer"]


def test_t4_measures_coverage_and_cadence_follow_the_tier(shared):
    fields = "recommendedMeasures coverageModel contactCadenceDays"
    assert customer(shared, "c0", fields) == {
        "recommendedMeasures": ["REAL_TIME_COMMUNICATION", "BEST_RESOURCES", "DEDICATED_VIP", "KEEP_SATISFIED"],
        "coverageModel": "ONE_TO_ONE",
        "contactCadenceDays": 7,
    }
    main = customer(shared, "c1", fields)
    assert main["recommendedMeasures"] == ["PROACTIVE_CONTACT", "LEARN_NEEDS", "FITTING_OFFER"]
    assert (main["coverageModel"], main["contactCadenceDays"]) == ("ONE_TO_FEW", 30)
    assert customer(shared, "c8", fields) == {
        "recommendedMeasures": ["ADJUST_STRATEGY", "REDIRECT_EFFORT"],
        "coverageModel": "CALL_CENTRE",
        "contactCadenceDays": None,
    }
    assert customer(shared, "c9", "recommendedMeasures") == {
        "recommendedMeasures": ["ADJUST_STRATEGY", "ABANDON", "REDIRECT_EFFORT"]
    }


def test_t6_a_high_potential_without_contact_in_time_is_neglected(shared):
    data.upsert(shared, "customers", [{"externalIds": [data.key("c4")], "potentialValue": {"amount": "1000"}}])
    neglected = "{ customers(where: {isPotentialNeglected: {eq: true}}) { nodes { name isContactOverdue } } }"
    assert shared.query(neglected)["customers"]["nodes"] == []
    data.upsert(shared, "customers", [{"externalIds": [data.key("c5")], "potentialValue": {"amount": "1000"}}])
    data.upsert(shared, "customers", [{"externalIds": [data.key("c4")], "potentialValue": {"amount": "999"}}])
    assert shared.query(neglected)["customers"]["nodes"] == []
    override = """mutation ($id: ID!) { overrideValueTier(input: {customerId: $id, tier: ORDINARY, reason: "Potential"}) {
        userErrors { code } } }"""
    shared.query(override, id=customer(shared, "c5", "id")["id"])
    assert shared.query(neglected)["customers"]["nodes"] == [{"name": "c5", "isContactOverdue": True}]


PROFILE = {
    "isPriceSensitive": False,
    "isEarlyAdopter": True,
    "refersOthers": True,
    "usageIntensity": "HEAVY",
    "loyaltyClass": "STRATEGIC",
    "relationshipLevel": "ALLIANCE",
    "isStrategicAccount": True,
}


def test_t3_t15_t19_x20_the_profile_is_entered_filtered_and_independent_of_the_tier(shared):
    data.upsert(shared, "customers", [{"externalIds": [data.key("c8")], **PROFILE}])
    assert customer(shared, "c8", " ".join(PROFILE)) == PROFILE
    found = shared.query(
        """{ customers(where: {loyaltyClass: {eq: STRATEGIC}, isStrategicAccount: {eq: true}}) {
            nodes { name valueTier loyaltyCode } } }"""
    )
    assert found["customers"]["nodes"] == [{"name": "c8", "valueTier": "SMALL", "loyaltyCode": "s"}]


def test_x19_the_letters_are_by_default_as_printed(crm):
    client = crm(ValueTiering)
    for name in ("STABLE", "STRATEGIC", "GENERAL", "POTENTIAL"):
        data.upsert(client, "customers", [{"externalIds": [data.key(name)], "name": name, "loyaltyClass": name}])
    found = client.query("{ customers { nodes { loyaltyClass loyaltyCode } } }")["customers"]["nodes"]
    assert {node["loyaltyClass"]: node["loyaltyCode"] for node in found} == {
        "STABLE": "s",
        "STRATEGIC": "w",
        "GENERAL": "n",
        "POTENTIAL": "p",
    }
