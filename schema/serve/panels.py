"""Panels of the page: what plugins declare, checked against the schema, and the list that the page asks for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLResolveInfo

from core.host.panels import PanelKind, Path
from core.records.vocabulary import Vocabulary
from schema.serve.panel_checks import CheckedPanel, paths_of
from schema.types.builder import Builder, Member


class PanelUnit(Vocabulary):
    """What the values of a series are."""

    MONEY = "MONEY", "Amounts of money, with their currency."
    NUMBER = "NUMBER", "Numbers."
    PERCENT = "PERCENT", "Percentages."


def add_panels(builder: Builder) -> None:
    """Adds the types of the list."""
    builder.enum(PanelKind)
    builder.enum(PanelUnit)
    builder.output(
        "Panel",
        "A figure on the page: a query, and which values of its answer are drawn. A path is names of fields or aliases "
        "with points between them; it goes on to all elements of a list, or by a number to one. Of several paths, "
        "values follow one another.",
        [
            Member("name", "str", "Its name, unique in its plugin."),
            Member("plugin", "str", "The plugin that declares it."),
            Member("title", "str", "What stands above it, in the language that Accept-Language asks for."),
            Member("description", "str | None", "What it tells, likewise."),
            Member("kind", "PanelKind", "How it is drawn."),
            Member("query", "str", "A query that the viewer sends to this API."),
            Member("variables", "JSON", "Its variables; `given` are added."),
            Member("given", "list[str]", "The variables that the viewer gives: from, to, today; each a date."),
            Member("categories", "PanelCategories | None", "The categories of its values; null where it has none."),
            Member("secondCategories", "PanelCategories | None", "Columns of a MATRIX, colours of POINTS."),
            Member("series", "list[PanelSeries]", "What is drawn."),
            Member("records", "list[str]", "Paths of the ids of the customers that the categories are, if any."),
        ],
    )
    builder.output(
        "PanelCategories",
        "Where categories are in the answer.",
        [
            Member("paths", "list[str]", "Their paths."),
            Member("enumeration", "str | None", "The enumeration they are values of, see `vocabulary`; null for none."),
        ],
    )
    builder.output(
        "PanelSeries",
        "Where values are in the answer.",
        [
            Member("label", "str", "What they are, in the language that Accept-Language asks for."),
            Member("unit", "PanelUnit", "Numbers, percentages, or Money with `amount` and `currency`."),
            Member("paths", "list[str]", "Their paths."),
            Member("low", "list[str]", "Paths of their lower bounds, if they have any."),
            Member("high", "list[str]", "Paths of their upper bounds, if they have any."),
        ],
    )


def panels_member(panels: Callable[[], Sequence[CheckedPanel]]) -> Member:
    """The root field."""

    def listed(source: None, info: GraphQLResolveInfo[Any]) -> list[Mapping[str, Any]]:
        said = info.context.language.said
        return [_shown(panel, said) for panel in panels()]

    return Member("panels", "list[Panel]", "The figures that plugins add to the page.", resolve=listed)


def _shown(checked: CheckedPanel, said: Callable[[str], str]) -> Mapping[str, Any]:
    """A panel as the API shows it, in a language."""
    panel = checked.panel
    by, across = checked.enumerations
    return {
        "name": panel.name,
        "plugin": checked.plugin,
        "title": said(panel.title),
        "description": said(panel.description) if panel.description else None,
        "kind": panel.kind,
        "query": panel.query,
        "variables": dict(panel.variables),
        "given": checked.given,
        "categories": _categories(panel.by, by),
        "secondCategories": _categories(panel.across, across),
        "series": [
            {
                "label": said(label),
                "unit": _unit(label, label in checked.money),
                "paths": paths_of(path),
                "low": paths_of(panel.intervals.get(label, ((), ()))[0]),
                "high": paths_of(panel.intervals.get(label, ((), ()))[1]),
            }
            for label, path in panel.values.items()
        ],
        "records": paths_of(panel.record),
    }


def _unit(label: str, is_money: bool) -> PanelUnit:
    if is_money:
        return PanelUnit.MONEY
    return PanelUnit.PERCENT if label.endswith("%") else PanelUnit.NUMBER


def _categories(path: Path, enumeration: str | None) -> Mapping[str, Any] | None:
    return {"paths": paths_of(path), "enumeration": enumeration} if path else None
