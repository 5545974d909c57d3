"""The command line, put together from its groups. Errors are one line and an exit code.

A command imports what it works with when it is run: to show the version or a help page takes none of it.
"""

import gc
import logging
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape

from core.base.errors import GuanxiError
from guanxi.cli import backups, demonstration, identities, imports, jobs, keys, migrations, plugins, queries, server
from guanxi.cli.console import FAILED, err, out

cli = typer.Typer(
    name="guanxi",
    help="guanxi (关系): a GraphQL CRM. Settings are GUANXI_… environment variables, such as GUANXI_DATABASE_URL.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for group in (demonstration, server, migrations, queries, imports, backups):
    cli.add_typer(group.commands)
cli.add_typer(migrations.revisions, name="migrations")
cli.add_typer(jobs.commands, name="jobs")
cli.add_typer(plugins.commands, name="plugins")
cli.add_typer(keys.commands, name="keys")
cli.add_typer(identities.commands, name="identities")


@cli.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        from importlib import metadata

        out.print(metadata.version("guanxi"))
        raise typer.Exit


def main() -> None:
    """The command `guanxi`: what the user can fix is reported in one line, and the exit code says that it failed."""
    # Until an app runs and sets its own pace nothing becomes garbage, and to look for some takes time.
    gc.disable()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    sys.exit(guarded(cli))


def guarded(command: Callable[..., Any]) -> int:
    """Runs a command; gives its exit code."""
    try:
        command()
    except GuanxiError as error:
        err.print(f"[bold red]guanxi:[/] {escape(error.message)}")
        return FAILED
    except SystemExit as stop:
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return 130
    return 0
