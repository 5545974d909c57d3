"""The command `guanxi plugins`: lists the plugins in order, retries what they failed on, and purges what one stored."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from guanxi.cli.console import out

if TYPE_CHECKING:
    from core.background.backlog import DeliveryState
    from guanxi.app import App

commands = typer.Typer(help="List the plugins, or retry what they failed on.", invoke_without_command=True)


@commands.callback(epilog="Example: guanxi plugins")
def list_plugins(context: typer.Context) -> None:
    """List the plugins in the order they run, the reason for each position, and how delivery of events stands."""
    from guanxi.app import create_app

    if context.invoked_subcommand is not None:
        return
    app = create_app()
    table = Table("plugin", "version", "place", "hooks", "backlog", "set aside", "last error", box=None)
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
