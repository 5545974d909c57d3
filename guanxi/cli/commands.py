"""The command line: serve, migrate, show the schema, list plugins, import. Errors are one line and an exit code."""

import asyncio
import json
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import metadata
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID
from rich.table import Table
from uvicorn.supervisors import Multiprocess

from core.base.errors import ConfigurationError, GuanxiError
from core.base.settings import load_settings
from core.db.database import SQLITE
from core.migrations.revision_writer import make
from core.migrations.runner import pending
from core.unit.drafts import OutcomeStatus
from guanxi.app import App, create_app, keep_what_is_made
from guanxi.cli.explanation import Explained
from guanxi.cli.explanation import explain as explain_query
from guanxi.cli.jobs import jobs
from guanxi.demo.sample import fill, is_whole
from guanxi.importing.importer import Report, import_source
from guanxi.importing.mapping_file import read_mapping
from guanxi.importing.sources import Rejects, Source

cli = typer.Typer(
    name="guanxi",
    help="guanxi (关系): a GraphQL CRM. Settings are GUANXI_… environment variables, such as GUANXI_DATABASE_URL.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
migrations = typer.Typer(help="Write database migrations of the core or of a plugin.", no_args_is_help=True)
cli.add_typer(migrations, name="migrations")
cli.add_typer(jobs, name="jobs")

#: What went wrong is the caller's to mend: settings, files, plugins.
FAILED = 1
#: An import went through, but not with every row. (2 is a command line that cannot be understood.)
REJECTED = 3
#: So many warnings of an import are shown.
MOST_WARNINGS = 20

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Host = Annotated[str, typer.Option(help="Loopback address to listen on.")]
#: How uvicorn serves.
SERVER: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]


@cli.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        out.print(metadata.version("guanxi"))
        raise typer.Exit


async def _nothing(app: App) -> None:
    """What is done before most servers answer."""


def serve_app(
    app: App,
    host: str,
    port: int,
    greet: Callable[[str], None],
    prepare: Callable[[App], Awaitable[None]] = _nothing,
) -> None:
    """Serves an app until it is stopped; `greet` is told its address once it runs and is prepared.

    Raises:
        ConfigurationError: the address is not a loopback address, or cannot be listened on.
    """
    check_loopback(host)
    listener = listen(host, port)
    config = uvicorn.Config(app, lifespan="off", **SERVER)

    async def work() -> None:
        async with app.running(serving=True):
            keep_what_is_made()
            await prepare(app)
            async with app.jobs.in_background():
                greet(url_of(host, listener))
                await uvicorn.Server(config).serve([listener])

    with listener, asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(work())


def serve_by_workers(app: App, host: str, port: int, workers: int) -> None:
    """Serves by several processes, each with an app of its own; one that dies is replaced.

    Raises:
        ConfigurationError, PluginError: it does not start.
    """
    listener = listen(host, port)

    async def try_out() -> None:
        # What keeps a worker from starting is said once, here, and not by each of them again and again.
        async with app.running(serving=True):
            pass

    asyncio.run(try_out())
    config = uvicorn.Config("guanxi.app:create_app", factory=True, lifespan="on", workers=workers, **SERVER)
    with listener:
        out.print(addresses(url_of(host, listener)))
        Multiprocess(config, [listener]).run()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(f"--port {port}: cannot listen on {host}:{port}: {error.strerror}") from None


def url_of(host: str, listener: socket.socket) -> str:
    """The address of the endpoint."""
    address = f"[{host}]" if ":" in host else host
    return f"http://{address}:{listener.getsockname()[1]}/graphql"


def check_loopback(host: str) -> None:
    """Refuses to listen where others can reach the server, until there is access control.

    Raises:
        ConfigurationError: the address is not a loopback address.
    """
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigurationError(
            f"--host {host}: without access control the server listens on loopback only; use 127.0.0.1 or localhost"
        )


DEMO_FILE = Path("guanxi-demo.db")
#: The sample is entered in such portions that hooks may take longer than in a request.
DEMO_PATIENCE_MS = 10_000

