"""Value tiering through GraphQL: tiers, classes, overrides, history, measures kept current."""

from datetime import UTC, datetime, timedelta

import pytest

from plugins.value_tiering import ValueTiering
from tests import data

RECOMPUTE = """mutation ($dryRun: Boolean!) { recomputeValueTiers(input: {dryRun: $dryRun}) {
    ranked changed measure movements { previous tier customers } } }"""


def customers(client, profits, prefix="c"):
    """Enters customers with one transaction each, whose profit is given; None enters none."""
    data.upsert(
        client,
        "customers",
        [{"externalIds": [data.key(f"{prefix}{n}")], "name": f"Customer {n:03d}"} for n in range(len(profits))],
    )
    data.upsert(
        client,
        "transactions",
        [
            {
                "externalIds": [data.key(f"{prefix}x{n}")],
                "customerExternalId": data.key(f"{prefix}{n}"),
                "occurredOn": "2025-05-01",
                "actualAmount": {"amount": str(profit + 100)},
                "cost": {"amount": "100"},
                "quantity": str(1000 - n),
            }
            for n, profit in enumerate(profits)
            if profit is not None
        ],
    )


def tiers(client):
    groups = client.query("{ customersGroupBy(by: [{valueTier: true}]) { keys { valueTier } aggregate { count } } }")
    return {group["keys"]["valueTier"]: group["aggregate"]["count"] for group in groups["customersGroupBy"]}


PROFITS = [500, 300, 60, 40, 30, 25, 20, 15, 7, 3]


@pytest.fixture
def ten(crm, clock):
    client = crm(ValueTiering, clock=clock)
    customers(client, PROFITS)
    return client


def test_t1_a_recompute_gives_quota_tiers_and_preview_writes_nothing(ten):
    tried = ten.query(RECOMPUTE, dryRun=True)["recomputeValueTiers"]
    assert tried == {
        "ranked": 10,
        "changed": 10,
        "measure": "PROFIT",
        "movements": [
            {"previous": None, "tier": "IMPORTANT", "customers": 1},
            {"previous": None, "tier": "MAIN", "customers": 1},
            {"previous": None, "tier": "ORDINARY", "customers": 3},
            {"previous": None, "tier": "SMALL", "customers": 5},
        ],
    }
    assert tiers(ten) == {None: 10}
    assert ten.query("{ tierChanges { totalCount } events(types: [VALUE_TIER_CHANGED]) { totalCount } }") == {
        "tierChanges": {"totalCount": 0},
        "events": {"totalCount": 0},
    }
    done = ten.query(RECOMPUTE, dryRun=False)["recomputeValueTiers"]
    assert done == tried
    assert tiers(ten) == {"IMPORTANT": 1, "MAIN": 1, "ORDINARY": 3, "SMALL": 5}
    again = ten.query(RECOMPUTE, dryRun=False)["recomputeValueTiers"]
    assert again["changed"] == 0


def test_t1_ties_go_by_potential_then_by_id_and_customers_without_data_are_not_ranked(crm):
    client = crm(ValueTiering)
    customers(client, [10, 10, 10, None])
    data.upsert(client, "customers", [{"externalIds": [data.key("c2")], "potentialValue": {"amount": "5"}}])
    client.query(RECOMPUTE, dryRun=False)
    found = client.query("{ customers(orderBy: [{valueRank: ASC}]) { nodes { name valueRank valueTier } } }")
    assert [(node["name"], node["valueRank"]) for node in found["customers"]["nodes"]] == [
        ("Customer 002", 1),
        ("Customer 000", 2),
        ("Customer 001", 3),
        ("Customer 003", None),
    ]
    assert found["customers"]["nodes"][3]["valueTier"] is None


def test_t2_key_customers_carry_80_percent_of_profit(ten):
    ten.query(RECOMPUTE, dryRun=False)
    report = ten.query("{ keyCustomerReport { customers keyCustomers shareOfCustomers shareOfProfit } }")
    assert report["keyCustomerReport"] == {
        "customers": 10,
        "keyCustomers": 2,
        "shareOfCustomers": "20.00",
        "shareOfProfit": "80.00",
    }


