"""What customers buy in a year, our share of it, and what is reached of a target."""

import pytest

from plugins.value_tiering import ValueTiering
from plugins.value_tiering.models import AccountClass
from plugins.value_tiering.targets.models import TargetKind
from plugins.value_tiering.targets.rules import target_kind
from tests import data
from tests.writes import with_rows


def sold(client, sales):
    """Enters transactions: customer, day, amount."""
    names = dict.fromkeys(name for name, *_ in sales)
    data.upsert(client, "customers", [{"externalIds": [data.key(name)], "name": name} for name in names])
    rows = [
        {
            "externalIds": [data.key(f"{name} {day}")],
            "customerExternalId": data.key(name),
            "occurredOn": day,
            "actualAmount": {"amount": str(amount)},
        }
        for name, day, amount in sales
    ]
    data.upsert(client, "transactions", rows)


def purchases(client, *rows):
    """Enters what customers bought from everybody: customer, year, total."""
    items = [
        {
            "externalIds": [data.key(f"{name} {year}")],
            "customerExternalId": data.key(name),
            "year": year,
            "total": {"amount": str(total)},
        }
        for name, year, total in rows
    ]
    return with_rows(data.upsert(client, "purchaseTotals", items))


CREATE = """mutation ($input: CreateCustomerTargetInput!) { createCustomerTarget(input: $input) {
    customerTarget { kind sales { amount } shareOfWallet attainment } userErrors { code message field } } }"""


def target(client, name, **given):
    input = {"customerExternalId": data.key(name), "year": 2025, **given}
    return client.query(CREATE, input=input)["createCustomerTarget"]


def customer(client, name, fields):
    return client.query(f'{{ customer(externalId: {{system: "test", value: "{name}"}}) {{ {fields} }} }}')["customer"]


def override(client, name, tier):
    text = """mutation ($input: OverrideValueTierInput!) { overrideValueTier(input: $input) {
        customer { accountClass } userErrors { message } } }"""
    given = {"customerId": customer(client, name, "id")["id"], "tier": tier, "reason": "known"}
    return client.query(text, input=given)["overrideValueTier"]["customer"]["accountClass"]


def test_t8_the_smaller_sale_is_the_better_one_measured_by_its_target(crm):
    client = crm(ValueTiering)
    sold(client, [("non-named", "2025-03-01", 200_000), ("major", "2025-03-01", 600_000)])
    purchases(client, ("non-named", 2025, 210_000), ("major", 2025, 20_000_000))
    assert override(client, "non-named", "ORDINARY") == "NON_NAMED"
    assert override(client, "major", "IMPORTANT") == "MAJOR"
    assert target(client, "non-named", targetRevenue={"amount": "150000"})["customerTarget"] == {
        "kind": "ABSOLUTE_REVENUE",
        "sales": {"amount": "200000.00"},
        "shareOfWallet": "95.24",
        "attainment": "133.33",
    }
    assert target(client, "major", targetShare="20")["customerTarget"] == {
        "kind": "SHARE_OF_WALLET",
        "sales": {"amount": "600000.00"},
        "shareOfWallet": "3.00",
        "attainment": "15.00",
    }
    best = client.query('{ customerTargets(where: {attainment: {gte: "100"}}) { nodes { customer { name } } } }')
    assert best["customerTargets"]["nodes"] == [{"customer": {"name": "non-named"}}]


def test_t9_share_of_wallet_of_the_latest_year_that_is_known(crm):
    client = crm(ValueTiering)
    sold(
        client,
        [
            ("a", "2024-12-31", 200_000),
            ("a", "2025-01-01", 50_000),
            ("b", "2024-06-01", 600_000),
            ("c", "2024-06-01", 1),
        ],
    )
    purchases(client, ("a", 2023, 9), ("a", 2024, 210_000), ("b", 2024, 20_000_000), ("c", 2024, 0))
    fields = "purchasesYear annualPurchaseTotal { amount } shareOfWallet"
    assert customer(client, "a", fields) == {
        "purchasesYear": 2024,
        "annualPurchaseTotal": {"amount": "210000.00"},
        "shareOfWallet": "95.24",
    }
    assert customer(client, "b", "shareOfWallet")["shareOfWallet"] == "3.00"
    assert customer(client, "c", "shareOfWallet")["shareOfWallet"] is None
    large = client.query('{ customers(where: {shareOfWallet: {gte: "50"}}) { nodes { name } } }')["customers"]
    assert large["nodes"] == [{"name": "a"}]
    history = customer(client, "a", "purchaseTotals { nodes { year sales { amount } shareOfWallet } }")
    assert history["purchaseTotals"]["nodes"] == [
        {"year": 2024, "sales": {"amount": "200000.00"}, "shareOfWallet": "95.24"},
        {"year": 2023, "sales": {"amount": "0.00"}, "shareOfWallet": "0.00"},
    ]


