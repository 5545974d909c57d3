"""The contract: schema.graphql is what the server serves, and every part of it explains itself."""

import re
from pathlib import Path

import pytest
from graphql import (
    build_schema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    print_type,
)
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from guanxi import create_app, load_settings
from plugins.credit_scoring import CreditScoring
from plugins.duplicates import Duplicates
from plugins.files import Files
from plugins.forecasting import Forecasting
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering
from plugins.webhooks import Webhooks

CONTRACT = Path(__file__).parents[3] / "schema.graphql"
FIRST_PARTY = [CreditScoring, Duplicates, Files, Forecasting, SatisfactionSurveys, ValueTiering, Webhooks]


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


def test_an_id_is_that_of_the_object_itself(app):
    """Clients keep each object under its id: two objects with one id would be taken for each other."""
    objects = [kind for kind in app.assembled.graphql.type_map.values() if is_object_type(kind)]
    wrong = [
        kind.name for kind in objects if "id" in kind.fields and "Node" not in {one.name for one in kind.interfaces}
    ]
    assert wrong == []


#: What the types that a record makes are called after it.
OWN = (
    r"Connection|Edge|Where|Order|Sum|Avg|Aggregate\w*|Values\w*|Numbers\w*|Group\w*|Having|Payload|MatchKey|Upsert\w+"
)
#: Types whose members are named after the fields of a record, which say what they mean.
NAMED_ALIKE = re.compile(
    r"(?P<record>\w+?)(Order|GroupKeys?|Sum|Avg|Values|ValuesWhere|ValuesOrder|NumbersWhere|NumbersOrder)"
)
#: Those whose members are named after the members of the input that enters a record.
ENTERED_ALIKE = re.compile(r"Update(?P<updated>\w+)Input|(?P<upserted>\w+)UpsertItem")


#: Members that are the same in the types of every record: the description of the schema says what they mean.
SAME_EVERYWHERE = {
    r"\w+Connection": {"edges", "nodes", "pageInfo", "totalCount"},
    r"\w+Edge": {"cursor", "node"},
    r"\w+Change": {"change", "cursor", "recordId", "record"},
    r"\w+Filter": {"some", "every", "none"},
    r"\w+(Where|Having)": {"and", "or", "not"},
}
#: Fields that every record has.
OF_EVERY_RECORD = {
    "id",
    "version",
    "createdAt",
    "createdBy",
    "updatedAt",
    "updatedBy",
    "deletedAt",
    "tags",
    "externalIds",
}


def said_elsewhere(app, name, member):
    """The description of what a member without one of its own is named after."""
    schema = app.assembled.graphql
    kinds = schema.type_map
    for pattern, members in SAME_EVERYWHERE.items():
        if re.fullmatch(pattern, name) and member in members:
            return f"`{member}`" in schema.description
    record = name.removesuffix("Where")
    if record in app.catalog.records and name != record and member in OF_EVERY_RECORD:
        assert f"Fields of every record are described in {record}." in kinds[name].description
        return kinds[record].fields[member].description
    if alike := NAMED_ALIKE.fullmatch(name):
        record = alike["record"]
        assert f"{record} field of the same name" in kinds[name].description
        return kinds[record].fields[member].description
    if alike := ENTERED_ALIKE.fullmatch(name):
        record = alike["updated"] or alike["upserted"]
        entering = f"Create{record}Input" if f"Create{record}Input" in kinds else f"Log{record}Input"
        assert f"Each field means the same as in {entering}." in kinds[name].description
        return kinds[entering].fields[member].description
    return None


def argument_said_elsewhere(app, record, field, argument):
    """The description of an argument of a list below a record, which the root list has as well."""
    if record == "Subscription":
        return f"`{argument}`" in app.assembled.graphql.description
    if field == "timeline":
        return app.assembled.graphql.query_type.fields["events"].args[argument].description
    many = app.catalog.records[record].to_many.get(field.removesuffix("Aggregate"))
    root = app.assembled.graphql.query_type.fields[app.catalog.records[many.target].plural] if many else None
    if root is None:
        return None
    assert f"`{app.catalog.records[many.target].plural}`" in get_named_type(root.type).description
    return root.args[argument].description


def test_every_type_field_argument_and_value_has_a_description(app):
    silent = []
    for name, kind in app.assembled.graphql.type_map.items():
        if name.startswith("__"):
            continue
        if not kind.description:
            silent.append(name)
        if is_object_type(kind) or is_interface_type(kind) or is_input_object_type(kind):
            for field_name, field in kind.fields.items():
                if not (field.description or said_elsewhere(app, name, field_name)):
                    silent.append(f"{name}.{field_name}")
                silent += [
                    f"{name}.{field_name}({a})"
                    for a, argument in getattr(field, "args", {}).items()
                    if not (argument.description or argument_said_elsewhere(app, name, field_name, a))
                ]
        elif is_enum_type(kind):
            silent += [f"{name}.{value_name}" for value_name, value in kind.values.items() if not value.description]
    silent += [f"@{directive.name}" for directive in app.assembled.graphql.directives if not directive.description]
    assert silent == []


def test_what_is_filtered_entered_and_answered_says_itself_what_it_means(app):
    for name, kind in app.assembled.graphql.type_map.items():
        if name in app.catalog.records or re.fullmatch(r"\w+Where|Create\w+Input", name):
            for field_name, field in kind.fields.items():
                is_common = field_name in OF_EVERY_RECORD | {"and", "or", "not"} and name.endswith("Where")
                assert field.description or is_common or NAMED_ALIKE.fullmatch(name), f"{name}.{field_name}"


def test_the_schema_stays_short_enough_for_clients(app):
    assert app.sdl.count("\n") < 42_000
    full, entered, read = [], [], []
    for record in app.catalog.records.values():
        own = rf"{record.name}({OWN})?|{record.plural_type}Filter|(Create|Update){record.name}Input|Upsert{record.plural_type}\w+"
        lines = sum(
            print_type(kind).count("\n") + 2
            for name, kind in app.assembled.graphql.type_map.items()
            if re.fullmatch(own, name)
        )
        (full if record.aggregates else entered if record.writable else read).append(lines)
    assert sum(full) / len(full) < 725
    # Of what is entered more than half are mutations and their inputs.
    assert sum(entered) / len(entered) < 360
    assert sum(read) / len(read) < 165


def test_types_of_one_shape_are_one(app):
    kinds = app.assembled.graphql.type_map
    aggregate, where, order = (kinds[f"Customer{name}"] for name in ("Aggregate", "AggregateWhere", "GroupOrder"))
    assert {name: str(field.type) for name, field in aggregate.fields.items()} == {
        "count": "Int!",
        "sum": "CustomerSum",
        "avg": "CustomerAvg",
        "min": "CustomerValues",
        "max": "CustomerValues",
    }
    for name, kind in (("min", "Values"), ("max", "Values"), ("sum", "Numbers"), ("avg", "Numbers")):
        assert str(where.fields[name].type) == str(kinds["CustomerHaving"].fields[name].type) == f"Customer{kind}Where"
        assert str(order.fields[name].type) == f"Customer{kind}Order"
    assert str(order.fields["key"].type) == "CustomerOrder"


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
