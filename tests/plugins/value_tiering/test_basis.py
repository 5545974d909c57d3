"""What customers are ranked by: measure and period, the population, thresholds of few values, and hysteresis."""

from datetime import timedelta

from plugins.value_tiering import ValueTiering
from tests import data

RECOMPUTE = """mutation ($input: RecomputeValueTiersInput!) { recomputeValueTiers(input: $input) {
    ranked unmeasured changed measure periodStart periodEnd warnings { code message field }
    userErrors { code message field } } }"""
RANKS = """{ customers(where: {valueRank: {isNull: false}}, orderBy: [{valueRank: ASC}]) {
    nodes { name currentValue { amount } } } }"""
OVERRIDE = """mutation ($input: OverrideValueTierInput!) { overrideValueTier(input: $input) {
    customer { tierChanges { nodes { previousTier tier reason note } } } userErrors { code } } }"""


def bought(client, sales):
    """Enters transactions: customer, day, amount, cost."""
    names = dict.fromkeys(name for name, *_ in sales)
    data.upsert(client, "customers", [{"externalIds": [data.key(name)], "name": name} for name in names])
    rows = [
        {
            "externalIds": [data.key(f"t{number}")],
            "customerExternalId": data.key(name),
            "occurredOn": day,
            "actualAmount": {"amount": str(amount)},
            "quantity": "1",
            **({} if cost is None else {"cost": {"amount": str(cost)}}),
        }
        for number, (name, day, amount, cost) in enumerate(sales)
    ]
    data.upsert(client, "transactions", rows)


def recomputed(client, **given):
    return client.query(RECOMPUTE, input=given)["recomputeValueTiers"]


def ranks(client):
    return [(node["name"], node["currentValue"]["amount"]) for node in client.query(RANKS)["customers"]["nodes"]]


def customer(client, name, fields):
    return client.query(f'{{ customer(externalId: {{system: "test", value: "{name}"}}) {{ {fields} }} }}')["customer"]


def test_x24_measure_and_period_are_arguments_and_what_is_not_measured_is_reported(crm):
    client = crm(ValueTiering)
    bought(client, [("old", "2001-05-01", 900, None), ("new", "2025-05-01", 100, None), ("new", "2025-05-02", 50, 20)])
    by_profit = recomputed(client)
    assert (by_profit["ranked"], by_profit["unmeasured"], by_profit["measure"]) == (1, 1, "PROFIT")
    (warning,) = by_profit["warnings"]
    assert (warning["code"], warning["field"]) == ("NOT_MEASURED", ["measure"])
    assert warning["message"].startswith("measure: 1 customers that bought are not ranked, because no cost is known")
    assert ranks(client) == [("new", "30.00")]

    by_revenue = recomputed(client, measure="REVENUE")
    assert (by_revenue["ranked"], by_revenue["unmeasured"], by_revenue["warnings"]) == (2, 0, [])
    assert ranks(client) == [("old", "900.00"), ("new", "150.00")]

    of_late = recomputed(client, measure="REVENUE", periodStart="2024-06-16", periodEnd="2025-05-01")
    assert (of_late["ranked"], of_late["periodStart"], of_late["periodEnd"]) == (1, "2024-06-16", "2025-05-01")
    assert ranks(client) == [("new", "100.00")]
    assert customer(client, "old", "valueTier currentValue { amount } lifetimeRevenue { amount }") == {
        "valueTier": None,
        "currentValue": {"amount": "0.00"},
        "lifetimeRevenue": {"amount": "900.00"},
    }
    bought(client, [("new", "2025-04-01", 7, None)])
    assert customer(client, "new", "currentValue { amount }") == {"currentValue": {"amount": "107.00"}}

    wrong = recomputed(client, periodStart="2025-06-01", periodEnd="2025-05-01")
    assert [error["field"] for error in wrong["userErrors"]] == [["periodEnd"]]


