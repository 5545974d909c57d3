"""The demo's sample data: lifelike, the same each time, entered once however often it is begun."""

import json
import shutil
from datetime import UTC, datetime
from importlib.metadata import entry_points
from importlib.util import find_spec
from io import StringIO
from random import Random
from typing import ClassVar

import pytest
from rich.console import Console
from sqlmodel import select

from guanxi import FixedClock, Plugin, PluginError, hookimpl
from guanxi.cli import demonstration
from guanxi.demo import sample
from guanxi.demo.entry import _sample_plugins, fill, is_whole
from guanxi.demo.keys import DemoKey, demo_keys
from guanxi.records import Customer, Task
from guanxi.vocabulary import UserRole
from plugins.credit_scoring import CreditScoring
from plugins.value_tiering import ValueTiering
from tests.keys import KEPT
from tests.shares import EXHAUSTIVE
from tests.snippets import snippets

FIRST_PARTY = [point.load() for point in entry_points(group="guanxi.plugins") if point.value.startswith("plugins.")]

COUNTS = """{
  customersAggregate { count } contactsAggregate { count } opportunitiesAggregate { count }
  transactionsAggregate { count min { occurredOn } max { occurredOn } } interactionsAggregate { count }
  customersGroupBy(by: [{industry: true}, {region: true}]) { keys { industry } }
  tiers: customersGroupBy(by: [{valueTier: true}]) { keys { valueTier } aggregate { count } }
  stages: opportunitiesGroupBy(by: [{stage: {key: true}}, {outcome: true}]) { keys { stage { key } outcome } aggregate { count } }
  ranks: contactsGroupBy(by: [{seniority: true}, {buyingRole: true}, {attitude: true}]) { keys { seniority buyingRole attitude } }
}"""


class Sampled(Plugin):
    """Keeps what its sample is made of."""

    name, version, api = "sampled", "1.0", ">=1,<2"
    after = ("value_tiering",)
    chances: ClassVar[list[float]] = []

    @hookimpl
    def sample_data(self, ctx, chance):
        self.chances.append(chance.random())
        found = ctx.query("{ customersAggregate(where: {valueTier: {isNull: false}}) { count } }")
        for customer in ctx.session.exec(select(Customer).limit(found["customersAggregate"]["count"])).all():
            ctx.session.add(Task(subject="Sampled", customer_id=customer.id))


@pytest.fixture(scope="module")
def demo(request, module_crm, tmp_path_factory):
    if module_crm.databases.engine == "sqlite":
        path = shutil.copy(request.getfixturevalue("demonstration").sample, tmp_path_factory.mktemp("demo") / "demo.db")
        # It has keys, and its user is at this machine.
        return module_crm(*FIRST_PARTY, url=f"sqlite:///{path}", trusts_loopback=True)
    if not EXHAUSTIVE:
        pytest.skip("the demo is on SQLite, and to enter the sample takes long; EXHAUSTIVE=1 enters it here too")
    client = module_crm(*FIRST_PARTY, hook_warning_ms=60_000)
    client.run(fill(client.app, lambda *progress: None))
    return client


def test_it_is_a_crm_to_look_around_in(demo):
    found = demo.query(COUNTS)
    assert found["customersAggregate"]["count"] >= 200
    assert found["contactsAggregate"]["count"] >= 600
    assert found["opportunitiesAggregate"]["count"] >= 1000
    assert found["interactionsAggregate"]["count"] >= 1000
    assert len(found["customersGroupBy"]) > 30
    assert len(found["ranks"]) > 50
    first, last = (
        found["transactionsAggregate"]["min"]["occurredOn"],
        found["transactionsAggregate"]["max"]["occurredOn"],
    )
    assert int(last[:4]) - int(first[:4]) >= 1
    assert {group["keys"]["stage"]["key"] for group in found["stages"]} == set("ABCDEF")
    outcomes = {group["keys"]["outcome"] for group in found["stages"]}
    assert outcomes == {"OPEN", "WON", "LOST"}
    # Former customers are not ranked.
    assert {group["keys"]["valueTier"] for group in found["tiers"]} == {"IMPORTANT", "MAIN", "ORDINARY", "SMALL", None}


def test_a_sample_that_was_broken_off_is_not_whole(tmp_path, demo):
    assert not is_whole(tmp_path / "none.db")
    (tmp_path / "empty.db").touch()
    assert not is_whole(tmp_path / "empty.db")
    if demo.app.database.path:
        assert is_whole(demo.app.database.path)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")
