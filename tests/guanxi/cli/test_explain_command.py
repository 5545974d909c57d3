"""The command `guanxi explain`: what a query costs, or why it cannot be said."""

import pytest

from guanxi import create_app, load_settings
from guanxi.cli.commands import cli, guarded


@pytest.fixture
def explain(databases, monkeypatch, capsys):
    """Runs `guanxi explain`: exit code and what it says."""
    monkeypatch.setenv("GUANXI_DATABASE_URL", databases.fresh())
    monkeypatch.setattr("guanxi.app.create_app", lambda: create_app(load_settings(), plugins=[]))

    def run(*arguments):
        code = guarded(lambda: cli(["explain", *arguments], prog_name="guanxi"))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_it_shows_statement_values_indexes_and_time(explain, databases):
    query = "query ($name: String) { customers(first: 7, where: {name: {eq: $name}}) { nodes { name } } }"
    code, said = explain(query, "--variables", '{"name": "Äre"}')
    assert code == 0
    assert "statement 1: " in said
    assert " ms\n" in said
    assert "SELECT " in said
    assert "'äre'" in said
    assert "LIMIT 7" in said
    assert "statement 2" not in said
    if databases.engine == "sqlite":
        assert "SEARCH t0 USING INDEX ix_customer_name_folded" in said
        assert "indexes: ix_customer_name_folded" in said


def test_every_root_field_is_a_statement(explain):
    code, said = explain("{ customersAggregate { count } contacts { totalCount } }")
    assert code == 0
    assert "statement 2: " in said
    assert "statement 3" not in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("{ customers { nodes { naem } } }",), "Cannot query field 'naem'"),
        (("{ customers(first: -1) { totalCount } }",), "first: -1 is outside"),
        (('mutation { deleteCustomer(input: {id: "cus_x"}) { userErrors { code } } }',), "only queries are explained"),
        (("{ __typename }", "--variables", "[]"), "--variables []: give a JSON object"),
        (("query ($n: Int!) { customers(first: $n) { totalCount } }",), "$n"),
    ],
)
def test_what_cannot_be_explained_is_said_in_one_line(explain, arguments, expected):
    code, said = explain(*arguments)
    assert code == 1
    assert expected in said
    assert "Traceback" not in said
