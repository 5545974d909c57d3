"""The command `guanxi plugins`: lists the plugins in order, and retries what they failed on."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from guanxi.cli.console import out

commands = typer.Typer(help="List the plugins, or retry what they failed on.", invoke_without_command=True)


@commands.callback(epilog="Example: guanxi plugins")
def list_plugins(context: typer.Context) -> None:
    """List the plugins in the order they run, and the reason for each position."""
    from guanxi.app import create_app

    if context.invoked_subcommand is not None:
        return
    table = Table("plugin", "version", "place", "hooks", box=None)
    for described in create_app().host.describe():
        table.add_row(described.name, described.version, described.place, ", ".join(described.hooks))
    out.print(table)


@commands.command(epilog="Example: guanxi plugins retry loyalty")
def retry(name: Annotated[str, typer.Argument(help="Name of the plugin.")]) -> None:
    """Retry the events that were set aside because a plugin's after-commit hook failed on them."""
    from guanxi.app import create_app, running_alone

    async def work() -> int:
        async with running_alone(create_app()) as app:
            return await app.delivery.retry(name)

    count = asyncio.run(work())
    out.print(f"{count} batch{'' if count == 1 else 'es'} delivered")
