"""The command `guanxi jobs`: lists the periodic jobs of plugins and runs them by hand."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from guanxi.cli.console import naming, out

if TYPE_CHECKING:
    from core.background.jobs import PlannedJob

commands = typer.Typer(help="List the jobs of the plugins, or run one now.", invoke_without_command=True)

_SECOND = timedelta(seconds=1)
_UNITS = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
}


@commands.callback(epilog="Example: guanxi jobs")
def list_jobs(context: typer.Context) -> None:
    """List the periodic jobs of plugins: how often each runs, the outcome of its last run, and when the next is due."""
    from guanxi.app import create_app, running_alone

    if context.invoked_subcommand is not None:
        return

    async def work() -> "list[PlannedJob]":
        async with running_alone(create_app()) as app:
            return await app.jobs.planned()

    table = Table(naming("job"), "plugin", "every", "last run", "outcome", "next due", "report", box=None)
    for planned in asyncio.run(work()):
        row = planned.row
        table.add_row(
            planned.job.name,
            planned.plugin,
            _spell(planned.job.every),
            _moment(row.started_at if row else None, "never"),
            "" if row is None or row.outcome is None else row.outcome.value,
            _moment(row.due_at if row else None, "when a server runs"),
            escape((row and row.report) or ""),
        )
    if not out.is_terminal:  # a pipe has no width: a job stays one line, as grep wants it
        out.width = 200
    out.print(table)


def _moment(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _spell(every: timedelta) -> str:
    unit, length = next(((unit, length) for unit, length in _UNITS.items() if not every % length), ("second", _SECOND))
    return f"{every / length:g} {unit}{'' if every == length else 's'}"


@commands.command(epilog="Example: guanxi jobs run expire_points")
def run(name: Annotated[str, typer.Argument(help="Name of the job.")]) -> None:
    """Run a job now, due or not; exit code 1 if it fails."""
    from guanxi.app import create_app, running_alone

    async def work() -> str | None:
        async with running_alone(create_app()) as app:
            return await app.jobs.run(name)

    out.print(escape(asyncio.run(work()) or "done"))
