"""The file a backup is: a ZIP archive of the data, with a manifest that says what it is and how to know it is whole."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from core.base.errors import ConfigurationError

#: Changes when a file of before cannot be read any longer in the same way.
FORMAT = 1
_MANIFEST = "manifest.json"
_MODULUS = 1 << 256
#: Fast; what is in a CRM is compressed to a fifth all the same.
_LEVEL = 1


class TableSum(BaseModel):
    """How many rows a table has, and the sum of their hashes, whatever their order."""

    model_config = ConfigDict(frozen=True)

    rows: int
    digest: str


class RowSum:
    """Adds up rows."""

    def __init__(self) -> None:
        self._rows = 0
        self._total = 0

    def add(self, row: bytes) -> None:
        """Adds a row."""
        self._rows += 1
        self._total = (self._total + int.from_bytes(hashlib.sha256(row).digest())) % _MODULUS

    @property
    def table(self) -> TableSum:
        """What was added so far."""
        return TableSum(rows=self._rows, digest=f"{self._total:064x}")


class Structure(BaseModel):
    """What statements make the tables of a backup on PostgreSQL; an SQLite file has them in it.

    Attributes:
        before: run before the data is loaded.
        columns: by table, the columns of its data.
        after: run once it is.
        sequences: names, each with the last value given, or None where it gave none yet.
    """

    model_config = ConfigDict(frozen=True)

    before: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = {}
    after: tuple[str, ...] = ()
    sequences: Mapping[str, int | None] = {}


class Manifest(BaseModel):
    """What a backup holds.

    Attributes:
        format: of the file.
        release: the version of guanxi that wrote it.
        engine: `sqlite` or `postgresql`.
        taken_at: the moment at which its data was as it is in it, in ISO 8601.
        revisions: by `core` and plugin, how far its migrations were.
        releases: likewise the version that last changed its tables, where that is known.
        tables: their sums.
        structure: how they are made.
    """

    model_config = ConfigDict(frozen=True)

    format: int
    release: str
    engine: str
    taken_at: str
    revisions: Mapping[str, str]
    releases: Mapping[str, str]
    tables: Mapping[str, TableSum]
    structure: Structure = Structure()

    @property
    def rows(self) -> int:
        """The number of rows in it."""
        return sum(table.rows for table in self.tables.values())


@contextmanager
def written(path: Path) -> Iterator[zipfile.ZipFile]:
    """An archive that is being written to a file that is there already, and empty."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        yield archive


def put_manifest(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Writes the manifest, last of all."""
    archive.writestr(_MANIFEST, manifest.model_dump_json(indent=1))


def check(path: Path) -> None:
    """Reads all of an archive back.

    Raises:
        ConfigurationError: something in it is not as it was written.
    """
    with opened(path) as (archive, _):
        try:
            broken = archive.testzip()
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from None
        if broken is not None:
            raise ConfigurationError(f"{path}: {broken} in it is damaged; take or use another backup")


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """An archive that is read, with its manifest.

    Raises:
        ConfigurationError: it is not a whole backup, or of a format this version cannot read.
    """
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from None
    except zipfile.BadZipFile:
        raise ConfigurationError(f"{path} is not a backup, or not a whole one; use another") from None
    with archive:
        try:
            text = archive.read(_MANIFEST)
            found = Manifest.model_validate_json(text)
        except (KeyError, ValidationError, zipfile.BadZipFile, zlib.error):
            raise ConfigurationError(f"{path} is not a backup, or one of another kind; use another") from None
        if found.format != FORMAT:
            raise ConfigurationError(
                f"{path} is a backup of format {found.format}, and this version reads format {FORMAT}; install guanxi "
                f"{found.release} or newer"
            )
        yield archive, found


@contextmanager
def member(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A part of an archive that is being written."""
    with archive.open(name, "w", force_zip64=True) as file:
        yield file