def test_the_tier_filters_orders_and_groups_in_one_statement_like_a_field_of_the_core(ten):
    ten.query(RECOMPUTE, dryRun=False)
    found = ten.query(
        """{ customers(where: {valueTier: {in: [IMPORTANT, MAIN]}}, orderBy: [{currentValue: DESC}]) {
            totalCount nodes { name valueTier isKeyCustomer abcClass accountClass currentValue { amount }
              tierChanges { nodes { previousTier tier reason rank value measure } } } } }"""
    )["customers"]
    assert found == {
        "totalCount": 2,
        "nodes": [
            {
                "name": "Customer 000",
                "valueTier": "IMPORTANT",
                "isKeyCustomer": True,
                "abcClass": "CLASS_A",
                "accountClass": "MAJOR",
                "currentValue": {"amount": "500.00"},
                "tierChanges": {
                    "nodes": [
                        {
                            "previousTier": None,
                            "tier": "IMPORTANT",
                            "reason": "RECOMPUTED",
                            "rank": 1,
                            "value": "500.0000",
                            "measure": "PROFIT",
                        }
                    ]
                },
            },
            {
                "name": "Customer 001",
                "valueTier": "MAIN",
                "isKeyCustomer": True,
                "abcClass": "CLASS_A",
                "accountClass": "NAMED",
                "currentValue": {"amount": "300.00"},
                "tierChanges": {
                    "nodes": [
                        {
                            "previousTier": None,
                            "tier": "MAIN",
                            "reason": "RECOMPUTED",
                            "rank": 2,
                            "value": "300.0000",
                            "measure": "PROFIT",
                        }
                    ]
                },
            },
        ],
    }


def test_measures_follow_transactions_while_tiers_wait_for_the_recompute(ten):
    ten.query(RECOMPUTE, dryRun=False)
    data.upsert(
        ten,
        "transactions",
        [{"externalIds": [data.key("cx9")], "actualAmount": {"amount": "10100"}}],
    )
    found = ten.query(
        """{ customer(externalId: {system: "test", value: "c9"}) {
            lifetimeRevenue { amount } lifetimeProfit { amount } lifetimeUsage valueTier valueRank } }"""
    )["customer"]
    assert found == {
        "lifetimeRevenue": {"amount": "10100.00"},
        "lifetimeProfit": {"amount": "10000.00"},
        "lifetimeUsage": "991.0000",
        "valueTier": "SMALL",
        "valueRank": 10,
    }
    ten.query(RECOMPUTE, dryRun=False)
    moved = ten.query('{ customer(externalId: {system: "test", value: "c9"}) { valueTier valueRank } }')["customer"]
    assert moved == {"valueTier": "IMPORTANT", "valueRank": 1}


def test_x24_other_measures(crm):
    by_usage = crm(ValueTiering, plugins={"value_tiering": {"measure": "USAGE"}})
    customers(by_usage, PROFITS[::-1])
    by_usage.query(RECOMPUTE, dryRun=False)
    top = by_usage.query("{ customers(orderBy: [{valueRank: ASC}], first: 1) { nodes { name } } }")
    assert top["customers"]["nodes"] == [{"name": "Customer 000"}]


OVERRIDE = """mutation ($input: OverrideValueTierInput!) { overrideValueTier(input: $input) {
    customer { valueTier valueTierSource rankedValueTier valueTierOverrideReason valueTierOverrideBy abcClass }
    userErrors { code message field } } }"""


def test_t1_an_override_holds_until_its_last_day_and_is_kept_in_the_history(ten, clock):
    ten.query(RECOMPUTE, dryRun=False)
    id = ten.query('{ customer(externalId: {system: "test", value: "c9"}) { id } }')["customer"]["id"]
    done = ten.query(
        OVERRIDE, input={"customerId": id, "tier": "MAIN", "reason": "Strategic partner", "until": "2025-06-20"}
    )["overrideValueTier"]
    assert done == {
        "customer": {
            "valueTier": "MAIN",
            "valueTierSource": "MANUAL",
            "rankedValueTier": "SMALL",
            "valueTierOverrideReason": "Strategic partner",
            "valueTierOverrideBy": "local",
            "abcClass": "CLASS_A",
        },
        "userErrors": [],
    }
    assert ten.query(RECOMPUTE, dryRun=False)["recomputeValueTiers"]["changed"] == 0
    clock.moment = datetime(2025, 6, 20, 23, tzinfo=UTC)
    assert ten.query(RECOMPUTE, dryRun=False)["recomputeValueTiers"]["changed"] == 0
    clock.moment += timedelta(hours=1)
    assert ten.query(RECOMPUTE, dryRun=False)["recomputeValueTiers"]["changed"] == 1
    found = ten.query(
        "query ($id: ID!) { customer(id: $id) { valueTier valueTierSource tierChanges { nodes { tier reason note changedBy } } } }",
        id=id,
    )["customer"]
    assert found["valueTier"] == "SMALL" and found["valueTierSource"] == "RANKED"
    assert [change["reason"] for change in found["tierChanges"]["nodes"]] == [
        "OVERRIDE_EXPIRED",
        "OVERRIDDEN",
        "RECOMPUTED",
    ]
    assert found["tierChanges"]["nodes"][1]["note"] == "Strategic partner"


