"""The check of a mapping file: every fault is reported, with its place and its remedy."""

import re

import pytest

from guanxi import ConfigurationError, create_app, load_settings
from guanxi.importing.mapping_file import mapping_of
from guanxi.importing.mapping_form import read_form
from tests.imports import Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def catalog():
    return create_app(load_settings(), plugins=[]).catalog


BY_NAME = 'user = { by = "name", column = "a" }'
KEY = 'key = { system = "s", column = "a" }'


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        ("", "has no [[record]]; write one for each record that a row makes"),
        ("records = 1", "records: means nothing here; did you mean record? possible: fix, record, source"),
        (f"[[record]]\n{KEY}", "record 1: has no type; possible: AccountTeamMember, Contact, Customer"),
        (f'[[record]]\ntype = "Custmer"\n{KEY}', 'record 1: type = "Custmer": is not a record; did you mean Customer?'),
        (f'[[record]]\ntype = "StageTransition"\n{KEY}', 'type = "StageTransition": is not a record'),
        ('[[record]]\ntype = "Customer"', "record 1: has no key, by which a second run finds"),
        ('[[record]]\ntype = "Customer"\nkey = { by = "city" }', 'key: by = "city": no Customer is found by it'),
        (
            '[[record]]\ntype = "Customer"\nkey = { by = "name" }',
            "is found by name, so name must be filled",
        ),
        (
            f'[[record]]\ntype = "AccountTeamMember"\nkey = {{ by = ["user", "customer"] }}\n[record.fields]\n{BY_NAME}',
            "is found by customer and user, so customer must be filled",
        ),
        (
            '[[record]]\ntype = "AccountTeamMember"\nkey = { by = ["user", "role"] }',
            'by = "user and role": no AccountTeamMember is found by it',
        ),
        (
            f'[[record]]\ntype = "Team"\n{KEY}\n[[record]]\ntype = "Team"\n{KEY}',
            "record 'team' (Team): another record has the name 'team'; give this one its own with `name`",
        ),
        ('[[record]]\ntype = "Team"\nkey = { system = "s" }', "has none of them; write exactly one of column, templ"),
        (
            '[[record]]\ntype = "Team"\nkey = { system = "s", column = "a", value = "b" }',
            "has column and value; write exactly one of column, template, value",
        ),
        ('[source]\nformat = "xls"', 'source: format = "xls": must be "csv" or "jsonl"'),
        ('[source]\nencoding = "utf-9"', 'source: encoding = "utf-9": is unknown; write one such as "utf-8"'),
        ('[source]\ndelimiter = "||"', 'source: delimiter = "||": must be one character'),
        ("[source]\ntrim = 1", "source: trim = 1: must be true or false"),
        ('fix = "a"', "fix: 'a' is not a table"),
        ('[fix.a]\nx = ""', '"x" = "": nothing is translated into the empty text'),
        (
            f'[[record]]\ntype = "Team"\n{KEY}\nwhen = {{ a = 3 }}',
            "when: a = 3: must be a text in quotes, a list of them, true",
        ),
    ],
)
def test_faults_of_a_mapping_are_told(catalog, folder, mapping, fault):
    with pytest.raises(ConfigurationError, match=f"m.toml: .*{re.escape(fault)}"):
        mapping_of(read_form(folder.write("m.toml", mapping)), catalog)


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        ('nmae = "a"', "field 'nmae': Customer has no such field; did you mean name?"),
        ('createdAt = "a"', "field 'createdAt': is kept or computed by the system and takes no input"),
        ('companySize = "a"', "field 'companySize': is kept or computed by the system"),
        ('id = "a"', "field 'id': an id is only filled where the record is found by it"),
        (
            "employeeCount = 3",
            "field 'employeeCount': 3 is neither a column in quotes nor a table; write \"COLUMN\", or { value = 3 }",
        ),
        ('status = { value = "SLEEPY" }', "field 'status': 'SLEEPY' is none of PROSPECT, ACTIVE"),
        ('status = { column = "a", map = { x = "SLEEPY" } }', "field 'status': 'SLEEPY' is none of"),
        (
            'status = { column = "a", map = { x = "ACTIVE" }, unmapped = "null" }',
            "field 'status': null is not allowed",
        ),
        ('status = { column = "a", empty = "null" }', "field 'status': null is not allowed"),
        ('city = { column = "a", unmapped = "null" }', "unmapped: applies to values that a map does not"),
        ('city = { column = "a", map = { x = ["b"] } }', "map: x = ['b']: must be a single value"),
        ('city = { column = "a", date = "%d" }', "date: means nothing here; possible: column, empty, map"),
        ("foundedYear = { value = 7 }", "field 'foundedYear': 7 is too small; the minimum is 1000"),
        (
            "employeeCount = { value = 2147483648 }",
            "field 'employeeCount': 2147483648 is too large; the maximum is 2147483647",
        ),
        ('employeeCount = { column = "a", thousands = "." }', "thousands and decimal are the same"),
        ('employeeCount = { column = "a", times = "many" }', 'times = "many": must be a number'),
        ('customerSince = { column = "a", date = "%Q" }', 'date = "%Q": '),
        (
            'annualRevenue = { column = "a", currency = "EURO" }',
            "currency = 'EURO' is not a current ISO 4217 currency code",
        ),
        ('annualRevenue = { column = "a", currency = "EUR", currency_column = "b" }', "write one of them"),
        ('name = { template = "{a" }', 'template = "{a": a brace has no partner'),
        (
            'owner = "a"',
            'field \'owner\': "a" does not say how the user is found; write { by = "FIELD", column = "a" }',
        ),
        (
            'owner = { by = "nme", column = "a" }',
            "field 'owner': by = \"nme\": no User is found by it; did you mean name?",
        ),
        (
            'owner = { by = "name", system = "s", column = "a" }',
            "has by and system; write exactly one of by, system, record",
        ),
        ('owner = { record = "user" }', 'record = "user": is not a record above of type User; possible: none'),
        ('parent = { by = "name", column = "a", missing = "null" }', "this mapping makes customers itself"),
        ('externalIds = { s = "a" }', "'s' is the system of the key already"),
    ],
)
def test_faults_of_a_field_are_told(catalog, folder, field, fault):
    mapping = f'[[record]]\ntype = "Customer"\n{KEY}\n[record.fields]\n{field}\n'
    with pytest.raises(ConfigurationError, match=r"m.toml: record 'customer' \(Customer\).*" + re.escape(fault)):
        mapping_of(read_form(folder.write("m.toml", mapping)), catalog)


def places(raised):
    return [line.partition("m.toml: ")[2].partition(":")[0] for line in str(raised.value).splitlines()]


def test_all_faults_of_the_form_are_told_at_once_before_there_is_a_catalog(folder):
    mapping = '[source]\ntrim = 1\n[fix.a]\nx = ""\n[[record]]\ntype = "Customer"\n[[record]]\nfeilds = 1\n'
    with pytest.raises(ConfigurationError) as raised:
        read_form(folder.write("m.toml", mapping))
    assert places(raised) == ["source", "fix", "record 1", "record 2"]


def test_all_faults_of_records_are_told_at_once(catalog, folder):
    mapping = f'[[record]]\ntype = "Customer"\n{KEY}\n[record.fields]\nnmae = "a"\nowner = "a"\n[[record]]\ntype = "X"\n{KEY}\n'
    form = read_form(folder.write("m.toml", mapping))
    with pytest.raises(ConfigurationError) as raised:
        mapping_of(form, catalog)
    assert places(raised) == [
        "record 'customer' (Customer), field 'nmae'",
        "record 'customer' (Customer), field 'owner'",
        "record 2",
    ]
