"""The demo's sample data: lifelike, the same each time, entered once however often it is begun."""

import pytest

from guanxi.demo import fill, is_whole
from plugins.value_tiering import ValueTiering

COUNTS = """{
  customersAggregate { count } contactsAggregate { count } opportunitiesAggregate { count }
  transactionsAggregate { count min { occurredOn } max { occurredOn } } interactionsAggregate { count }
  customersGroupBy(by: [{industry: true}, {region: true}]) { keys { industry } }
  tiers: customersGroupBy(by: [{valueTier: true}]) { keys { valueTier } aggregate { count } }
  stages: opportunitiesGroupBy(by: [{stage: {key: true}}, {outcome: true}]) { keys { stage { key } outcome } aggregate { count } }
  ranks: contactsGroupBy(by: [{rank: true}, {buyingRole: true}, {attitude: true}]) { keys { rank buyingRole attitude } }
}"""


@pytest.fixture(scope="module")
def demo(module_crm):
    client = module_crm(ValueTiering)
    client.run(fill(client.app, lambda name, done, total: None))
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
    assert all(group["keys"]["valueTier"] for group in found["tiers"])


def test_a_sample_that_was_broken_off_is_not_whole(tmp_path, demo):
    assert not is_whole(tmp_path / "none.db")
    (tmp_path / "empty.db").touch()
    assert not is_whole(tmp_path / "empty.db")
    if demo.app.database.path:
        assert is_whole(demo.app.database.path)
