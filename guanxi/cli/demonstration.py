"""The command `guanxi demo`: a CRM with sample data to try out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from core.base.errors import ConfigurationError
from guanxi.cli.console import err, out
from guanxi.cli.server import Port, addresses, is_loopback, serve_app

if TYPE_CHECKING:
    from guanxi.app import App
    from guanxi.demo.keys import DemoKey

commands = typer.Typer()

DEMO_FILE = Path("guanxi-demo.db")
#: The sample is entered in such portions that hooks may take longer than in a request.
DEMO_PATIENCE_MS = 10_000
#: A terminal of so many columns has room for the keys as well.
_WIDE = 150

FIRST_QUERY = """{
  customers(
    first: 1
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


@commands.command(epilog="Example: guanxi demo --port 8080")
def demo(
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over with new sample data.")] = False,
) -> None:
    """Start the CRM with sample data in guanxi-demo.db, in the current folder; print its address and a first query.

    Programs of this machine need no key there. A key of each role is printed, to see what it sees.
    """
    from core.base.settings import load_settings
    from guanxi.app import create_app
    from guanxi.demo.entry import is_whole
    from guanxi.demo.keys import demo_keys

    if not is_loopback(host):
        raise ConfigurationError(
            f"--host {host}: the demo answers whoever reaches it, so it listens on loopback only; use 127.0.0.1"
        )
    whole = not fresh and is_whole(DEMO_FILE)
    if not whole:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{DEMO_FILE}{suffix}").unlink(missing_ok=True)
    settings = load_settings(database_url=f"sqlite:///{DEMO_FILE}", hook_warning_ms=DEMO_PATIENCE_MS)
    app = create_app(settings, trusts_loopback=True)
    keys: list[DemoKey] = []

    async def prepare(app: "App") -> None:
        if not whole:
            await _fill_demo(app)
        keys.extend(await demo_keys(app))

    serve_app(app, host, port, lambda url, is_configured: _greet_demo(url, keys), prepare)


def _greet_demo(url: str, keys: "Sequence[DemoKey]") -> None:
    out.print(f"{addresses(url)}\n\nA first query to paste there:\n\n{FIRST_QUERY}\n", markup=False)
    out.print(
        "Without a key you are its administrator. To see what others see, sign in on the page with a key, or send it "
        "as `Authorization: Bearer`:"
    )
    if not out.is_terminal:  # a pipe has no width
        out.width = 200
    # A key has to stay whole to be of use: where it has no room in the table it is written below.
    is_wide = out.width >= _WIDE
    table = Table("role", "customers", "opportunities", "personal data", *(["key"] if is_wide else []), box=None)
    for key in keys:
        seen = (f"{key.customers:,}", f"{key.opportunities:,}", "yes" if key.personal else "no")
        table.add_row(key.role, *seen, *([key.secret] if is_wide else []))
    out.print(table)
    if not is_wide:
        out.print("".join(f"\n{key.role}\n{key.secret}\n" for key in keys), markup=False)


async def _fill_demo(app: "App") -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID

    from guanxi.demo.entry import fill

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn())
    if not err.is_terminal:
        err.print("Creating the sample data, which takes a few seconds.")
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        await fill(app, progress)