FIRST_QUERY = """{
  customers(
    first: 2
    where: {
      valueTier: {in: [IMPORTANT, MAIN]}
      opportunities: {some: {outcome: {eq: OPEN}, weightedAmount: {gt: "10000"}}}
    }
    orderBy: [{currentValue: DESC}]
  ) {
    totalCount
    nodes {
      name
      industry
      valueTier
      currentValue { amount currency }
      owner { name team { name } }
      opportunities(first: 2, where: {outcome: {eq: OPEN}}, orderBy: [{weightedAmount: DESC}]) {
        nodes { name stage { key } winProbability weightedAmount { amount } }
      }
    }
  }
}"""


@cli.command(epilog="Example: guanxi demo --port 8080")
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over with new sample data.")] = False,
) -> None:
    """Start the CRM with sample data, kept in guanxi-demo.db here, and print where to look and what to ask."""
    check_loopback(host)
    whole = not fresh and is_whole(DEMO_FILE)
    if not whole:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{DEMO_FILE}{suffix}").unlink(missing_ok=True)
    app = create_app(load_settings(database_url=f"sqlite:///{DEMO_FILE}", hook_warning_ms=DEMO_PATIENCE_MS))
    serve_app(app, host, port, _greet_demo, _nothing if whole else _fill_demo)


def _greet_demo(url: str) -> None:
    out.print(f"{addresses(url)}\n\nA first query to paste there:\n\n{FIRST_QUERY}\n", markup=False)


async def _fill_demo(app: App) -> None:
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn())
    if not err.is_terminal:
        err.print("Making the sample data, which takes some seconds.")
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        await fill(app, progress)


@cli.command(epilog="Example: guanxi serve --port 8000")
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer; more than one on PostgreSQL only.")] = 1,
) -> None:
    """Serve the CRM: GraphQL at /graphql, and GraphiQL there for a browser."""
    check_loopback(host)
    app = create_app()
    if workers == 1:
        serve_app(app, host, port, lambda url: out.print(addresses(url)))
    elif app.database.dialect == SQLITE:
        raise ConfigurationError(
            f"--workers {workers}: an SQLite file is served by one process; set GUANXI_DATABASE_URL to a PostgreSQL "
            "database, or leave --workers out"
        )
    else:
        serve_by_workers(app, host, port, workers)


def addresses(url: str) -> str:
    """Where to look, for people."""
    return f"GraphQL   {url}\nGraphiQL  {url} in a browser\nStop with Ctrl-C."


@cli.command(epilog="Example: GUANXI_DATABASE_URL=postgresql://localhost/crm guanxi migrate")
def migrate() -> None:
    """Bring the database up to date: the core's migrations first, then each plugin's."""
    app = create_app()
    app.database.check()
    waiting = pending(app.database, app.migrations)
    app.migrate(lambda step: out.print(f"✓ {step}"))
    run = "1 migration run" if len(waiting) == 1 else f"{len(waiting)} migrations run"
    out.print(run if waiting else "the database is up to date")


@migrations.command(name="make", epilog='Example: guanxi migrations make loyalty -m "Add a level"')
def make_migration(
    name: Annotated[str, typer.Argument(help="`core`, or the name of a plugin.")],
    message: Annotated[str, typer.Option("-m", "--message", help="What the revision does.")] = "Change the tables",
) -> None:
    """Write the revision that turns the database's tables into those declared."""
    app = create_app()
    found = next((one for one in app.migrations if one.name == name), None)
    if found is None:
        raise ConfigurationError(f"{name!r} keeps no tables; there are {', '.join(one.name for one in app.migrations)}")
    app.database.check()
    for path in make(app.database, found, message):
        out.print(f"written: {path}")


@cli.command(epilog="Example: guanxi schema > schema.graphql")
def schema() -> None:
    """Print the GraphQL schema, sorted."""
    sys.stdout.write(create_app().sdl)


plugins = typer.Typer(help="List the plugins, and try again what they failed on.", invoke_without_command=True)
cli.add_typer(plugins, name="plugins")


@plugins.callback(epilog="Example: guanxi plugins")
def list_plugins(context: typer.Context) -> None:
    """List the plugins in the order they run, and why each stands where it does."""
    if context.invoked_subcommand is not None:
        return
    table = Table("plugin", "version", "place", "hooks", box=None)
    for described in create_app().host.describe():
        table.add_row(described.name, described.version, described.place, ", ".join(described.hooks))
    out.print(table)


