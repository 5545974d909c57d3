"""What a connection keeps prepared, so that it stays within bounds."""

#: SQLite takes some 40 bytes for each character of a statement that is prepared, PostgreSQL some 100.
_MOST_CHARACTERS = 500_000


class PreparedStatements:
    """The statements that a connection has prepared since it was opened.

    Drivers keep the last so many, however long they are. Those of plans are as long as clients ask much at once, so a
    connection that has prepared too much is done with, or lets go of all.

    Attributes:
        are_too_many: they take too much memory.
    """

    __slots__ = ("_characters", "_known", "are_too_many")

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._characters = 0
        self.are_too_many = False

    def note(self, *texts: str) -> None:
        """Notes statements that are about to be run."""
        for sql in texts:
            if sql not in self._known:
                self._known.add(sql)
                self._characters += len(sql)
        self.are_too_many = self._characters > _MOST_CHARACTERS

    def clear(self) -> None:
        """Forgets them, since the connection did."""
        self._known.clear()
        self._characters = 0
        self.are_too_many = False
