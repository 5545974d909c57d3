"""The contract: schema.graphql is what the server serves, and every part of it explains itself."""

from pathlib import Path

import pytest
from graphql import build_schema, is_enum_type, is_input_object_type, is_interface_type, is_object_type
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from guanxi import create_app, load_settings
from plugins.credit_scoring import CreditScoring
from plugins.forecasting import Forecasting
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering

CONTRACT = Path(__file__).parents[3] / "schema.graphql"
FIRST_PARTY = [CreditScoring, Forecasting, SatisfactionSurveys, ValueTiering]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdl")
    return create_app(load_settings(database_url=f"sqlite:///{folder}/sdl.db"), FIRST_PARTY)


def test_the_committed_contract_is_what_the_server_serves(app):
    committed, served = CONTRACT.read_text(), app.sdl
    if committed != served:
        old, new = build_schema(committed), build_schema(served)
        changes = [*find_breaking_changes(old, new), *find_dangerous_changes(old, new)]
        told = "\n".join(f"{change.type.name}: {change.description}" for change in changes) or "no breaking change"
        pytest.fail(f"the schema has changed; run `guanxi schema > schema.graphql` and look at the difference:\n{told}")


def test_every_type_field_argument_and_value_has_a_description(app):
    silent = []
    for name, kind in app.assembled.graphql.type_map.items():
        if name.startswith("__"):
            continue
        if not kind.description:
            silent.append(name)
        if is_object_type(kind) or is_interface_type(kind):
            for field_name, field in kind.fields.items():
                silent += [f"{name}.{field_name}"] * (not field.description)
                silent += [
                    f"{name}.{field_name}({a})" for a, argument in field.args.items() if not argument.description
                ]
        elif is_input_object_type(kind):
            silent += [f"{name}.{field_name}" for field_name, field in kind.fields.items() if not field.description]
        elif is_enum_type(kind):
            silent += [f"{name}.{value_name}" for value_name, value in kind.values.items() if not value.description]
    silent += [f"@{directive.name}" for directive in app.assembled.graphql.directives if not directive.description]
    assert silent == []


def test_connections_follow_relay(app):
    kinds = app.assembled.graphql.type_map
    for name, kind in kinds.items():
        if name.endswith("Connection"):
            assert str(kind.fields["pageInfo"].type) == "PageInfo!"
            node = name.removesuffix("Connection")
            assert str(kind.fields["edges"].type) == f"[{node}Edge!]!"
            assert str(kinds[f"{node}Edge"].fields["cursor"].type) == "String!"
            assert "Node" in [interface.name for interface in kinds[node].interfaces]


def test_fields_of_plugins_on_records_of_others_are_nullable(app):
    for record in app.catalog.records.values():
        assert all(
            field.nullable or field.owner == "core" for field in record.fields.values() if field.owner != record.owner
        )