def test_hook_sample_data_runs_in_plugin_order_with_a_seed_of_its_own_as_the_demo_s_work(crm, monkeypatch):
    # Less of everything is enough to see the order.
    for name in ("CUSTOMERS", "CONTACTS", "OPPORTUNITIES"):
        monkeypatch.setattr(sample, name, getattr(sample, name) // 12)
    client, told = crm(Sampled, CreditScoring, ValueTiering, hook_warning_ms=60_000), []
    Sampled.chances.clear()
    client.run(fill(client.app, lambda *progress: told.append(progress)))
    found = client.query("""{
        ranked: customersAggregate(where: {valueTier: {isNull: false}}) { count }
        tasks(where: {subject: {eq: "Sampled"}}, first: 1) { totalCount nodes { createdBy } }
    }""")
    assert found["ranked"]["count"] > 0
    assert found["tasks"] == {"totalCount": found["ranked"]["count"], "nodes": [{"createdBy": "demo"}]}
    assert Sampled.chances == [Random("2025:sampled").random()]
    assert told[-3:] == [("plugins", done, 3) for done in (1, 2, 3)]


def test_a_plugin_whose_sample_fails_is_named_and_the_demo_is_not_whole(crm):
    class Failing(Plugin):
        name, version, api = "failing_sample", "1.0", ">=1,<2"

        @hookimpl
        def sample_data(self, ctx, chance):
            ctx.session.add(Task(subject="Half"))
            raise RuntimeError("no idea")

    client = crm(Failing)
    with pytest.raises(PluginError, match="plugin 'failing_sample', sample_data: RuntimeError: no idea"):
        client.run(_sample_plugins(client.app, lambda *progress: None))
    assert client.query("{ tasksAggregate { count } }")["tasksAggregate"]["count"] == 0


@pytest.mark.skipif(find_spec("sklearn") is None, reason="the sample has a model where the extra is there")
def test_the_sample_shows_what_forecasting_says(demo):
    found = demo.query("""{
        winModels { nodes { status } }
        sources: opportunitiesGroupBy(by: [{winProbabilitySource: true}]) { keys { winProbabilitySource } }
        pushed: opportunitiesAggregate(where: {pushCount: {gt: 0}}) { count }
        said: opportunitiesAggregate(where: {forecastCategoryOverride: {isNull: false}}) { count }
        called: forecastSubmissionsAggregate(where: {call: {isNull: false}}) { count }
        forecastAdjustments { totalCount }
        covered: salesTargetsAggregate(where: {coverage: {gt: "0"}}) { count }
    }""")
    # It is there to be looked at: what the sample says does not depend on an extra.
    assert found["winModels"]["nodes"] == [{"status": "RETIRED"}]
    assert {group["keys"]["winProbabilitySource"] for group in found["sources"]} >= {"OUTCOME", "OVERRIDE"}
    assert all(found[name]["count"] > 3 for name in ("pushed", "said", "called", "covered"))
    assert found["forecastAdjustments"]["totalCount"] > 3


def test_the_sample_shows_what_value_tiering_says(demo):
    found = demo.query("""{
        quadrants: customersGroupBy(by: [{valueQuadrant: true}]) { keys { valueQuadrant } }
        byHand: customersAggregate(where: {valueTierSource: {eq: MANUAL}}) { count }
        loyal: customersGroupBy(by: [{loyaltyClass: true}]) { keys { loyaltyClass } }
        coverage: customersGroupBy(by: [{coverageModel: true}]) { keys { coverageModel } }
        grades: customersGroupBy(by: [{revenueGrade: true}]) { keys { revenueGrade } }
        neglected: customersAggregate(where: {isPotentialNeglected: {eq: true}}) { count }
        reliedOn: customersAggregate(where: {isOverReliedOn: {eq: true}}) { count }
        assessed: customersAggregate(where: {assessedOn: {isNull: false}, valueScore: {isNull: false}}) { count }
        classes: customersGroupBy(by: [{relationshipClass: true}]) { keys { relationshipClass } }
        suggested: customersGroupBy(by: [{suggestedRelationshipClass: true}]) { keys { suggestedRelationshipClass } }
        toWinBack: customersAggregate(where: {isToWinBack: {eq: true}}) { count }
        bands: customersGroupBy(by: [{spendingBand: true}]) { keys { spendingBand } }
        top: customersAggregate(where: {isTop100: {eq: true}}) { count }
        shares: customerTargets(where: {kind: {eq: SHARE_OF_WALLET}, attainment: {isNull: false}}) { totalCount }
        revenues: customerTargets(where: {kind: {eq: ABSOLUTE_REVENUE}, attainment: {isNull: false}}) { totalCount }
        uses: resourceUsesGroupBy(by: [{kind: true}]) { keys { kind } }
        customerNeeds(first: 5) { customers }
    }""")
    assert {group["keys"]["valueQuadrant"] for group in found["quadrants"]} >= {
        "LOW_LOW",
        "HIGH_LOW",
        "LOW_HIGH",
        "HIGH_HIGH",
    }
    assert found["byHand"]["count"] == 3
    assert len(found["loyal"]) == 5
    assert len(found["coverage"]) >= 4
    assert len(found["grades"]) == 3
    for name in ("neglected", "reliedOn", "assessed", "toWinBack"):
        assert found[name]["count"] > 0, name
    assert found["top"]["count"] == 100
    assert (len(found["classes"]), len(found["bands"]), len(found["uses"])) == (4, 4, 3)
    assert {group["keys"]["suggestedRelationshipClass"] for group in found["suggested"]} > {"GROWTH", "LOST"}
    assert found["shares"]["totalCount"] > 20 and found["revenues"]["totalCount"] > 20
    assert len(found["customerNeeds"]) == 5


def test_the_sample_shows_what_credit_scoring_says(demo):
    found = demo.query("""{
        partly: receivablesAggregate(where: {paidAmount: {gt: "0"}, settledOn: {isNull: true}}) { count }
        settled: receivablesAggregate(where: {settledOn: {isNull: false}, payments: {some: {}}}) { count }
        levels: receivablesGroupBy(by: [{dunningLevel: true}]) { keys { dunningLevel } }
        reminded: paymentReminders(orderBy: [{level: DESC}], first: 1) { nodes { level } }
        broken: paymentPromises(where: {status: {eq: BROKEN}}) { count: totalCount }
        held: customersAggregate(where: {isOnCreditHold: {eq: true}}) { count }
        holds: creditHolds { totalCount }
        incomplete: customersAggregate(where: {creditStatus: {eq: INCOMPLETE}}) { count }
        groups: customersAggregate(where: {subsidiaries: {some: {}}, groupExposure: {gt: "0"}}) { count }
        ageing(first: 3) { total { amount } buckets { count } customers { total { amount } } daysSalesOutstanding }
    }""")
    assert {group["keys"]["dunningLevel"] for group in found["levels"]} >= {None, 0, 3}
    assert found["reminded"]["nodes"] == [{"level": 3}]
    assert (found["held"]["count"], found["holds"]["totalCount"]) == (2, 3)
    for name in ("partly", "settled", "broken", "incomplete", "groups"):
        assert found[name]["count"] > 0, name
    assert sum(bucket["count"] for bucket in found["ageing"]["buckets"]) > 20
    assert len(found["ageing"]["customers"]) == 3


def test_the_plugins_answer_one_question_together_in_one_statement_as_the_docs_show(demo, monkeypatch):
    run = []
    reader = demo.app.services.reader
    fetch = reader.fetch

    async def noted(sql, values):
        run.append(sql)
        return await fetch(sql, values)

    monkeypatch.setattr(reader, "fetch", noted)
    query = next(query for query in snippets("docs/queries.md", "graphql") if "exceedsAvailableCredit" in query)
    answer = next(answer for answer in snippets("docs/queries.md", "json") if "npsTrend" in answer)
    assert demo.query(query) == json.loads(answer)
    assert len(run) == 1


def test_the_demo_has_a_key_for_each_role_that_sees_what_it_may_and_answers_this_machine_without(crm):
    clock = FixedClock(datetime.now(UTC))
    client = crm(clock=clock, trusts_loopback=True)
    client.create("User", name="Ann", role="ACCOUNT_MANAGER")
    client.create("Customer", name="Nobody's")
    first = {key.role: key for key in client.run(demo_keys(client.app))}
    assert [*first] == [role.value for role in UserRole]
    assert (first["ADMINISTRATOR"].customers, first["ADMINISTRATOR"].personal) == (1, True)
    assert (first["PARTNER"].customers, first["PARTNER"].personal) == (0, False)
    again = {key.role: key for key in client.run(demo_keys(client.app))}
    clock.moment += KEPT
    assert client.query("{ viewer { actor } apiKeys { totalCount } }") == {
        "viewer": {"actor": "local"},
        "apiKeys": {"totalCount": len(UserRole)},
    }
    body, headers = b'{"query": "{ viewer { actor } }"}', {"content-type": "application/json"}
    assert client.bearing(again["PARTNER"].secret).post(body, headers)[0] == 200
    assert client.bearing(first["PARTNER"].secret).post(body, headers)[0] == 401
    assert client.post(body, {**headers, "origin": "https://evil.example"})[0] == 403
    assert client.post(body, headers, address="203.0.113.9")[0] == 403


@pytest.mark.parametrize("width", [80, 200])
def test_keys_are_printed_whole_however_narrow_the_terminal_is(monkeypatch, width):
    written = StringIO()
    console = Console(file=written, force_terminal=True, width=width, soft_wrap=True, highlight=False)
    monkeypatch.setattr(demonstration, "out", console)
    secret = f"gx_0123456789_{64 * 'a'}"
    demonstration._greet_demo("http://127.0.0.1:8000", [DemoKey("OPPORTUNITY_ADMINISTRATOR", secret, 240, 1000, True)])
    assert secret in written.getvalue()
    assert "OPPORTUNITY_ADMINISTRATOR" in written.getvalue()
