"""The commands `guanxi schema` and `guanxi explain`: what can be asked, and what a query costs."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from core.base.errors import ConfigurationError
from guanxi.cli.console import out

if TYPE_CHECKING:
    from guanxi.cli.explanation import Explained

commands = typer.Typer()


@commands.command(epilog="Example: guanxi schema > schema.graphql")
def schema() -> None:
    """Print the GraphQL schema, sorted."""
    from guanxi.app import create_app

    sys.stdout.write(create_app().sdl)


@commands.command(epilog="Example: guanxi explain '{ customers(first: 20) { nodes { name valueTier } } }'")
def explain(
    query: Annotated[str, typer.Argument(help="A GraphQL query; - reads it from standard input.")],
    variables: Annotated[str, typer.Option(help="Its variables, a JSON object.")] = "{}",
) -> None:
    """Run a query and show what it costs: each statement with its values, its steps, the indexes used and the time."""
    from guanxi.app import create_app, running_alone
    from guanxi.cli.explanation import explain as explain_query

    try:
        given = json.loads(variables)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise ConfigurationError(f"--variables {variables}: give a JSON object, such as " + '{"first": 20}')

    async def work() -> "list[Explained]":
        async with running_alone(create_app()) as app:
            return await explain_query(app, sys.stdin.read() if query == "-" else query, given)

    for number, statement in enumerate(asyncio.run(work()), start=1):
        out.print(f"[bold]statement {number}[/]: {statement.seconds * 1000:.2f} ms")
        out.print(f"{statement.sql}\n", markup=False)
        for place, value in enumerate(statement.values, start=1):
            out.print(f"  value {place}: {value!r}", markup=False)
        out.print("\n".join(f"  {line}" for line in statement.steps.lines), markup=False)
        out.print(f"  indexes: {', '.join(statement.steps.indexes) or 'none'}\n", markup=False)
