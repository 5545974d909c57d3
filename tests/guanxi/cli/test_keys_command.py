"""The commands `guanxi keys` and `guanxi identities`: what they print, and what of it is a secret."""

import re

import pytest

from guanxi import create_app, load_settings
from guanxi.cli.commands import cli, guarded

SECRET = re.compile(r"gx_[0-9a-z]{10}_[0-9a-f]{64}\n")


@pytest.fixture
def app(databases, monkeypatch):
    """The app that commands work on, as it is made anew for each."""
    url = databases.fresh()
    monkeypatch.setenv("GUANXI_DATABASE_URL", url)
    monkeypatch.setattr("guanxi.app.create_app", lambda: create_app(load_settings(), plugins=[]))
    return lambda: create_app(load_settings(), plugins=[])


@pytest.fixture
def command(app, capsys):
    """Runs a command: exit code and what it says."""

    def run(*arguments):
        code = guarded(lambda: cli([*arguments], prog_name="guanxi"))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_key_is_created_listed_rotated_and_revoked(command):
    code, made, said = command("keys", "create", "--name", "web [shop]", "--role", "partner", "--scope", "*.read")
    assert code == 0 and SECRET.fullmatch(made)
    assert "role PARTNER. Keep it now: it is stored as a hash and not shown again." in said
    start = "_".join(made.split("_")[:2])
    _, listed, _ = command("keys", "list")
    heading, row = listed.splitlines()
    assert heading.split() == ["key", "id", "name", "role", "narrowed", "to", "user", "created", "last", "used", "ends"]
    assert row.split()[0] == start and "web [shop]" in row and "*.read" in row and "never" in row
    assert made.strip() not in listed
    code, rotated, said = command("keys", "rotate", start, "--overlap-minutes", "60")
    assert code == 0 and SECRET.fullmatch(rotated) and rotated != made and rotated.startswith(start)
    assert "The key before it is accepted until" in said
    assert command("keys", "revoke", rotated.strip()) == (0, f"revoked: {start}, web [shop]\n", "")
    assert len(command("keys", "list")[1].splitlines()) == 1
    assert "revoked 2" in command("keys", "list", "--revoked")[1]


def test_what_cannot_be_is_told_in_one_line(command):
    code, out, err = command("keys", "create", "--name", "x", "--role", "PARTNER", "--user", "usr_none")
    assert (code, out, err) == (1, "", "guanxi: userId: there is no active user 'usr_none'\n")
    code, _, err = command("keys", "revoke", "gx_0000000000")
    assert (code, err) == (
        1,
        "guanxi: no API key begins with gx_0000000000; see `guanxi keys list --revoked`\n",
    )
    assert command("keys", "rotate", "key_none")[::2] == (1, "guanxi: id: there is no API key 'key_none'\n")


def test_a_key_may_expire(command):
    _, _, said = command("keys", "create", "--name", "x", "--role", "PARTNER", "--expires-in-days", "3")
    assert re.search(r"role PARTNER, until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", said)


def test_identities_are_linked_by_address_or_id_listed_and_unlinked(command):
    code, _, err = command("identities", "link", "https://sign-in.example", "00u1", "ann@example.com")
    assert (code, err) == (1, "guanxi: ann@example.com: no users have this address; give the id of one\n")
    from guanxi.cli.asking import ask

    made = ask('mutation { createUser(input: {name: "Ann [A.]", email: "ann@example.com"}) { user { id } } }')
    ann = made["user"]["id"]
    code, out, _ = command("identities", "link", "https://sign-in.example", "00u1", "ann@example.com")
    assert code == 0 and out.endswith(f": 00u1 is Ann [A.] ({ann})\n")
    assert command("identities", "link", "plugin:gateway", "ann", ann)[0] == 0
    _, listed, _ = command("identities", "list")
    assert len(listed.splitlines()) == 3 and "Ann [A.]" in listed and "local" in listed
    id = out.partition(":")[0]
    assert command("identities", "unlink", id) == (0, "removed\n", "")
    assert id not in command("identities", "list")[1]
    assert command("identities", "unlink", id)[::2] == (1, f"guanxi: id: there is no identity '{id}'\n")
