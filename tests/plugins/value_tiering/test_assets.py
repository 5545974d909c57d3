"""What customers are worth as an asset: benefit minus retention cost, discounted, of one and of all."""

from decimal import Decimal

import pytest

from plugins.value_tiering import ValueTiering
from plugins.value_tiering.assets import rules
from tests import data

VALUE = """query ($id: ID!, $first: Int!, $last: Int!, $discount: Decimal) {
    customerAssetValue(customerId: $id, firstYear: $first, lastYear: $last, discountPercent: $discount) {
        benefit discountPercent value { amount }
        years { year benefit { amount } retentionCost { amount } net { amount } } } }"""
EQUITY = """query ($first: Int!, $last: Int!) {
    customerEquity(firstYear: $first, lastYear: $last) { value { amount } discountPercent years { net { amount } } } }"""
YEARS = {2022: (300_000, 50_000), 2023: (320_000, 60_000), 2024: (350_000, 70_000)}


def entered(client, name, years):
    """Enters a customer that brought something in each year, and cost something."""
    data.upsert(client, "customers", [{"externalIds": [data.key(name)], "name": name}])
    owner = {"customerExternalId": data.key(name)}
    data.upsert(
        client,
        "transactions",
        [
            {
                "externalIds": [data.key(f"{name} {year}")],
                **owner,
                "occurredOn": f"{year}-12-31",
                "actualAmount": {"amount": str(benefit)},
                "cost": {"amount": "100000"},
            }
            for year, (benefit, _) in years.items()
        ],
    )
    uses = [
        {
            "externalIds": [data.key(f"{name} {year}")],
            **owner,
            "usedOn": f"{year}-01-01",
            "kind": "FUNDS",
            "cost": {"amount": str(cost)},
        }
        for year, (_, cost) in years.items()
    ]
    data.upsert(client, "resourceUses", uses)
    return client.query(f'{{ customer(externalId: {{system: "test", value: "{name}"}}) {{ id }} }}')["customer"]["id"]


def test_t13_three_years_are_worth_790_000_and_discounted_652_516_90(crm):
    client = crm(ValueTiering)
    id = entered(client, "a", YEARS)
    plain = client.query(VALUE, id=id, first=2022, last=2024)["customerAssetValue"]
    assert (plain["benefit"], plain["discountPercent"], plain["value"]) == ("REVENUE", "0", {"amount": "790000.00"})
    assert plain["years"][0] == {
        "year": 2022,
        "benefit": {"amount": "300000.00"},
        "retentionCost": {"amount": "50000.00"},
        "net": {"amount": "250000.00"},
    }
    assert [year["net"]["amount"] for year in plain["years"]] == ["250000.00", "260000.00", "280000.00"]
    discounted = client.query(VALUE, id=id, first=2022, last=2024, discount="10")["customerAssetValue"]
    assert discounted["value"] == {"amount": "652516.90"}
    early = client.query(VALUE, id=id, first=2021, last=2022)["customerAssetValue"]
    assert [year["net"]["amount"] for year in early["years"]] == ["0.00", "250000.00"]


def test_t13_equity_is_the_sum_over_customers_by_policy(crm):
    client = crm(ValueTiering, plugins={"value_tiering": {"discount_percent": "10", "benefit": "PROFIT"}})
    entered(client, "a", YEARS)
    entered(client, "b", {2024: (110_000, 20_000)})
    equity = client.query(EQUITY, first=2022, last=2024)["customerEquity"]
    assert [year["net"]["amount"] for year in equity["years"]] == ["150000.00", "160000.00", "170000.00"]
    assert (equity["discountPercent"], equity["value"]) == ("10", {"amount": "396318.56"})


def test_t13_years_are_fiscal_years(crm):
    client = crm(ValueTiering, fiscal_year_start=4)
    id = entered(client, "a", {2023: (100, 7), 2024: (200, 9)})
    value = client.query(VALUE, id=id, first=2022, last=2024)["customerAssetValue"]
    assert [(year["year"], year["benefit"]["amount"], year["retentionCost"]["amount"]) for year in value["years"]] == [
        (2022, "0.00", "7.00"),
        (2023, "100.00", "9.00"),
        (2024, "200.00", "0.00"),
    ]


def test_t13_periods_and_customers_that_are_not_there_are_refused(crm):
    client = crm(ValueTiering)
    id = entered(client, "a", {2024: (1, 1)})
    for given, field in (
        ({"id": id, "first": 2024, "last": 2023}, "lastYear"),
        ({"id": id, "first": 1900, "last": 2000}, "lastYear"),
        ({"id": id, "first": 2024, "last": 2024, "discount": "101"}, "discountPercent"),
        ({"id": "cus_0000000000000000000000000", "first": 2024, "last": 2024}, "customerId"),
    ):
        assert client.execute(VALUE, **given)["errors"][0]["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("nets", "discount", "value"),
    [
        ([250_000, 260_000, 280_000], 0, "790000.00"),
        ([250_000, 260_000, 280_000], 10, "652516.90"),
        ([-110], 10, "-100.00"),
        ([], 10, "0.00"),
    ],
)
def test_t13_years_are_discounted_from_their_ends(nets, discount, value):
    assert rules.asset_value([Decimal(net) for net in nets], Decimal(discount), Decimal("0.01")) == Decimal(value)
