"""`guanxi backup` and `guanxi restore`: what was erased or revoked since the backup is so again afterwards."""

import json
import re
import stat

import orjson
import pytest

from core.access.journal import acts_of
from guanxi.cli.commands import cli, guarded
from guanxi.testing import QueryError


@pytest.fixture
def guanxi(capsys, monkeypatch, tmp_path):
    """Runs a command on a database: exit code, and what it says on each stream."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("core.host.host.entry_points", lambda group: [])

    def run(url, *arguments):
        monkeypatch.setenv("GUANXI_DATABASE_URL", url)
        code = guarded(lambda: cli([*map(str, arguments)], prog_name="guanxi"))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def named(client):
    """Names of the contacts, and of the keys that are accepted."""
    found = client.query(
        """{ contacts(orderBy: [{name: ASC}]) { nodes { name } }
            apiKeys(where: {revokedAt: {isNull: true}}, orderBy: [{name: ASC}]) { nodes { name } } }"""
    )
    return [[node["name"] for node in found[each]["nodes"]] for each in ("contacts", "apiKeys")]


def contact(client, name):
    customer = client.create("Customer", name="Acme")["id"]
    return client.create("Contact", name=name, customerId=customer, email=f"{name.lower()}@example.com")["id"]


def change(client, name, **input):
    """The payload of a mutation that must not be refused."""
    type_ = name[0].upper() + name[1:]
    text = f"mutation ($input: {type_}Input!) {{ {name}(input: $input) {{ userErrors {{ message }} }} }}"
    answer = client.query(text, input=input)[name]
    if answer["userErrors"]:
        raise QueryError(answer["userErrors"])
    return answer


def key(client, name):
    text = """mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
        apiKey { id } secret userErrors { message } } }"""
    made = client.query(text, input={"name": name, "role": "ADMINISTRATOR"})["createApiKey"]
    return made["apiKey"]["id"], made["secret"]


@pytest.fixture
def lived(crm, guanxi):
    """A database of which there is a backup, in which a person was erased and a key revoked since; and its journal."""
    url = crm.databases.fresh()
    client = crm(url=url, trusts_loopback=True)
    ann, bo = contact(client, "Ann"), contact(client, "Bo")
    _, kept = key(client, "kept")
    client.post(orjson.dumps({"credential": kept}), {"content-type": "application/json"}, path="/session")
    stolen, _ = key(client, "stolen")
    change(client, "erasePersonalData", id=bo, reason="asked before")
    crm.close()
    code, out, err = guanxi(url, "backup", "x.backup")
    assert (code, err) == (0, ""), err
    client = crm(url=url, trusts_loopback=True, journal_file="journal.jsonl")
    cy = contact(client, "Cy")
    for id in (ann, cy):
        change(client, "erasePersonalData", id=id, reason="asked since")
    change(client, "revokeApiKey", id=stolen)
    assert named(client) == [["erased"] * 3, ["kept"]]
    crm.close()
    return url, out, [bo, ann, cy, stolen]


def test_the_command_says_what_is_in_the_file_and_what_is_not(lived, tmp_path):
    _, out, _ = lived
    first, second = out.splitlines()
    assert first.startswith("written and read back: x.backup, 0.0 MB, ") and re.search(r" \(core \d{4}\)$", first)
    assert second == (
        "Not in it: settings (GUANXI_… and .env), key files and JWKS of issuers, the code of plugins and what they keep "
        "elsewhere, the journal, and tables that neither guanxi nor a plugin made. It is not encrypted."
    )
    assert stat.S_IMODE((tmp_path / "x.backup").stat().st_mode) == 0o600


def test_what_the_replaced_database_lists_is_done_again(crm, guanxi, lived, tmp_path):
    url, _, _ = lived
    code, out, err = guanxi(url, "restore", "x.backup", "--replace")
    assert (code, err) == (0, ""), err
    assert "restored and compared: " in out
    assert "done again: 2 of 3 erasures and revocations; the rest is of what is not in it" in out
    assert not (tmp_path / "x.backup.journal").exists()
    client = crm(url=url, trusts_loopback=True)
    assert named(client) == [["erased"] * 2, ["kept"]]
    with client.app.database.connection() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM browser_session").scalar() == 0, "some were ended since"
    reasons = client.query("{ auditEntries(where: {action: {eq: ERASED}}) { nodes { detail } } }")["auditEntries"]
    (again,) = [node["detail"] for node in reasons["nodes"] if "restore" in node["detail"]]
    assert again[10:] == ": erased; again after a restore"


def test_what_the_journal_lists_is_done_again_where_the_database_is_lost(crm, guanxi, lived):
    other = crm.databases.empty()
    code, out, err = guanxi(other, "restore", "x.backup", "--journal", "journal.jsonl")
    assert (code, err) == (0, ""), err
    assert "done again: 2 of 3 erasures" in out
    client = crm(url=other, trusts_loopback=True)
    assert named(client) == [["erased"] * 2, ["kept"]]


def test_without_either_a_restore_brings_them_back(crm, guanxi, lived):
    """So that the two tests before show something."""
    other = crm.databases.empty()
    assert guanxi(other, "restore", "x.backup")[0] == 0
    assert named(crm(url=other, trusts_loopback=True)) == [["Ann", "erased"], ["kept", "stolen"]]


def test_what_could_not_be_done_again_is_kept_for_the_next_time(crm, guanxi, lived, tmp_path, monkeypatch):
    """Where a restore is broken off after the database is replaced, what it listed is in a file beside the backup."""
    from guanxi.cli import backups

    url, _, _ = lived
    with monkeypatch.context() as patch:
        patch.setitem(backups._AGAIN, "ERASED", ("mutation ($id: ID!) { done: nothing(id: $id) { x } }", None))
        code, _, err = guanxi(url, "restore", "x.backup", "--replace")
    assert code == 1
    assert "serve nobody before it is done: fix that and restore again with --replace; x.backup.journal lists it" in err
    assert stat.S_IMODE((tmp_path / "x.backup.journal").stat().st_mode) == 0o600
    assert guanxi(url, "restore", "x.backup", "--replace")[0] == 0
    assert named(crm(url=url, trusts_loopback=True)) == [["erased"] * 2, ["kept"]]
    assert not (tmp_path / "x.backup.journal").exists()


def test_the_journal_names_nobody_and_has_what_was_done_before_there_was_one(lived, tmp_path):
    _, _, ids = lived
    path = tmp_path / "journal.jsonl"
    assert [act.subject for act in acts_of(path)] == ids
    assert [act.action for act in acts_of(path)] == ["ERASED"] * 3 + ["KEY_REVOKED"]
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(entry.keys() == {"id", "action", "subject", "at"} for entry in entries)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_dry_run_is_not_in_the_journal(crm, tmp_path):
    path = tmp_path / "journal.jsonl"
    client = crm(trusts_loopback=True, journal_file=path)
    ann = contact(client, "Ann")
    change(client, "erasePersonalData", id=ann, reason="perhaps", dryRun=True)
    assert path.read_text() == ""


def test_what_was_erased_is_answered_so_although_the_journal_cannot_be_written_and_added_later(crm, tmp_path, caplog):
    url, path = crm.databases.fresh(), tmp_path / "on" / "journal.jsonl"
    path.parent.mkdir()
    client = crm(url=url, trusts_loopback=True, journal_file=path)
    ann = contact(client, "Ann")
    path.unlink()
    path.parent.rmdir()
    change(client, "erasePersonalData", id=ann, reason="asked")
    assert f"GUANXI_JOURNAL_FILE={path}: the journal lacks what was just done" in caplog.text
    crm.close()
    path.parent.mkdir()
    crm(url=url, journal_file=path)
    assert [act.subject for act in acts_of(path)] == [ann]


def test_a_server_does_not_start_without_its_journal(crm, tmp_path):
    from guanxi import ConfigurationError

    with pytest.raises(ConfigurationError) as caught:
        crm(journal_file=tmp_path / "missing" / "journal.jsonl")
    assert caught.value.message == f"{tmp_path}/missing/journal.jsonl cannot be written: No such file or directory"


def test_a_line_that_was_broken_off_is_named(crm, guanxi, lived, tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text(path.read_text()[:-20])
    code, _, err = guanxi(crm.databases.empty(), "restore", "x.backup", "--journal", "journal.jsonl")
    assert code == 1
    assert "journal.jsonl, line 4: this is not an entry of a journal; remove the line if it was broken off" in err


def test_a_file_that_is_no_backup_is_refused(crm, guanxi, tmp_path):
    (tmp_path / "x.csv").write_text("name\nAnn\n")
    assert guanxi(crm.databases.empty(), "restore", "x.csv") == (
        1,
        "",
        "guanxi: x.csv is not a backup, or not a whole one; use another\n",
    )
    code, _, err = guanxi(crm.databases.empty(), "restore", "y.backup")
    assert (code, err) == (1, "guanxi: y.backup cannot be read: No such file or directory\n")
