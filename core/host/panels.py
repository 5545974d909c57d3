"""Panels: figures that plugins add to the page, declared as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.records.vocabulary import Vocabulary


class PanelKind(Vocabulary):
    """How a panel draws its values."""

    NUMBERS = "NUMBERS", "The values themselves, large.", "Numbers"
    BARS = "BARS", "A bar per category and value.", "Bars"
    LINES = "LINES", "A line per value over the categories.", "Lines"
    FUNNEL = "FUNNEL", "The first value of each category as a centred bar, the others written on it.", "Funnel"
    POINTS = "POINTS", "A point per category, the first value to the right, the second upwards.", "Points"
    WATERFALL = "WATERFALL", "Steps per category from a total to another: start, steps, end.", "Waterfall"
    MATRIX = "MATRIX", "A cell per category and second category.", "Matrix"
    TABLE = "TABLE", "A row per category, a column per value.", "Table"


#: Leads to values in the answer of a query: names of fields, or their aliases, with points between them. It goes on to
#: all elements of a list, or by a number to one: `report.0.total`. Of several paths, values follow one another.
Path = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure on the page: a query, and which values of its answer are drawn.

        Panel("tiers", "Customers by tier", PanelKind.FUNNEL,
              "{ customersGroupBy(by: [{valueTier: true}]) { keys { valueTier } aggregate { count } } }",
              {"Customers": "customersGroupBy.aggregate.count"}, by="customersGroupBy.keys.valueTier")

    The browser sends the query with the viewer's own rights. Variables named `from`, `to` and `today` are dates that
    the page gives: the first and last day of the period that the viewer chose, and the day it is.

    Attributes:
        name: snake case, unique in the plugin.
        title: shown above it; translated like every text, by the plugin's `translations`.
        kind: how it is drawn.
        query: one GraphQL query.
        values: what is drawn: a label, translated like the title, and the path of numbers or of `Money`. A label that
            ends in % is of percentages. Money, percentages and other numbers have axes of their own.
        by: path of the categories, as many as there are values: texts, days, enumerations.
        across: path of second categories: the columns of a MATRIX, the colours of POINTS.
        intervals: label of a value to the paths of its lower and its upper bounds.
        record: path of ids of the customers that the categories stand for, to whose pages they lead.
        variables: values of the query's other variables.
        description: what it tells, in one sentence; translated.
    """

    name: str
    title: str
    kind: PanelKind
    query: str
    values: Mapping[str, Path]
    by: Path = ()
    across: Path = ()
    intervals: Mapping[str, tuple[Path, Path]] = field(default_factory=dict)
    record: Path = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