@plugins.command(epilog="Example: guanxi plugins retry loyalty")
def retry(name: Annotated[str, typer.Argument(help="Name of the plugin.")]) -> None:
    """Try again the events that a plugin's after-commit hook failed on and that were set aside."""

    async def work() -> int:
        async with create_app().running() as app:
            return await app.delivery.retry(name)

    count = asyncio.run(work())
    out.print(f"{count} batch{'' if count == 1 else 'es'} delivered")


@cli.command(epilog="Example: guanxi explain '{ customers(first: 20) { nodes { name valueTier } } }'")
def explain(
    query: Annotated[str, typer.Argument(help="A GraphQL query; - reads it from standard input.")],
    variables: Annotated[str, typer.Option(help="Its variables, a JSON object.")] = "{}",
) -> None:
    """Run a query and show what it costs: each statement with its values, its steps, the indexes used and the time."""
    try:
        given = json.loads(variables)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ConfigurationError(f"--variables {variables}: give a JSON object, such as " + '{"first": 20}')

    async def work() -> list[Explained]:
        async with create_app().running() as app:
            return await explain_query(app, sys.stdin.read() if query == "-" else query, given)

    for number, statement in enumerate(asyncio.run(work()), start=1):
        out.print(f"[bold]statement {number}[/]: {statement.seconds * 1000:.2f} ms")
        out.print(f"{statement.sql}\n", markup=False)
        for place, value in enumerate(statement.values, start=1):
            out.print(f"  value {place}: {value!r}", markup=False)
        out.print("\n".join(f"  {line}" for line in statement.steps.lines), markup=False)
        out.print(f"  indexes: {', '.join(statement.steps.indexes) or 'none'}\n", markup=False)


@cli.command(
    name="import",
    epilog="Example: guanxi import accounts.csv --mapping accounts.toml --dry-run\n\n"
    "Exit codes: 0 every row went through; 1 the import could not begin or go on; 3 some rows were rejected.",
)
def import_(
    source: Annotated[Path, typer.Argument(help="The file to import: CSV or JSON Lines.")],
    mapping: Annotated[Path, typer.Option(help="The mapping file: which columns become which fields.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try everything and write nothing.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="Where rejected rows go, each with its line and the reason; replaced by each run, and only there if "
            "rows were rejected. By default SOURCE.rejects.csv in the current folder."
        ),
    ] = None,
) -> None:
    """Import records from a file. Run again it changes nothing; a broken run is simply run again."""
    app = create_app()
    rules = read_mapping(mapping, app.catalog)
    rows = Source(source, rules.layout)
    rules.check_columns(rows)
    place = rejects or Path(f"{source.stem}.rejects.csv")
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())

    async def work() -> Report:
        async with app.running():
            keep_what_is_made()
            refused = Rejects(place, rows)
            with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
                settled = partial(bar.advance, bar.add_task(source.name, total=rows.size))
                return await import_source(app, rules, rows, refused, dry_run=dry_run, settled=settled)

    report = asyncio.run(work())
    _print_report(report, place, dry_run=dry_run)
    if report.rejected:
        raise typer.Exit(REJECTED)


def _print_report(report: Report, rejects: Path, *, dry_run: bool) -> None:
    shown = {"created": "CREATED", "updated": "UPDATED", "unchanged": "UNCHANGED", "rejected": "FAILED"}
    table = Table("record", box=None, pad_edge=False)
    for heading in shown:
        table.add_column(heading, justify="right")
    for record, counts in report.counts.items():
        table.add_row(record, *(f"{counts[OutcomeStatus(status)]:,}" for status in shown.values()))
    out.print(table)
    parts = [f"{report.rows:,} row{'' if report.rows == 1 else 's'} read"]
    parts += [f"{report.left_out:,} left out"] if report.left_out else []
    parts += [f"{report.rejected:,} rejected: see {escape(str(rejects))}"] if report.rejected else []
    out.print(", ".join(parts) + ("; a dry run, nothing was written" if dry_run else ""))
    for warned in report.warnings[:MOST_WARNINGS]:
        err.print(f"[yellow]warning:[/] line {warned.line}, {escape(warned.record)}: {escape(warned.message)}")
    if len(report.warnings) > MOST_WARNINGS:
        err.print(f"[yellow]warning:[/] {len(report.warnings) - MOST_WARNINGS:,} more warnings")


def main() -> None:
    """The command `guanxi`: what the user can mend is told in one line, and the exit code says that it failed."""
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