def test_t1_a_job_lets_the_rank_s_tier_hold_again_after_the_last_day_of_an_override(ten, clock):
    ten.query(RECOMPUTE, dryRun=False)
    id = ten.query('{ customer(externalId: {system: "test", value: "c9"}) { id } }')["customer"]["id"]
    ten.query(
        OVERRIDE, input={"customerId": id, "tier": "MAIN", "reason": "Pilot", "until": clock.now().date().isoformat()}
    )
    assert ten.run_job("expire_value_tiers") == "0 tiers set by hand expired"
    clock.moment += timedelta(days=1)
    in_force = ten.query("query ($id: ID!) { customer(id: $id) { valueTier valueTierSource } }", id=id)["customer"]
    assert in_force == {"valueTier": "MAIN", "valueTierSource": "MANUAL"}
    assert ten.run_job("expire_value_tiers") == "1 tiers set by hand expired"
    assert ten.run_job("expire_value_tiers") == "0 tiers set by hand expired"
    found = ten.query(
        """query ($id: ID!) { customer(id: $id) {
            valueTier valueTierSource abcClass tierChanges(first: 1) { nodes { tier reason changedBy } } } }""",
        id=id,
    )["customer"]
    assert found == {
        "valueTier": "SMALL",
        "valueTierSource": "RANKED",
        "abcClass": "CLASS_C",
        "tierChanges": {
            "nodes": [{"tier": "SMALL", "reason": "OVERRIDE_EXPIRED", "changedBy": "plugin:value_tiering"}]
        },
    }


def test_t1_a_tier_set_by_hand_ends_with_its_last_day_in_the_zone_of_the_business(crm, clock):
    client = crm(ValueTiering, clock=clock, time_zone="Asia/Shanghai")
    start = datetime(2025, 6, 20, 16, tzinfo=UTC)
    clock.moment = start - timedelta(minutes=3)
    data.upsert(client, "customers", [{"externalIds": [data.key("a")], "name": "a"}])
    id = client.query('{ customer(externalId: {system: "test", value: "a"}) { id } }')["customer"]["id"]
    client.query(OVERRIDE, input={"customerId": id, "tier": "MAIN", "reason": "Pilot", "until": "2025-06-20"})

    def tier():
        client.run(client.app.jobs.run_due())
        return client.query("query ($id: ID!) { customer(id: $id) { valueTier } }", id=id)["customer"]["valueTier"]

    assert tier() == "MAIN"
    clock.moment = start - timedelta(milliseconds=1)
    assert tier() == "MAIN"
    clock.moment = start
    assert tier() is None


def test_an_override_is_taken_back(ten):
    ten.query(RECOMPUTE, dryRun=False)
    id = ten.query('{ customer(externalId: {system: "test", value: "c9"}) { id } }')["customer"]["id"]
    ten.query(OVERRIDE, input={"customerId": id, "tier": "IMPORTANT", "reason": "Try"})
    clear = """mutation ($id: ID!) { clearValueTierOverride(input: {customerId: $id}) {
        customer { valueTier valueTierSource } userErrors { code } } }"""
    assert ten.query(clear, id=id)["clearValueTierOverride"] == {
        "customer": {"valueTier": "SMALL", "valueTierSource": "RANKED"},
        "userErrors": [],
    }
    assert ten.query(clear, id=id)["clearValueTierOverride"]["userErrors"] == [{"code": "NOT_OVERRIDDEN"}]


def test_an_override_with_bad_input_changes_nothing(ten):
    id = ten.query('{ customer(externalId: {system: "test", value: "c9"}) { id } }')["customer"]["id"]
    refused = ten.query(OVERRIDE, input={"customerId": id, "tier": "MAIN", "reason": " ", "until": "2025-06-14"})
    assert [error["field"] for error in refused["overrideValueTier"]["userErrors"]] == [["reason"], ["until"]]
    gone = ten.query(OVERRIDE, input={"customerId": "cus_01h455vb4pex5vsknk084sn02q", "tier": "MAIN", "reason": "x"})
    assert gone["overrideValueTier"]["userErrors"][0]["code"] == "NOT_FOUND"
    assert ten.query("{ tierChanges { totalCount } }") == {"tierChanges": {"totalCount": 0}}


