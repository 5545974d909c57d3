"""An installed plugin that fails: the command line says in one line which, where and what helps, and exits with 1."""

import importlib.metadata
import re

import pytest

from guanxi import create_app
from guanxi.cli.commands import cli, guarded
from guanxi.testing import running
from tests.imports import SIMPLE

HEAD = """
from guanxi import Facet, Field, Plugin, Table, column, hookimpl

class Found(Plugin):
    name, version, api = "{name}", "1.0", ">=1,<2"
"""
HELPS = "Fix it or leave the plugin out"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution that offers one plugin, alone."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("GUANXI_DATABASE_URL", f"sqlite:///{tmp_path}/crm.db")
    monkeypatch.chdir(tmp_path)
    installed = importlib.metadata.entry_points

    def make(name, code):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code.replace("{name}", name))
        info = tmp_path / f"guanxi_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: guanxi-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[guanxi.plugins]\n{name} = {name}:Found\n")
        found = [point for point in installed(group="guanxi.plugins") if point.name == name]
        monkeypatch.setattr("core.host.host.entry_points", lambda group: found)
        return tmp_path / name

    return make


@pytest.fixture
def guanxi(capsys):
    """Runs a command: exit code, and what it says on each stream."""

    def run(*arguments):
        code = guarded(lambda: cli([*map(str, arguments)], prog_name="guanxi"))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def hook(text):
    """A plugin with a hook of this text."""
    return HEAD + "\n    @hookimpl\n" + "\n".join(f"    {line}" for line in text.splitlines()) + "\n"


