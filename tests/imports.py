"""What the tests of the import share: a folder with sources and mappings, and imports of them."""

import csv
from textwrap import dedent

from guanxi.importing.importer import import_source
from guanxi.importing.mapping_file import mapping_of
from guanxi.importing.mapping_form import read_form
from guanxi.importing.sources import Rejects, Source

SIMPLE = """
    [[record]]
    type = "Customer"
    key = { system = "simple", column = "name" }
    [record.fields]
    name = "name"
"""


class Folder:
    """A folder with sources and mappings, and an import of them into a running app."""

    def __init__(self, path):
        self.path = path

    def write(self, name, text, encoding="utf-8"):
        path = self.path / name
        path.write_text(dedent(text).lstrip("\n"), encoding=encoding)
        return path

    def load(self, client, mapping, rows, name="source.csv", **options):
        """The counts of a run as a dict a record; the run's report and rejects are kept."""
        source = rows if name is None else self.write(name, rows)
        rules = mapping_of(read_form(self.write("mapping.toml", mapping)), client.app.catalog)
        found = Source(source, rules.layout)
        rules.check_columns(found)
        rejects = Rejects(self.path / "rejects.csv", found)
        self.report = client.run(import_source(client.app, rules, found, rejects, **options))
        names = {"CREATED": "created", "UPDATED": "updated", "UNCHANGED": "unchanged", "FAILED": "rejected"}
        return {
            record: {names[status]: count for status, count in counts.items() if count}
            for record, counts in self.report.counts.items()
        }

    def rejected(self):
        """The rejects file: line, record and reason a row."""
        path = self.path / "rejects.csv"
        if not path.exists():
            return []
        with path.open(newline="") as file:
            return [
                (int(row["rejected_line"]), row["rejected_record"], row["rejected_reason"])
                for row in csv.DictReader(file)
            ]
