"""The command `guanxi import`: what it refuses before it begins, what it says, its exit codes."""

import pytest

from guanxi import create_app, load_settings
from guanxi.cli.commands import cli, guarded
from tests.imports import SIMPLE, Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def command(folder, databases, monkeypatch, capsys):
    """Runs `guanxi import` in the folder: exit code and what it says."""
    monkeypatch.chdir(folder.path)
    monkeypatch.setenv("GUANXI_DATABASE_URL", databases.fresh())
    monkeypatch.setattr("guanxi.app.create_app", lambda: create_app(load_settings(), plugins=[]))

    def run(*arguments):
        code = guarded(lambda: cli(["import", *map(str, arguments)], prog_name="guanxi"))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gone.csv", None, "gone.csv: cannot be read: No such file"),
        ("rows.xls", b"name\n", "rows.xls: the name does not end in .csv, .tsv, .jsonl, .ndjson"),
        ("empty.csv", b"", "empty.csv: is empty; its first line must name the columns"),
        ("latin.csv", "name\nÅre\n".encode("latin-1"), "latin.csv: is not utf-8-sig"),
        ("quote.csv", b'name\n"open\n', "quote.csv: line 2 is not CSV: unexpected end of data"),
        (
            "other.csv",
            b"title,city\n",
            "record 'customer' (Customer): key: other.csv has no column 'name'; it has title, city",
        ),
        ("twice.csv", b"name,name\n", "twice.csv has 2 columns named 'name'; rename all but one"),
        ("lines.jsonl", b'{"title": 1}\n', "lines.jsonl has no column 'name'; it has title"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused_before_anything_is_written(command, folder, name, text, said):
    folder.write("m.toml", SIMPLE)
    if text is not None:
        (folder.path / name).write_bytes(text)
    code, answer = command(name, "--mapping", "m.toml")
    assert code == 1
    assert said in answer
    assert "Traceback" not in answer


TRIED = """\
record    created  updated  unchanged  rejected
customer        1        0          0         1
2 rows read, 1 rejected: see out.csv; a dry run, nothing was written
"""


def test_the_command_says_what_became_of_it(command, folder):
    folder.write("m.toml", SIMPLE + '    foundedYear = "year"\n')
    folder.write("rows.csv", "name,year\nSaid,1999\n\nUnsaid,never\n")
    assert command("rows.csv", "--mapping", "m.toml", "--rejects", "out.csv", "--dry-run") == (
        3,
        TRIED,
    )
    assert (folder.path / "out.csv").read_text().splitlines()[1].startswith("4,customer,")
    assert command("rows.csv", "--mapping", "m.toml", "--rejects", "rows.csv")[0] == 1
    assert command("rows.csv", "--mapping", "m.toml", "--rejects", "no/such/folder.csv")[0] == 1
    folder.write("rows.csv", "name,year\nSaid,1999\n")
    code, answer = command("rows.csv", "--mapping", "m.toml", "--rejects", "out.csv")
    assert (code, answer.splitlines()[-1]) == (0, "1 row read")
    assert not (folder.path / "out.csv").exists()