STARTS = {
    "fail_import": (
        "import a_module_that_is_not_there",
        "import of fail_import:Found: ModuleNotFoundError: No module named 'a_module_that_is_not_there'. Fix or uninstall the distribution guanxi-fail_import, which offers it",
    ),
    "fail_exit": (
        "raise SystemExit(0)",
        "import of fail_exit:Found: SystemExit: 0. Fix or uninstall the distribution guanxi-fail_exit, which offers it",
    ),
    "fail_class": ("Found = 3", "declaration: 3 is not a subclass of guanxi.Plugin; name one"),
    "fail_hook_name": (
        hook("def before_comit(self, ctx, changes):\n    pass"),
        "before_comit: there is no such hook; did you mean before_commit? The hooks are ",
    ),
    "fail_range": (
        HEAD.replace(">=1,<2", ">=7,<8"),
        "api: it was written for contract >=7,<8, and this is contract 1.0; install a version that fits",
    ),
    "fail_clash": (
        hook('def register_fields(self):\n    yield Field("Customer.name", lambda row: row.name, "Its name.", str)'),
        "field Customer.name: core has a field of that name already; choose another name",
    ),
    "fail_non_null": (
        hook(
            "def register_fields(self):\n"
            '    yield Field("Customer.shout", lambda row: row.name, "Its name.", str, non_null=True)'
        ),
        "field Customer.shout: a plugin's field must be nullable, so that it cannot take its record with it; leave",
    ),
    "fail_prefix": (
        HEAD
        + '\nclass Loose(Table, plugin="{name}"):\n    __tablename__ = "loose"\n'
        + '    id: str = column("Its id.", primary_key=True)\n',
        "table loose: must be named with the plugin's prefix: fail_prefix_loose",
    ),
    "fail_declaring": (
        hook("def register_fields(self):\n    raise KeyError('colour')"),
        f"register_fields: KeyError: 'colour'. {HELPS}",
    ),
    "fail_operation": (
        hook("def register_operations(self):\n    raise OSError('no such report')"),
        f"register_operations: OSError: no such report. {HELPS}",
    ),
    "fail_start": (
        hook("def startup(self, ctx):\n    raise OSError('no such host')"),
        f"startup: OSError: no such host. {HELPS}",
    ),
    "fail_waiting_start": (
        hook("async def startup(self, ctx):\n    raise OSError('no such host')"),
        f"startup: OSError: no such host. {HELPS}",
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_server_whose_plugin_fails_does_not_start(install, guanxi, name):
    code, said = STARTS[name]
    install(name, code)
    status, out, err = guanxi("serve", "--port", "0")
    assert (status, out) == (1, "")
    assert err.startswith(f"guanxi: plugin '{name}', {said}")
    assert err.count("\n") == 1


REVISION = """
import sqlalchemy as sa
from alembic import op

from guanxi import types

revision = "{revision}"
down_revision = {previous}


def upgrade():
    op.create_table("{table}", sa.Column("id", types.Text(), primary_key=True))
    {then}
"""


def test_a_failing_migration_stops_the_command_and_the_server(install, guanxi):
    home = install("fail_migration", HEAD + '\nclass Kept(Facet, of="Customer", plugin="{name}"):\n    n: int = 0\n')
    (home / "migrations").mkdir()
    for revision, previous, then in (("0001", None, "pass"), ("0002", '"0001"', "op.execute('SELECT a_column')")):
        (home / "migrations" / f"{revision}.py").write_text(
            REVISION.format(revision=revision, previous=previous, then=then, table=f"fail_migration_{revision}")
        )
    status, out, err = guanxi("migrate")
    assert status == 1
    assert out.splitlines()[-1] == "✓ fail_migration: 0001"
    assert err == (
        "guanxi: plugin 'fail_migration', migration 0002: OperationalError: no such column: a_column. It was rolled back; fix it and run `guanxi migrate` again\n"
    )
    status, out, again = guanxi("serve", "--port", "0")
    assert (status, out, again) == (1, "", err)


@pytest.mark.parametrize("hook_name", ["validate", "before_commit"])
def test_a_hook_that_fails_stops_an_import(install, guanxi, tmp_path, hook_name):
    name = f"fail_{hook_name}"
    install(name, hook(f"def {hook_name}(self, ctx, changes):\n    raise RuntimeError('no idea')"))
    (tmp_path / "rows.csv").write_text("name\nAnn\n")
    (tmp_path / "mapping.toml").write_text(SIMPLE)
    status, _, err = guanxi("import", "rows.csv", "--mapping", "mapping.toml")
    assert status == 1
    assert err.splitlines()[0] == f"guanxi: plugin '{name}', {hook_name}: RuntimeError: no idea"
    assert err.count("\n") == 2


HEARING = """
from pathlib import Path

from datetime import timedelta

from guanxi import Plugin, Retries, hookimpl

class Found(Plugin):
    name, version, api = "{name}", "1.0", ">=1,<2"
    retries = Retries(timedelta(0))

    @hookimpl
    def after_commit(self, ctx, events):
        if not Path("fixed").exists():
            raise RuntimeError("no connection")
        Path("fixed").write_text(events[0].type)
"""


def test_what_was_set_aside_is_tried_again_by_command(install, guanxi, tmp_path):
    install("fail_after", HEARING)
    (tmp_path / "rows.csv").write_text("name\nAnn\n")
    (tmp_path / "mapping.toml").write_text(SIMPLE)
    assert guanxi("plugins", "retry", "fail_after") == (0, "0 batches delivered\n", "")
    assert guanxi("import", "rows.csv", "--mapping", "mapping.toml")[0] == 0
    deliver_all()
    (line,) = [line for line in guanxi("plugins")[1].splitlines() if "fail_after" in line]
    assert re.search(r"after_commit +0 +1 +20[0-9-]{8} [0-9:]{5} UTC: .*RuntimeError: no connection *$", line)
    status, out, err = guanxi("plugins", "retry", "fail_after")
    assert (status, out) == (1, "")
    assert err == ("guanxi: batch 1 failed again: plugin 'fail_after', after_commit: RuntimeError: no connection\n")
    (tmp_path / "fixed").touch()
    assert guanxi("plugins", "retry", "fail_after") == (0, "1 batch delivered\n", "")
    assert (tmp_path / "fixed").read_text() == "CUSTOMER_CREATED"
    assert guanxi("plugins", "retry", "nobody") == (
        1,
        "",
        "guanxi: no plugin 'nobody' listens to events; those that do: fail_after\n",
    )


def deliver_all():
    with running(create_app()) as client:
        client.deliver()