def test_x24_the_period_by_policy_ends_on_the_day_of_the_recompute(crm, clock):
    client = crm(ValueTiering, clock=clock, plugins={"value_tiering": {"measure": "REVENUE", "period_months": 12}})
    bought(client, [("a", "2024-06-15", 900, 1), ("b", "2024-06-16", 100, 1), ("b", "2025-06-15", 20, 1)])
    done = recomputed(client)
    assert (done["periodStart"], done["periodEnd"]) == ("2024-06-16", "2025-06-15")
    assert ranks(client) == [("b", "120.00")]


def test_t1_former_customers_are_not_ranked_unless_all_are(crm):
    sales = [("former", "2001-05-01", 900, 1), ("present", "2025-05-01", 100, 1)]
    for population, expected in (("ACTIVE", ["present"]), ("ALL", ["former", "present"])):
        client = crm(ValueTiering, plugins={"value_tiering": {"population": population}})
        bought(client, sales)
        data.upsert(client, "customers", [{"externalIds": [data.key("former")], "status": "FORMER"}])
        recomputed(client)
        assert [name for name, _ in ranks(client)] == expected


def test_t6_the_median_of_few_values_decides_nothing_and_no_purchase_is_a_low_value(crm):
    client = crm(ValueTiering, plugins={"value_tiering": {"minimum_values": 3}})
    bought(client, [(f"c{n}", "2025-05-01", 100 * (n + 1), 1) for n in range(4)])

    def estimate(name, amount):
        row = {"externalIds": [data.key(name)], "name": name, "potentialValue": {"amount": str(amount)}}
        data.upsert(client, "customers", [row])

    estimate("c0", 1)
    estimate("prospect", 2_000_000)
    recomputed(client)
    fields = "valueQuadrant accountClass"
    assert customer(client, "c0", fields) == {"valueQuadrant": None, "accountClass": "MASS_MARKET"}
    estimate("c1", 5)
    recomputed(client)
    assert customer(client, "c0", fields) == {"valueQuadrant": "LOW_LOW", "accountClass": "MASS_MARKET"}
    assert customer(client, "prospect", fields) == {"valueQuadrant": "LOW_HIGH", "accountClass": "NAMED"}


def test_t1_hysteresis_keeps_a_tier_while_the_rank_is_just_beyond_it(crm):
    client = crm(ValueTiering, plugins={"value_tiering": {"hysteresis_percent": 10}})
    bought(client, [(f"c{n}", "2025-05-01", 100 * (10 - n), 1) for n in range(10)])
    recomputed(client)
    assert [customer(client, name, "valueTier")["valueTier"] for name in ("c1", "c2")] == ["MAIN", "ORDINARY"]
    bought(client, [(f"c{n}", "2025-05-01", 100 * (10 - n) + 150 * (n == 2), 1) for n in range(10)])
    assert recomputed(client)["changed"] == 0
    assert customer(client, "c2", "valueRank valueTier") == {"valueRank": 2, "valueTier": "ORDINARY"}
    bought(client, [(f"c{n}", "2025-05-01", 100 * (10 - n) + 5000 * (n == 2), 1) for n in range(10)])
    recomputed(client)
    assert customer(client, "c2", "valueRank valueTier") == {"valueRank": 1, "valueTier": "IMPORTANT"}


def test_t2_losses_are_reported_beside_the_share_of_profit(crm):
    client = crm(ValueTiering)
    results = [300, 100, 50, 50, -700, -100]
    bought(client, [(f"c{n}", "2025-05-01", 1000 + result, 1000) for n, result in enumerate(results)])
    recomputed(client)
    report = client.query("{ keyCustomerReport { shareOfProfit unprofitable losses { amount } } }")
    assert report["keyCustomerReport"] == {"shareOfProfit": "80.00", "unprofitable": 2, "losses": {"amount": "800.00"}}


