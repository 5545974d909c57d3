"""The command `guanxi plugins`: lists the plugins in order, retries what they failed on, and purges what one stored."""

import asyncio
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from core.base.errors import ConfigurationError
from core.base.files import refuse_present
from guanxi.cli.console import FAILED, err, naming, out

if TYPE_CHECKING:
    from core.background.backlog import DeliveryState
    from core.migrations.purge import Holdings
    from guanxi.app import App

commands = typer.Typer(help="List the plugins, or retry what they failed on.", invoke_without_command=True)


@commands.callback(epilog="Example: guanxi plugins")
def list_plugins(context: typer.Context) -> None:
    """List the plugins in the order they run, the reason for each position, and how delivery of events stands."""
    from guanxi.app import create_app

    if context.invoked_subcommand is not None:
        return
    app = create_app()
    table = Table(naming("plugin"), "version", "place", "hooks", "backlog", "set aside", "last error", box=None)
    states = _states(app)
    for described in app.host.describe():
        state = states.get(described.name)
        table.add_row(
            described.name,
            described.version,
            described.place,
            ", ".join(described.hooks),
            "" if state is None else str(state.backlog),
            "" if state is None else str(state.set_aside),
            ""
            if state is None or state.failed_at is None
            else escape(f"{state.failed_at:%Y-%m-%d %H:%M} UTC: {state.error}"),
        )
    if not out.is_terminal:  # a pipe has no width: a plugin stays one line, as grep wants it
        out.width = 300
    out.print(table)


def _states(app: "App") -> "dict[str, DeliveryState]":
    """How delivery stands; nothing of it where there is no database that could say so, for the list needs none."""
    from sqlalchemy.exc import DBAPIError

    from core.background.backlog import delivery_states

    listening = [plugin.name for plugin, _ in app.host.implementations("after_commit")]
    if app.database.path is not None and not app.database.path.exists():
        return {}
    try:
        return app.database.reading(lambda session: delivery_states(session, listening)) if listening else {}
    except DBAPIError:
        return {}
    finally:
        app.database.close()


@commands.command(epilog="Example: guanxi plugins retry loyalty")
def retry(name: Annotated[str, typer.Argument(help="Name of the plugin.")]) -> None:
    """Retry the events that were set aside because a plugin's after-commit hook failed on them."""
    from guanxi.app import create_app, running_alone

    async def work() -> int:
        async with running_alone(create_app()) as app:
            return await app.delivery.retry(name)

    count = asyncio.run(work())
    out.print(f"{count} batch{'' if count == 1 else 'es'} delivered")


@commands.command(epilog="Example: guanxi plugins purge loyalty --into loyalty.jsonl")
def purge(
    name: Annotated[str, typer.Argument(help="Name of the plugin.")],
    into: Annotated[
        Path | None,
        typer.Option(help="New file for what is removed, in JSON Lines; by default NAME-purged.jsonl."),
    ] = None,
    installed: Annotated[
        bool, typer.Option("--installed", help="Also if the plugin is installed; the next start creates it anew.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove for good what the database holds of a plugin, after showing it and writing it to a file."""
    from core.host.host import variables_of
    from core.migrations.purge import holdings
    from core.migrations.purge import purge as purge_plugin
    from guanxi.app import create_app

    app = create_app()
    names = [plugin.name for plugin in app.host.plugins]
    if name in names and not installed:
        raise ConfigurationError(
            f"plugin {name!r} is installed; uninstall it first, or add --installed: the next start creates its tables "
            "anew, and empty"
        )
    path = into or Path(f"{name}-purged.jsonl")
    refuse_present(path)
    with closing(app.database):
        app.database.check()
        with app.database.connection() as connection:
            found = holdings(connection, name, names)
        _show(found, [variable for variable in os.environ if variable.startswith(variables_of(name))])
        if not yes and not typer.confirm(f"Write this to {path}, and remove it for good?", err=True):
            err.print("nothing was removed")
            raise typer.Exit(FAILED)
        if name in names:
            asyncio.run(_purge_elsewhere(app, name))
        removed = purge_plugin(app.database, name, path, names)
    out.print(f"{sum(held.rows for held in removed.tables)} rows written to {path} and removed")


async def _purge_elsewhere(app: "App", name: str) -> None:
    """Runs a plugin's hook `purge`, where it has one, for which the app has to run."""
    from guanxi.app import running_alone

    plugin = app.host.named(name)
    if any(owner is plugin for owner, _ in app.host.implementations("purge")):
        async with running_alone(app):
            await app.purge_elsewhere(plugin)


def _show(found: "Holdings", variables: list[str]) -> None:
    """Prints what would go."""
    out.print(f"plugin {found.plugin}, revision {found.revision or 'none'}:")
    table = Table("table", "rows", "what", "columns", box=None)
    for held in found.tables:
        what = "about it, in a table of the core" if held.condition is not None else "of the plugin"
        if held.facet_of is not None:
            what = f"facet: its values for each {held.facet_of}"
        table.add_row(held.name, str(held.rows), what, ", ".join(held.columns))
    if not out.is_terminal:  # a pipe has no width: a table stays one line
        out.width = 300
    out.print(table)
    if variables:
        out.print(f"settings that mean nothing afterwards: {', '.join(sorted(variables))}; unset them")
    out.print("The event log stays, and so does what the plugin keeps elsewhere, unless its hook purge removes it.")
