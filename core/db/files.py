"""The file of a database while it is in use: whether it is still the one that was opened."""

from pathlib import Path


class OpenFile:
    """A file that connections hold open, known by its device and its number there.

    Where another takes its place, or none, what is written through those connections is lost to everybody else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None

    def note(self) -> None:
        """Notes which file it is, the first time."""
        if self._identity is None:
            self._identity = self._found()

    def is_there(self) -> bool:
        """Whether it is still in its place."""
        return self._identity is None or self._found() == self._identity

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
