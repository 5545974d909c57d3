"""What a command imports: nothing slow before it is known to be needed."""

import subprocess
import sys

import pytest

import guanxi

SLOW = ("sqlalchemy", "sqlmodel", "pydantic", "graphql", "strawberry", "alembic", "uvicorn", "psycopg", "asyncpg")
#: Typer reads options by it.
OF_TYPER = {"pydantic"}
REPORT = f"import sys; print('slow:', *[name for name in {SLOW} if name in sys.modules])"
RUN = "import sys; from guanxi.cli.commands import main\ntry: main()\nexcept SystemExit: pass\n"


def imported(tmp_path, monkeypatch, code, *arguments, url=None):
    """Which of the slow packages a process has imported in the end."""
    monkeypatch.setenv("GUANXI_DATABASE_URL", url or f"sqlite:///{tmp_path}/crm.db")
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return done.stdout.rpartition("slow:")[2].split()


def test_the_command_line_itself_imports_nothing_slow(tmp_path, monkeypatch):
    assert imported(tmp_path, monkeypatch, "import guanxi.cli.commands, sys\n") == []


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["serve", "--help"], ["plugins", "--help"]])
def test_version_and_help_import_nothing_slow(tmp_path, monkeypatch, arguments):
    assert {*imported(tmp_path, monkeypatch, RUN, *arguments)} <= OF_TYPER


def test_neither_does_a_mapping_file_of_the_wrong_form(tmp_path, monkeypatch):
    (tmp_path / "rows.csv").write_text("name\n")
    (tmp_path / "mapping.toml").write_text('[[record]]\ntype = "Customer"\n')
    assert {*imported(tmp_path, monkeypatch, RUN, "import", "rows.csv", "--mapping", "mapping.toml")} <= OF_TYPER


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")
@pytest.mark.parametrize("arguments", [["plugins"], ["jobs"]])
def test_with_a_database_that_is_up_to_date_alembic_and_what_serves_and_other_drivers_stay_out(
    databases, tmp_path, monkeypatch, arguments
):
    found = imported(tmp_path, monkeypatch, RUN, *arguments, url=databases.installed())
    assert "sqlalchemy" in found
    assert not {*found} & {"alembic", "uvicorn", "psycopg", "asyncpg"}


def test_every_public_name_is_found_where_its_module_has_it():
    assert sorted(guanxi._HOMES) == sorted(guanxi.__all__)
    for name in guanxi.__all__:
        assert getattr(guanxi, name) is getattr(sys.modules[guanxi._HOMES[name]], name)
    assert {*guanxi.__all__} <= {*dir(guanxi)}
    with pytest.raises(AttributeError, match="module 'guanxi' has no attribute 'nothing'"):
        guanxi.nothing  # noqa: B018
