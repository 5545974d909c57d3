"""The command `guanxi import`, and its report."""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from guanxi.cli.console import REJECTED, err, out

if TYPE_CHECKING:
    from guanxi.importing.report import ImportReport

commands = typer.Typer()

#: So many warnings of an import are shown.
MOST_WARNINGS = 20


@commands.command(
    name="import",
    epilog="Example: guanxi import accounts.csv --mapping accounts.toml --dry-run\n\n"
    "Exit codes: 0 every row went through; 1 the import could not begin or continue; 3 some rows were rejected.",
)
def import_(
    source: Annotated[Path, typer.Argument(help="The file to import: CSV or JSON Lines.")],
    mapping: Annotated[Path, typer.Option(help="The mapping file: which columns become which fields.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try everything and write nothing.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="Where rejected rows go, each with its line and the reason; replaced by each run, and only present if "
            "rows were rejected. By default SOURCE.rejects.csv in the current folder."
        ),
    ] = None,
) -> None:
    """Import records from a file. Running it again changes nothing; after an interrupted run, simply run it again."""
    from guanxi.importing.mapping_form import read_form

    # A file that is refused for its form is refused before anything slow is imported.
    form = read_form(mapping)

    from rich.progress import MofNCompleteColumn, Progress

    from guanxi.app import create_app, running_alone
    from guanxi.importing.importer import import_source
    from guanxi.importing.mapping_file import mapping_of
    from guanxi.importing.sources import Rejects, Source

    app = create_app()
    rules = mapping_of(form, app.catalog)
    rows = Source(source, rules.layout)
    rules.check_columns(rows)
    place = rejects or Path(f"{source.stem}.rejects.csv")
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())

    async def work() -> "ImportReport":
        async with running_alone(app):
            refused = Rejects(place, rows)
            with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
                settled = partial(bar.advance, bar.add_task(source.name, total=rows.size))
                return await import_source(app, rules, rows, refused, dry_run=dry_run, settled=settled)

    report = asyncio.run(work())
    _print_report(report, place, dry_run=dry_run)
    if report.rejected:
        raise typer.Exit(REJECTED)


def _print_report(report: "ImportReport", rejects: Path, *, dry_run: bool) -> None:
    from core.unit.drafts import OutcomeStatus

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
