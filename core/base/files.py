"""Files that hold what nobody else is to read: whole or not there at all, and never in place of another."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.base.errors import ConfigurationError

_PRIVATE = 0o600


@contextmanager
def private_file(path: Path) -> Iterator[Path]:
    """Makes a file that only its owner can read: what is written to the path it gives is there whole at the end.

    It is written under another name beside it, brought to the disk, and then given its own name.

    Args:
        path: of the file; what is there already stays as it is.

    Raises:
        ConfigurationError: there is a file already, or it cannot be made.
    """
    refuse_present(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
    try:
        yield draft
        _to_disk(draft)
        try:
            # Unlike renaming it, this never replaces a file that came meanwhile.
            path.hardlink_to(draft)
        except FileExistsError:
            refuse_present(path)
            raise
        except OSError:
            # A file system without links.
            refuse_present(path)
            draft.rename(path)
        _to_disk(path.parent)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def refuse_present(path: Path) -> None:
    """Refuses a path at which there is something.

    Raises:
        ConfigurationError: there is.
    """
    if path.exists() or path.is_symlink():
        raise ConfigurationError(f"{path} is there already and is not overwritten; give another name")


def _to_disk(path: Path) -> None:
    """Waits until a file or, where systems can do that, the entries of a folder are on the disk."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
