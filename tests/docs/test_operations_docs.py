"""The page on operations: what it says to type is typed as it stands, on both engines, and files it names are whole."""

import configparser
import os
import re
import subprocess
import tomllib

import pytest

from core.base.settings import Settings
from guanxi import load_settings
from guanxi.cli.commands import cli
from tests.snippets import ROOT, snippets
from tests.warm import python

PAGE = (ROOT / "docs" / "operations.md").read_text()
EXAMPLES = ROOT / "docs" / "examples" / "operations"
BACKUP, LOST, WRONG, UPGRADE, BACK = snippets("docs/operations.md", "sh")
(ENVIRONMENT,) = snippets("docs/operations.md", "ini")


class Machine:
    """A machine on which the page's commands are typed: its folders are in one, and systemctl and pip only note it."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        programs = folder / "bin"
        programs.mkdir()
        main = f"#!{python()}\nimport core.host.host\n"
        main += "core.host.host.entry_points = lambda group: []\n"
        self._program(programs / "guanxi", f"{main}from guanxi.cli.commands import main\nmain()\n")
        for name in ("systemctl", "pip"):
            self._program(programs / name, f'#!/bin/sh\necho {name} "$@" >> {folder}/typed\n')
        for name in ("backups", "journal"):
            (folder / name).mkdir()
        self._path = f"{programs}:{os.environ['PATH']}"

    def _program(self, path, text):
        path.write_text(text)
        path.chmod(0o755)

    def type(self, text):
        """Types commands; each must succeed. Gives what they say."""
        text = text.replace("/var/backups/guanxi", f"{self.folder}/backups").replace("/srv", str(self.folder))
        environment = os.environ | {
            "PATH": self._path,
            "GUANXI_DATABASE_URL": self.url,
            "GUANXI_JOURNAL_FILE": f"{self.folder}/journal/guanxi.jsonl",
        }
        done = subprocess.run(
            ["sh", "-e", "-c", text], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def typed(self):
        return (self.folder / "typed").read_text().splitlines()


@pytest.fixture
def machine(crm, tmp_path):
    return Machine(tmp_path, crm.databases.fresh())


def contacts(client):
    return [
        node["name"]
        for node in client.query("{ contacts(orderBy: [{name: ASC}]) { nodes { name } } }")["contacts"]["nodes"]
    ]


def people(crm, machine):
    """Enters Ann and Bo; gives Ann's id."""
    client = crm(url=machine.url)
    customer = client.create("Customer", name="Acme")["id"]
    ann, _ = [client.create("Contact", name=name, customerId=customer)["id"] for name in ("Ann", "Bo")]
    crm.close()
    return ann


def erase(crm, machine, id):
    client = crm(url=machine.url, journal_file=machine.folder / "journal" / "guanxi.jsonl")
    erased = 'mutation ($id: ID!) { erasePersonalData(input: {id: $id, reason: "asked"}) { userErrors { code } } }'
    assert client.query(erased, id=id) == {"erasePersonalData": {"userErrors": []}}
    client.create("Customer", name="Since")
    crm.close()


def named(machine):
    """Gives the backup of today the name under which the page restores it."""
    (path,) = (machine.folder / "backups").glob("*.backup")
    path.rename(path.with_name("2026-01-31.backup"))


def test_a_lost_database_is_recovered_as_the_page_says_and_whoever_was_erased_stays_so(crm, machine):
    ann = people(crm, machine)
    assert "written and read back" in machine.type(BACKUP)
    named(machine)
    erase(crm, machine, ann)
    machine.url = crm.databases.empty()
    said = machine.type(LOST)
    assert "restored and compared" in said and "done again: 1 of 1" in said
    assert "the database is up to date" in said
    assert machine.typed == ["systemctl stop guanxi", "systemctl start guanxi"]
    assert contacts(crm(url=machine.url)) == ["Bo", "erased"]


#: What differs between the engines is tried where a database is lost, and in the tests of backups.
on = pytest.mark.parametrize


@on("databases", ["sqlite"], indirect=True, scope="session")
def test_wrong_data_is_brought_back_as_the_page_says(crm, machine):
    ann = people(crm, machine)
    machine.type(BACKUP)
    named(machine)
    erase(crm, machine, ann)
    machine.type(WRONG)
    client = crm(url=machine.url)
    assert contacts(client) == ["Bo", "erased"]
    assert client.query("{ customers { nodes { name } } }") == {"customers": {"nodes": [{"name": "Acme"}]}}
    assert (machine.folder / "backups" / "before-restore.backup").exists()


@on("databases", ["postgresql"], indirect=True, scope="session")
def test_an_upgrade_and_the_way_back_go_as_the_page_says(crm, machine):
    people(crm, machine)
    machine.type(UPGRADE)
    client = crm(url=machine.url)
    client.create("Customer", name="Since")
    crm.close()
    machine.type(BACK)
    assert contacts(crm(url=machine.url)) == ["Ann", "Bo"]
    assert [line for line in machine.typed if line.startswith("pip")] == [
        "pip install --upgrade guanxi",
        "pip install guanxi==0.1.0",
    ]


def test_the_settings_of_the_service_are_settings(monkeypatch):
    for name, value in re.findall(r"^(\w+)=(.+)$", ENVIRONMENT, re.MULTILINE):
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert str(settings.journal_file) == "/srv/journal/guanxi.jsonl"
    assert [str(network) for network in settings.trusted_proxies] == ["127.0.0.1/32"]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"GUANXI_[A-Z_]+[A-Z]", PAGE))))
def test_every_setting_the_page_names_is_one(name):
    assert name.removeprefix("GUANXI_").lower() in Settings.model_fields


def test_every_file_the_page_names_is_there_and_every_example_is_named():
    named = set(re.findall(r"\(examples/operations/([\w.-]+)\)", PAGE))
    assert named == {path.name for path in EXAMPLES.iterdir()}


@pytest.mark.parametrize("name", ["guanxi.service", "guanxi-backup.service", "Containerfile"])
def test_commands_in_the_examples_are_commands(name):
    text = (EXAMPLES / name).read_text()
    import typer

    known = typer.main.get_command(cli)
    for command, options in re.findall(r'guanxi"?,? "?(backup|serve)\b([^\n]*)', text):
        given = re.findall(r"--[a-z]+", options)
        available = {option for parameter in known.commands[command].params for option in parameter.opts}
        assert {*given} <= available
    assert re.search(r'guanxi"?,? "?(backup|serve)\b', text)


def test_the_units_are_whole():
    for path in EXAMPLES.glob("*.service"):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read(path)
        assert unit["Service"]["EnvironmentFile"] == "/etc/guanxi/environment"
        assert "ExecStart" in unit["Service"]


def test_the_version_to_go_back_to_is_one():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"guanxi=={version}" in PAGE
