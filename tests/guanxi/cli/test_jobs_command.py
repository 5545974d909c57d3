"""The command `guanxi jobs`: what is listed, a run by hand, its exit codes."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from guanxi import Job, Plugin, create_app, hookimpl, load_settings
from guanxi.cli.commands import cli, guarded


class Chores(Plugin):
    """One job that works and one that does not."""

    name, version, api = "chores", "1.0", ">=1,<2"

    @hookimpl
    def register_jobs(self):
        yield Job("sweep_floor", timedelta(hours=36), lambda ctx: "3 [floors] swept", "Sweeps the floor.")
        yield Job("wash_up", timedelta(weeks=1), self.wash, "Washes up.")

    def wash(self, ctx):
        raise RuntimeError("no [clean] water")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs `guanxi jobs`: exit code and what it says."""
    monkeypatch.setenv("GUANXI_DATABASE_URL", f"sqlite:///{tmp_path}/crm.db")
    monkeypatch.setattr("guanxi.app.create_app", lambda: create_app(load_settings(), plugins=[Chores]))

    def run(*arguments):
        code = guarded(lambda: cli(["jobs", *arguments], prog_name="guanxi"))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_names_stay_whole_in_a_narrow_terminal(command, monkeypatch):
    written = StringIO()
    console = Console(file=written, force_terminal=True, width=60, soft_wrap=True, highlight=False)
    monkeypatch.setattr("guanxi.cli.jobs.out", console)
    assert command()[0] == 0
    assert "sweep_floor" in written.getvalue()


def test_a_job_is_listed_run_by_hand_and_listed_with_what_it_did(command):
    code, listed, _ = command()
    assert code == 0
    heading, first, second = (line.split() for line in listed.splitlines())
    assert heading == ["job", "plugin", "every", "last", "run", "outcome", "next", "due", "report"]
    assert first == ["sweep_floor", "chores", "36", "hours", "never", "when", "a", "server", "runs"]
    assert second == ["wash_up", "chores", "1", "week", "never", "when", "a", "server", "runs"]
    assert command("run", "sweep_floor") == (0, "3 [floors] swept\n", "")
    _, listed, _ = command()
    assert "DONE" in listed and "3 [floors] swept" in listed and "UTC" in listed


def test_a_job_that_fails_is_told_in_one_line_with_an_exit_code_and_listed_as_failed(command):
    code, out, err = command("run", "wash_up")
    assert (code, out) == (1, "")
    assert err == "guanxi: plugin 'chores', job wash_up: RuntimeError: no [clean] water\n"
    _, listed, _ = command()
    assert "FAILED" in listed and "no [clean] water" in listed


def test_a_job_that_is_not_there_is_told(command):
    assert command("run", "dry") == (1, "", "guanxi: there is no job 'dry'; available: sweep_floor, wash_up\n")
