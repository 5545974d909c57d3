"""The form of a mapping file, TOML: what can be checked of it before there is a catalog."""

import codecs
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.base.errors import ConfigurationError
from guanxi.importing.sources import CSV, JSON_LINES, Layout
from guanxi.importing.toml_table import TomlFault, TomlTable


@dataclass(slots=True)
class MappingForm:
    """A mapping file of the right form, whose records are not looked into.

    Attributes:
        path: of the file.
        layout, trim, empty_values: how the source is written.
        fix: what stands for values of a column.
        records: the tables `[[record]]`.
        columns: those that are used so far, each with the place that uses it.
    """

    path: Path
    layout: Layout = field(default_factory=Layout)
    trim: bool = True
    empty_values: frozenset[str] = frozenset()
    fix: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)


class Faults:
    """The faults of a file, all of which are reported together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: list[str] = []

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Notes a fault and goes on after the part of the file it is in."""
        try:
            yield
        except TomlFault as fault:
            self._found.append(str(fault))

    def end(self) -> None:
        """Stops where there are any.

        Raises:
            ConfigurationError: there are; the message has a line for each.
        """
        if self._found:
            raise ConfigurationError("\n".join(f"{self._path}: {fault}" for fault in self._found))


def read_form(path: Path) -> MappingForm:
    """Reads a mapping file.

    Raises:
        ConfigurationError: it cannot be read, or its form has faults; the message has a line for each.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.load(file, parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(f"--mapping {path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: is not TOML: {error}") from None
    except RecursionError:
        raise ConfigurationError(
            f"{path}: its tables and lists are nested too deep; write it as in the examples"
        ) from None
    form, faults, whole = MappingForm(path), Faults(path), TomlTable("", values)
    with faults.noting():
        form.layout, form.trim, form.empty_values = _layout(whole.table("source"))
    with faults.noting():
        form.fix = _mend(whole.table("fix"), form.columns)
    with faults.noting():
        form.records = whole.take("record", list, what="one or more tables [[record]]", default=[])
        if not form.records:
            raise TomlFault("has no [[record]]; write one for each record that a row makes")
    for number, record in enumerate(form.records, 1):
        with faults.noting():
            _check_record(TomlTable(f"record {number}", record))
    with faults.noting():
        whole.end()
    faults.end()
    return form


def _check_record(table: TomlTable) -> None:
    table.expect("type", "name", "key", "at", "when", "fields")
    table.end()
    if "key" not in table:
        raise table.fault(
            'has no key, by which a second run finds what the first made; write key = { system = "NAME of the '
            'source", column = "COLUMN of its id" }, or key = { by = "FIELD" }'
        )


def _layout(table: TomlTable) -> tuple[Layout, bool, frozenset[str]]:
    encoding = table.text("encoding", "utf-8-sig") or ""
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise table.fault(f'encoding = "{encoding}": is unknown; write one such as "utf-8" or "cp1252"') from None
    delimiter = table.text("delimiter")
    if delimiter is not None and len(delimiter) != 1:
        raise table.fault(f'delimiter = "{delimiter}": must be one character, such as ";"')
    format_ = table.choice("format", (CSV, JSON_LINES), CSV) if "format" in table else None
    trim = table.take("trim", bool, what="true or false", default=True)
    empty_values = frozenset(table.texts("empty_values"))
    table.end()
    return Layout(format_, delimiter, encoding), trim, empty_values


def _mend(table: TomlTable, columns: dict[str, str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {column: table.scalars(column) or {} for column in dict(table.items())}
    columns |= {column: f"fix, {column!r}" for column in found}
    return found
