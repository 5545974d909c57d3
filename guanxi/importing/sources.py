"""The rows of a source file, CSV or JSON Lines, read as often as is needed and never held in memory whole."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.base.errors import ConfigurationError

CSV, JSON_LINES = "csv", "jsonl"

#: Formats by the ending of the file's name, each with what separates its columns.
ENDINGS: Mapping[str, tuple[str, str]] = {
    ".csv": (CSV, ","),
    ".tsv": (CSV, "\t"),
    ".jsonl": (JSON_LINES, ","),
    ".ndjson": (JSON_LINES, ","),
}


#: What separates the columns of files that say nothing about it.
_DELIMITERS = (";", "\t", "|", ",")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a source file is written.

    Attributes:
        format: `csv` or `jsonl`; None goes by the ending of the file's name.
        delimiter: what separates the columns of CSV; None goes by the ending.
        encoding: of the text; the default also takes the mark that spreadsheets put before UTF-8.
    """

    format: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8-sig"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row as it is in the source.

    Attributes:
        line: the line it begins on, from 1.
        values: column to value: text from CSV, any JSON value from JSON Lines.
        cells: the same in the order of the source's columns, as text.
        problem: why it cannot be read.
    """

    line: int
    values: Mapping[str, Any] = field(default_factory=dict)
    cells: Sequence[str] = ()
    problem: str | None = None


class Source:
    """A source file, scanned once before anything of it is used.

    Attributes:
        path: of the file.
        columns: names of its columns; of JSON Lines every key that some line has, nested keys as `address.city`.
        size: number of its rows.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        """Opens the file and scans it.

        Raises:
            ConfigurationError: it is not there, or is not written as the layout says.
        """
        self.path = path
        format_, delimiter = ENDINGS.get(path.suffix.lower(), (None, ","))
        self._format = layout.format or format_
        self.delimiter = layout.delimiter or delimiter
        self.encoding = layout.encoding
        if self._format is None:
            raise ConfigurationError(
                f'{path}: the name does not end in {", ".join(ENDINGS)}; write `format = "csv"` or "jsonl" under '
                "[source] in the mapping file"
            )
        self.columns: list[str] = []
        self.size = 0
        self._look_through()

    def _likely_encoding(self) -> str:
        """The encoding that the mark at the beginning of the file speaks for, else a usual one."""
        with self.path.open("rb") as file:
            return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "cp1252"

    def rows(self) -> Iterator[SourceRow]:
        """The rows in order; those that cannot be read say why.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        try:
            with self.path.open(encoding=self.encoding, newline="") as lines:
                yield from self._table(lines) if self._format == CSV else self._objects(lines)
        except OSError as error:
            raise ConfigurationError(f"{self.path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                f"{self.path}: is not {self.encoding} ({error.reason} at byte {error.start}); write its encoding, "
                f'such as `encoding = "{self._likely_encoding()}"`, under [source] in the mapping file'
            ) from None

    def _look_through(self) -> None:
        keys: dict[str, None] = {}
        for row in self.rows():
            self.size += 1
            keys.update(dict.fromkeys(row.values))
        if self._format == JSON_LINES:
            self.columns = list(keys)

    def _table(self, lines: Iterator[str]) -> Iterator[SourceRow]:
        reader, line = csv.reader(lines, delimiter=self.delimiter, strict=True), 1
        try:
            self.columns = [name.strip() for name in next(reader, [])]
            if not self.columns:
                raise ConfigurationError(f"{self.path}: is empty; its first line must name the columns")
            self._check_delimiter()
            line = reader.line_num + 1
            for cells in reader:
                # A row of a spreadsheet in which nothing is written says nothing.
                if any(cell.strip() for cell in cells):
                    yield self._record(line, cells)
                line = reader.line_num + 1
        except csv.Error as error:
            place, problem = f"line {reader.line_num} is not CSV", f"{error}; fix the line"
            if reader.line_num > line:
                # All that follows has been taken for one text.
                place = f"the row that begins in line {line} is not CSV"
                problem = (
                    'it has a quote (") that is opened and not closed; close it, or write "" for a quote in a text'
                )
            raise ConfigurationError(f"{self.path}: {place}: {problem}") from None

    def _check_delimiter(self) -> None:
        other = next((mark for mark in _DELIMITERS if mark != self.delimiter and mark in self.columns[0]), None)
        if len(self.columns) == 1 and other is not None:
            raise ConfigurationError(
                f"{self.path}: its first line has no {self.delimiter!r}, but {other!r}; write `delimiter = "
                f"{json.dumps(other)}` under [source] in the mapping file"
            )

    @property
    def doubt(self) -> str:
        """A second delimiter in its first line, for when a column is not found; empty if there is none."""
        found = ((mark, name) for mark in _DELIMITERS for name in self.columns if mark in name)
        mark, name = next(found, ("", ""))
        if self._format != CSV or not mark:
            return ""
        return (
            f"; columns are separated by {self.delimiter!r}, and {name!r} has {mark!r} besides: fix the first line, or "
            f"write `delimiter = {json.dumps(mark)}` under [source]"
        )

    def _record(self, line: int, cells: list[str]) -> SourceRow:
        problem = None
        if len(cells) != len(self.columns):
            problem = f"the row has {len(cells)} columns, but the first line names {len(self.columns)}; fix the row"
        return SourceRow(line, dict(zip(self.columns, cells, strict=False)), cells, problem)

    def _objects(self, lines: Iterator[str]) -> Iterator[SourceRow]:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                found = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
                values = dict(_flat(found, "")) if isinstance(found, dict) else {}
                cells = [_text(values.get(name)) for name in self.columns]
            except ValueError as error:
                yield SourceRow(number, problem=f"the line is not JSON: {error}")
                continue
            except RecursionError:
                yield SourceRow(number, problem="the line is nested too deep; fix the line")
                continue
            if not isinstance(found, dict):
                yield SourceRow(number, problem="the line is not a JSON object; write { … }")
                continue
            yield SourceRow(number, values, cells)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _flat(found: Mapping[str, Any], stem: str) -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{stem}{key}.")
        else:
            yield f"{stem}{key}", value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class Rejects:
    """The file of rejected rows: line, record and reason, then the row as it was in the source.

    It is there from the start, so that a place that cannot be written is found out before anything is imported, and it
    is removed if nothing was rejected.
    """

    COLUMNS = ("rejected_line", "rejected_record", "rejected_reason")

    def __init__(self, path: Path, source: Source) -> None:
        """Starts the file over.

        Raises:
            ConfigurationError: it cannot be written.
        """
        if path.exists() and path.samefile(source.path):
            raise ConfigurationError(f"--rejects {path}: is the source itself; name another file")
        self.path = path
        self._source = source
        # What an earlier run added to a file of its own rejects is not repeated.
        self._kept = [index for index, name in enumerate(source.columns) if name not in self.COLUMNS]
        self._dropped = {index for index, name in enumerate(source.columns) if name in self.COLUMNS}
        self.begin()

    def begin(self) -> None:
        """Forgets what was written."""
        self.count = 0
        try:
            with self._opened("w") as file:
                names = [self._source.columns[index] for index in self._kept]
                csv.writer(file, delimiter=self._source.delimiter).writerow([*self.COLUMNS, *names])
        except OSError as error:
            raise ConfigurationError(f"--rejects {self.path}: cannot be written: {error.strerror}") from None

    def add(self, rows: Sequence[tuple[SourceRow, str, str]]) -> None:
        """Adds rows, each with the record that was refused and the reason."""
        self.count += len(rows)
        with self._opened("a") as file:
            writer = csv.writer(file, delimiter=self._source.delimiter)
            for row, record, reason in rows:
                cells = [cell for index, cell in enumerate(row.cells) if index not in self._dropped]
                writer.writerow([row.line, record, reason, *cells])

    def end(self) -> None:
        """Removes the file if nothing was rejected."""
        if not self.count:
            self.path.unlink(missing_ok=True)

    def _opened(self, mode: str) -> Any:
        # Without the mark of UTF-8, which would be read as part of the first column elsewhere.
        encoding = "utf-8" if self._source.encoding == "utf-8-sig" else self._source.encoding
        return self.path.open(mode, encoding=encoding, errors="backslashreplace", newline="")
