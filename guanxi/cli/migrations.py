"""The commands `guanxi migrate` and `guanxi migrations`: the database brought up to date, and revisions written."""

from typing import Annotated

import typer

from core.base.errors import ConfigurationError
from guanxi.cli.console import out

commands = typer.Typer()
revisions = typer.Typer(help="Write database migrations of the core or of a plugin.", no_args_is_help=True)


@commands.command(name="migrate", epilog="Example: GUANXI_DATABASE_URL=postgresql://localhost/crm guanxi migrate")
def migrate_database() -> None:
    """Bring the database up to date: the core's migrations first, then each plugin's."""
    from core.base.settings import load_settings
    from core.migrations.runner import migrate, pending
    from guanxi.app import installed_migrations

    database, sets = installed_migrations(load_settings())
    database.check()
    waiting = pending(database, sets)
    migrate(database, sets, lambda step: out.print(f"✓ {step}"))
    run = "1 migration run" if len(waiting) == 1 else f"{len(waiting)} migrations run"
    out.print(run if waiting else "the database is up to date")


@revisions.command(name="make", epilog='Example: guanxi migrations make loyalty -m "Add a level"')
def make_migration(
    name: Annotated[str, typer.Argument(help="`core`, or the name of a plugin.")],
    message: Annotated[str, typer.Option("-m", "--message", help="What the revision does.")] = "Change the tables",
) -> None:
    """Write the revision that turns the database's tables into those declared."""
    from core.migrations.revision_writer import make
    from guanxi.app import create_app

    app = create_app()
    found = next((one for one in app.migrations if one.name == name), None)
    if found is None:
        raise ConfigurationError(f"{name!r} has no tables; available: {', '.join(one.name for one in app.migrations)}")
    app.database.check()
    for path in make(app.database, found, message):
        out.print(f"written: {path}")