def test_an_override_with_a_key_is_made_once(ten):
    id = ten.query('{ customer(externalId: {system: "test", value: "c9"}) { id } }')["customer"]["id"]
    given = {"customerId": id, "tier": "MAIN", "reason": "Once", "idempotencyKey": "k1"}
    first, second = ten.query(OVERRIDE, input=given), ten.query(OVERRIDE, input=given)
    assert first == second
    assert ten.query("{ tierChanges { totalCount } }") == {"tierChanges": {"totalCount": 1}}


def test_t6_t7_quadrants_by_fixed_thresholds(crm):
    client = crm(
        ValueTiering,
        plugins={"value_tiering": {"current_value_threshold": "500000", "potential_value_threshold": "1000000"}},
    )
    cases = {
        "LOW_LOW": (200_000, 300_000),
        "HIGH_LOW": (800_000, 300_000),
        "LOW_HIGH": (200_000, 2_000_000),
        "HIGH_HIGH": (500_000, 1_000_000),
    }
    customers(client, [current for current, _ in cases.values()])
    data.upsert(
        client,
        "customers",
        [
            {"externalIds": [data.key(f"c{n}")], "name": name, "potentialValue": {"amount": str(potential)}}
            for n, (name, (_, potential)) in enumerate(cases.items())
        ],
    )
    client.query(RECOMPUTE, dryRun=False)
    found = client.query("{ customers { nodes { name valueQuadrant accountClass } } }")["customers"]["nodes"]
    assert {node["name"]: node["valueQuadrant"] for node in found} == {name: name for name in cases}
    assert {node["name"]: node["accountClass"] for node in found} == {
        "LOW_LOW": "MASS_MARKET",
        "HIGH_LOW": "NON_NAMED",
        "LOW_HIGH": "NAMED",
        "HIGH_HIGH": "MAJOR",
    }
    data.upsert(client, "customers", [{"externalIds": [data.key("c0")], "potentialValue": {"amount": "1000000"}}])
    moved = client.query('{ customer(externalId: {system: "test", value: "c0"}) { valueQuadrant accountClass } }')
    assert moved["customer"] == {"valueQuadrant": "LOW_HIGH", "accountClass": "NAMED"}


def test_t6_without_fixed_thresholds_the_median_decides(ten):
    data.upsert(
        ten,
        "customers",
        [{"externalIds": [data.key(f"c{n}")], "potentialValue": {"amount": str(n)}} for n in range(10)],
    )
    ten.query(RECOMPUTE, dryRun=False)
    groups = ten.query(
        "{ customersGroupBy(by: [{valueQuadrant: true}]) { keys { valueQuadrant } aggregate { count } } }"
    )
    assert groups["customersGroupBy"] == [
        {"keys": {"valueQuadrant": "HIGH_LOW"}, "aggregate": {"count": 5}},
        {"keys": {"valueQuadrant": "LOW_HIGH"}, "aggregate": {"count": 5}},
    ]


def test_t11_abc_by_share_of_value(crm):
    client = crm(ValueTiering, plugins={"value_tiering": {"abc_policy": "PARETO"}})
    customers(client, PROFITS)
    client.query(RECOMPUTE, dryRun=False)
    groups = client.query("{ customersGroupBy(by: [{abcClass: true}]) { keys { abcClass } aggregate { count } } }")
    assert {group["keys"]["abcClass"]: group["aggregate"]["count"] for group in groups["customersGroupBy"]} == {
        "CLASS_A": 2,
        "CLASS_B": 4,
        "CLASS_C": 4,
    }


def test_a_change_of_tier_is_announced(ten):
    ten.query(RECOMPUTE, dryRun=False)
    events = ten.query(
        "{ events(types: [VALUE_TIER_CHANGED]) { totalCount nodes { entityType entityId action actor data } } }"
    )["events"]
    assert events["totalCount"] == 10
    assert events["nodes"][0]["entityType"] == "Customer"
    assert events["nodes"][0]["data"] == {"previous": None, "current": "IMPORTANT", "reason": "RECOMPUTED"}


def test_quotas_must_sum_to_100(crm):
    from guanxi import PluginError

    with pytest.raises(PluginError, match=r"GUANXI_PLUGINS__VALUE_TIERING__QUOTAS.*sum to 101, but must sum to 100"):
        crm(ValueTiering, plugins={"value_tiering": {"quotas": {"important": 2}}})