def test_t1_the_reason_of_every_override_is_kept(crm):
    client = crm(ValueTiering)
    bought(client, [("a", "2025-05-01", 100, 1)])
    recomputed(client)
    id = customer(client, "a", "id")["id"]
    for reason in ("Pilot", "Contract signed"):
        done = client.query(OVERRIDE, input={"customerId": id, "tier": "MAIN", "reason": reason})["overrideValueTier"]
    assert sorted(
        (c["note"] or "", c["previousTier"], c["tier"]) for c in done["customer"]["tierChanges"]["nodes"]
    ) == [
        ("", None, "IMPORTANT"),
        ("Contract signed", "MAIN", "MAIN"),
        ("Pilot", "IMPORTANT", "MAIN"),
    ]
    assert client.query("{ events(types: [VALUE_TIER_CHANGED]) { totalCount } }") == {"events": {"totalCount": 2}}


MOVES = """mutation ($input: RecomputeValueTiersInput!) { recomputeValueTiers(input: $input) { changed
    moves { customer { name } previous tier previousRank rank previousValue value cause } userErrors { field } } }"""
BETWEEN = """query ($first: Date!, $last: Date!) { valueTierMovements(firstDay: $first, lastDay: $last) {
    previous tier customers } }"""


def test_t1_a_preview_says_who_moves_and_why_and_movements_between_days_are_counted(crm, clock):
    client = crm(ValueTiering, clock=clock)
    sales = [(f"c{n}", "2025-05-01", 100 * (10 - n), 0) for n in range(10)]
    bought(client, sales)
    recomputed(client)
    first = clock.now().date()

    def moves(**given):
        asked = {"listMoves": 10, "dryRun": True, **given}
        return client.query(MOVES, input=asked)["recomputeValueTiers"]["moves"]

    assert moves() == []
    (tried,) = moves(quotas={"important": 1, "main": 29, "ordinary": 20, "small": 50})
    assert tried == {
        "customer": {"name": "c2"},
        "previous": "ORDINARY",
        "tier": "MAIN",
        "previousRank": 3,
        "rank": 3,
        "previousValue": "800.0000",
        "value": "800.0000",
        "cause": "SHARES",
    }
    clock.moment += timedelta(days=1)
    bought(client, [*sales[:9], ("c9", "2025-05-01", 5000, 0)])
    assert [(move["customer"]["name"], move["previous"], move["tier"], move["cause"]) for move in moves()] == [
        ("c9", "SMALL", "IMPORTANT", "VALUE"),
        ("c0", "IMPORTANT", "MAIN", "OTHERS"),
        ("c1", "MAIN", "ORDINARY", "OTHERS"),
        ("c4", "ORDINARY", "SMALL", "OTHERS"),
    ]
    assert {move["cause"] for move in moves(measure="REVENUE", periodStart="2025-01-01")} == {"BASIS"}
    assert moves(listMoves=1)[0]["customer"] == {"name": "c9"}
    refused = client.query(MOVES, input={"quotas": {"important": 1, "main": 29, "ordinary": 20, "small": 50}})
    assert refused["recomputeValueTiers"]["userErrors"] == [{"field": ["quotas"]}]

    recomputed(client)
    days = {"first": first.isoformat(), "last": clock.now().date().isoformat()}
    assert client.query(BETWEEN, **days)["valueTierMovements"] == [
        {"previous": "IMPORTANT", "tier": "MAIN", "customers": 1},
        {"previous": "MAIN", "tier": "ORDINARY", "customers": 1},
        {"previous": "ORDINARY", "tier": "ORDINARY", "customers": 2},
        {"previous": "ORDINARY", "tier": "SMALL", "customers": 1},
        {"previous": "SMALL", "tier": "IMPORTANT", "customers": 1},
        {"previous": "SMALL", "tier": "SMALL", "customers": 4},
    ]
    same = client.query(BETWEEN, first=days["first"], last=days["first"])["valueTierMovements"]
    assert [(one["previous"], one["customers"]) for one in same] == [
        ("IMPORTANT", 1),
        ("MAIN", 1),
        ("ORDINARY", 3),
        ("SMALL", 5),
    ]