def test_t9_a_year_is_a_fiscal_year(crm):
    client = crm(ValueTiering, fiscal_year_start=4)
    sold(client, [("a", "2024-04-01", 30), ("a", "2025-03-31", 20), ("a", "2025-04-01", 7), ("a", "2024-03-31", 5)])
    (row,) = purchases(client, ("a", 2024, 40))["results"]
    assert [warning["code"] for warning in row["warnings"]] == ["ABOVE_WHOLE"]
    history = customer(client, "a", "shareOfWallet purchaseTotals { nodes { sales { amount } } }")
    assert history == {"shareOfWallet": "125.00", "purchaseTotals": {"nodes": [{"sales": {"amount": "50.00"}}]}}


def test_t9_more_than_all_is_entered_with_a_warning(crm):
    client = crm(ValueTiering)
    sold(client, [("a", "2024-12-31", 200)])
    (row,) = purchases(client, ("a", 2024, 150))["results"]
    assert (row["status"], [warning["code"] for warning in row["warnings"]]) == ("CREATED", ["ABOVE_WHOLE"])
    assert "in 2024 we alone sold more than that" in row["warnings"][0]["message"]
    assert customer(client, "a", "shareOfWallet")["shareOfWallet"] == "133.33"
    (again,) = purchases(client, ("a", 2024, 150))["results"]
    assert again["status"] == "UNCHANGED"
    (enough,) = purchases(client, ("a", 2024, 200))["results"]
    assert enough["warnings"] == []


def test_t9_a_customer_has_one_total_and_one_target_a_year(crm):
    client = crm(ValueTiering)
    sold(client, [("a", "2024-12-31", 200)])
    purchases(client, ("a", 2024, 500))
    twin = client.query(
        """mutation ($input: CreatePurchaseTotalInput!) { createPurchaseTotal(input: $input) {
            userErrors { code } } }""",
        input={"customerExternalId": data.key("a"), "year": 2024, "total": {"amount": "1"}},
    )
    assert [error["code"] for error in twin["createPurchaseTotal"]["userErrors"]] == ["ALREADY_EXISTS"]
    assert target(client, "a", targetRevenue={"amount": "1"})["userErrors"] == []
    assert [error["code"] for error in target(client, "a", targetRevenue={"amount": "1"})["userErrors"]] == [
        "ALREADY_EXISTS"
    ]


def test_t8_a_target_has_the_value_of_its_kind_and_no_other(crm):
    client = crm(ValueTiering)
    sold(client, [("major", "2025-03-01", 1), ("unknown", "2025-03-01", 1)])
    override(client, "major", "IMPORTANT")
    given = {"targetRevenue": {"amount": "5"}}
    (refused,) = target(client, "major", kind="SHARE_OF_WALLET", **given)["userErrors"]
    assert (refused["code"], refused["field"]) == ("INVALID", ["targetShare"])
    assert refused["message"].endswith("a target of the kind SHARE_OF_WALLET needs it; give a share in percent")
    (refused,) = target(client, "major", **given)["userErrors"]
    assert refused["message"].startswith(
        "targetShare: customers classed as major or named accounts have targets of SHARE_OF_WALLET"
    )
    (refused,) = target(client, "major", targetShare="5", **given)["userErrors"]
    assert refused["field"] == ["targetRevenue"]
    chosen = target(client, "major", targetRevenue={"amount": "5"}, kind="ABSOLUTE_REVENUE")["customerTarget"]
    assert (chosen["kind"], chosen["attainment"]) == ("ABSOLUTE_REVENUE", "20.00")
    made = target(client, "unknown", targetRevenue={"amount": "4"})["customerTarget"]
    assert (made["kind"], made["attainment"], made["shareOfWallet"]) == ("ABSOLUTE_REVENUE", "25.00", None)


def test_t8_the_attainment_of_a_share_is_not_known_without_the_whole(crm):
    client = crm(ValueTiering)
    sold(client, [("a", "2025-03-01", 1)])
    made = target(client, "a", targetShare="20", kind="SHARE_OF_WALLET")["customerTarget"]
    assert (made["shareOfWallet"], made["attainment"]) == (None, None)


@pytest.mark.parametrize(
    ("account_class", "kind"),
    [
        (AccountClass.MAJOR, TargetKind.SHARE_OF_WALLET),
        (AccountClass.NAMED, TargetKind.SHARE_OF_WALLET),
        (AccountClass.NON_NAMED, TargetKind.ABSOLUTE_REVENUE),
        (AccountClass.MASS_MARKET, TargetKind.ABSOLUTE_REVENUE),
        (None, TargetKind.ABSOLUTE_REVENUE),
    ],
)
def test_t8_the_kind_follows_the_class(account_class, kind):
    assert target_kind(account_class) is kind
