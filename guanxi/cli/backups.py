"""The commands `guanxi backup` and `guanxi restore`."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.base.errors import GuanxiError
from guanxi.cli.console import out

if TYPE_CHECKING:
    from core.access.journal import LastingAct
    from core.backups.archive import Manifest
    from guanxi.app import App

commands = typer.Typer()

_LEFT_OUT = (
    "Not in it: settings (GUANXI_… and .env), key files and JWKS of issuers, the code of plugins and what they keep "
    "elsewhere, the journal, and tables that neither guanxi nor a plugin made. It is not encrypted."
)
_AGAIN = {
    "ERASED": (
        """mutation ($id: ID!, $reason: String!) {
          done: erasePersonalData(input: {id: $id, reason: $reason}) { userErrors { code message } } }""",
        "{day}: erased; again after a restore",
    ),
    "KEY_REVOKED": (
        """mutation ($id: ID!) { done: revokeApiKey(input: {id: $id}) { userErrors { code message } } }""",
        None,
    ),
}


@commands.command(epilog="Example: guanxi backup /backups/crm-2026-01-31.backup")
def backup(file: Annotated[Path, typer.Argument(help="New file; one that is there is never overwritten.")]) -> None:
    """Write the whole database to a file, as it is at one moment, while it is in use; and read it back.

    Only the owner of the file can read it. It is there under its name once it is whole.
    """
    from core.backups.backup import back_up
    from core.base.settings import load_settings
    from guanxi.app import installed_migrations

    database, sets = installed_migrations(load_settings())
    with closing(database):
        database.check()
        manifest = back_up(database, sets, file)
    size = file.stat().st_size / 1_000_000
    out.print(f"written and read back: {file}, {size:,.1f} MB, {_described(manifest)}")
    out.print(_LEFT_OUT)


@commands.command(epilog="Example: guanxi restore /backups/crm-2026-01-31.backup --journal /journal/crm.jsonl")
def restore(
    file: Annotated[Path, typer.Argument(help="A file that guanxi backup wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also if the database holds something, which is lost.")
    ] = False,
    journal: Annotated[
        list[Path] | None,
        typer.Option(help="A journal (GUANXI_JOURNAL_FILE); what it lists since the backup is done again. Repeatable."),
    ] = None,
) -> None:
    """Restore a backup, compare every table with it, and bring the database up to date. Stop the servers before.

    Personal data erased since the backup is erased again and keys revoked since are revoked again, as the database that
    is replaced and the journals list them.
    """
    from core.access.journal import acts_in, acts_of, missing, note
    from core.access.sessions import end_all
    from core.backups.restoration import examine, tables_present
    from core.backups.restoration import restore as restore_backup
    from guanxi.app import create_app

    app = create_app()
    kept = file.with_name(f"{file.name}.journal")
    with closing(app.database):
        manifest = examine(file, app.database, app.migrations)
        acts = [act for path in (*(journal or ()), *([kept] if kept.exists() else ())) for act in acts_of(path)]
        if replace and tables_present(app.database, app.migrations, manifest):
            with app.database.engine.connect() as connection:
                # From here on they are nowhere else, until they are done again.
                lost = acts_in(connection)
            acts += lost
            if lost:
                note(kept, lost)
        manifest = restore_backup(file, app.database, app.migrations, replaces=replace)
        out.print(f"restored and compared: {_described(manifest)}")
        app.migrate(lambda step: out.print(f"✓ {step}"))
        with app.database.engine.connect() as connection:
            again = missing(acts, {act.id for act in acts_in(connection)})
        app.database.retrying(end_all)
        app.database.close()
        done, problems = asyncio.run(_do_again(app, again)) if again else (0, [])
    if problems:
        raise GuanxiError(f"what is to be done again failed, {'; '.join(problems)}; {_remedy(kept, journal)}")
    kept.unlink(missing_ok=True)
    if again:
        out.print(f"done again: {done} of {len(again)} erasures and revocations; the rest is of what is not in it")
    out.print("Leases are not restored, and browsers have to log in again.")
    out.print("Events are delivered to plugins from where they were, some perhaps again.")
    out.print(_LEFT_OUT)


def _remedy(kept: Path, journal: Sequence[Path] | None) -> str:
    lists = " and ".join(map(str, [*([kept] if kept.exists() else ()), *(journal or ())]))
    return f"serve nobody before it is done: fix that and restore again with --replace; {lists} lists it"


async def _do_again(app: "App", acts: "Collection[LastingAct]") -> tuple[int, list[str]]:
    """Does acts again; returns how many there were anything to do for, and what went wrong."""
    from guanxi.app import running_alone

    done, problems = 0, []
    async with running_alone(app):
        for act in acts:
            text, reason = _AGAIN[act.action]
            variables = {"id": act.subject}
            if reason is not None:
                variables["reason"] = reason.format(day=act.at[:10])
            try:
                answer = (await app.ask(text, variables))["done"]
            except GuanxiError as error:
                problems.append(f"{act.subject}: {error.message}")
                continue
            errors = [error for error in answer["userErrors"] if error["code"] != "NOT_FOUND"]
            problems += [f"{act.subject}: {error['message']}" for error in errors]
            done += not answer["userErrors"]
    return done, problems


def _described(manifest: "Manifest") -> str:
    sets = ", ".join(f"{name} {revision}" for name, revision in sorted(manifest.revisions.items()))
    return f"{manifest.rows:,} rows of {len(manifest.tables)} tables as of {manifest.taken_at} ({sets})"
