"""What a database is prepared for before an app runs on it: its tables, its currency, its secret, the journal."""

import logging
import secrets
from collections.abc import Callable, Sequence

from sqlmodel import Session

from core.access.journal import acts_in, note
from core.base.errors import ConfigurationError
from core.base.settings import Settings
from core.db.database import Database, Done
from core.db.engines import SQLITE
from core.db.transaction import DatabaseTransaction
from core.host.host import PluginHost
from core.migrations.runner import MigrationSet, migrate, pending
from core.records.installation import Installation
from core.records.record import CORE
from core.records.text_keys import agree_on_keys
from core.search.owners import Belongings
from core.search.rebuild import agree_on_entries

_log = logging.getLogger("guanxi.app")


def prepare(
    database: Database, migrations: Sequence[MigrationSet], settings: Settings, host: PluginHost, belongings: Belongings
) -> None:
    """Checks a database and brings it up to date.

    Raises:
        ConfigurationError: it cannot be used; the message says what to run or to set.
    """
    database.check()
    if database.dialect != SQLITE and (waiting := pending(database, migrations)):
        raise ConfigurationError(f"the database is not up to date ({', '.join(waiting)}); run `guanxi migrate`")
    migrate(database, migrations, thoroughly=False)
    database.retrying(lambda session: _agree_on_currency(session, settings.reporting_currency))
    plugins = [CORE, *(plugin.name for plugin in host.plugins)]
    _write(database, lambda transaction: agree_on_keys(transaction, plugins, settings.phone_region))
    _write(database, lambda transaction: agree_on_entries(transaction, plugins, belongings))
    _list_lasting(database, settings)


def _write(database: Database, work: Callable[[DatabaseTransaction], None]) -> None:
    def in_transaction(transaction: DatabaseTransaction) -> Done[None]:
        work(transaction)
        return Done(None)

    database.writing(in_transaction)


def _agree_on_currency(session: Session, currency: str) -> None:
    known = session.get(Installation, "reporting_currency")
    if known is None:
        session.add(Installation(name="reporting_currency", value=currency))
    elif known.value != currency:
        raise ConfigurationError(
            f"amounts in this database are reported in {known.value}; set GUANXI_REPORTING_CURRENCY={known.value}, "
            "or start with another database"
        )


def _list_lasting(database: Database, settings: Settings) -> None:
    """Adds to the journal what is done for good and not listed in it yet, where there is to be a journal."""
    if settings.journal_file is not None:
        with database.engine.connect() as connection:
            acts = acts_in(connection)
        note(settings.journal_file, acts)


def note_lasting(database: Database, settings: Settings) -> None:
    """Adds to the journal what was just done for good."""
    try:
        _list_lasting(database, settings)
    except Exception:
        # What was committed is never answered as failed; the next start adds it.
        _log.exception("GUANXI_JOURNAL_FILE=%s: the journal lacks what was just done", settings.journal_file)


def secret_in(session: Session) -> bytes:
    """The secret of an installation, with which cursors are signed; made when it is first asked for."""
    known = session.get(Installation, "secret")
    if known is None:
        known = Installation(name="secret", value=secrets.token_hex(32))
        session.add(known)
    return bytes.fromhex(known.value)
