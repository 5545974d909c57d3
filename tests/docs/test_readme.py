"""The README is followed to the letter: its commands run, its queries are answered as it shows, its plugin works."""

import json
import re
from importlib.metadata import entry_points

from guanxi import create_app, load_settings
from guanxi.cli.demonstration import FIRST_QUERY
from guanxi.testing import running
from tests.demonstrated import Served
from tests.shares import EXHAUSTIVE
from tests.snippets import ROOT, snippets

FIRST_PARTY = [point.load() for point in entry_points(group="guanxi.plugins") if point.value.startswith("plugins.")]
README = (ROOT / "README.md").read_text()
START, CHECK = snippets("README.md", "sh")


def answered(page: str) -> list[tuple[str, str]]:
    """The queries of a page that are followed by their answer."""
    return re.findall(r"```graphql\n((?:(?!```).)*)```\n\n```json\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def test_the_first_command_starts_the_crm_and_its_first_query_is_answered_as_shown(demonstration):
    *install, demo = [step.strip() for step in START.split("&&")]
    assert install == ["python3 -m venv .venv", ". .venv/bin/activate", "pip install '.[page]'"]
    query, answer = snippets("README.md", "graphql")[0], snippets("README.md", "json")[0]
    assert query == FIRST_QUERY + "\n"
    folder, served = demonstration.folder, demonstration.served
    assert demo == demonstration.command
    assert FIRST_QUERY in served.said
    assert served.ask(query) == {"data": json.loads(answer)}
    for asked, shown in answered("docs/queries.md"):
        assert served.ask(asked) == {"data": json.loads(shown)}
    served.ask('mutation { createCustomer(input: {name: "Kept"}) { customer { id } } }')
    served.stop()
    with Served(demo, folder) as served:
        kept = served.ask('{ customersAggregate(where: {name: {eq: "Kept"}}) { count } }')
        assert kept["data"]["customersAggregate"]["count"] == 1
    # To make the sample again takes as long as the rest.
    if not EXHAUSTIVE:
        return
    with Served(f"{demo} --fresh", folder) as served:
        kept = served.ask('{ customersAggregate(where: {name: {eq: "Kept"}}) { count } }')
        assert kept["data"]["customersAggregate"]["count"] == 0


def test_the_second_command_is_what_ci_runs():
    *make, install, check = [step.strip() for step in CHECK.split("&&")]
    ci = (ROOT / ".ci" / "run").read_text()
    assert make == ["python3 -m venv .venv", ". .venv/bin/activate"]
    assert f"{install} && {check}" in ci
    assert check == "pytest"


def test_every_query_is_answered(tmp_path, stranger):
    settings = load_settings(database_url=f"sqlite:///{tmp_path}/crm.db")
    app = create_app(settings, [*FIRST_PARTY, stranger.Loyalty])
    app.migrate()
    with running(app) as client:
        for query in (*snippets("README.md", "graphql"), *snippets("docs/queries.md", "graphql")):
            client.query(query)


def test_the_readme_is_short():
    assert len(README.splitlines()) < 150


def test_every_command_and_plugin_is_named():
    from typer.main import get_command

    from guanxi.cli.commands import cli

    for name in get_command(cli).commands:
        assert re.search(rf"`(guanxi )?{name}\b", README), name
    for folder in (ROOT / "plugins").iterdir():
        if (folder / "__init__.py").exists() and folder.name != "__pycache__":
            assert f"({folder.name}.md)" in (ROOT / "docs" / "README.md").read_text()
