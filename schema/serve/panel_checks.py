"""Panels as plugins declare them, checked against the schema before anything is served."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from core.base.errors import PluginError
from core.host.host import PluginHost
from core.host.panels import Panel, PanelKind, Path

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NUMBERS = ("Int", "Float", "Decimal")
#: The variables that the page gives, with values to try.
GIVEN: Mapping[str, str] = {"from": "2025-01-01", "to": "2025-12-31", "today": "2025-06-30"}
#: How many values kinds draw that do not draw any number of them.
_COUNTS = {PanelKind.POINTS: 2, PanelKind.WATERFALL: 3, PanelKind.MATRIX: 1}


@dataclass(frozen=True, slots=True)
class Destination:
    """What a path leads to.

    Attributes:
        kind: the type there.
        lists: the lists on the way, each by the path to it.
        selected: what is selected of it.
    """

    kind: GraphQLNamedType
    lists: tuple[str, ...]
    selected: frozenset[str]


@dataclass(frozen=True, slots=True)
class CheckedPanel:
    """A panel that draws what is there.

    Attributes:
        plugin: name of the one that declares it.
        panel: as it was declared.
        given: the variables of its query that the page gives.
        enumerations: of the categories and the second categories; None for what is not of one.
        money: labels of the values that are money.
    """

    plugin: str
    panel: Panel
    given: Sequence[str]
    enumerations: tuple[str | None, str | None]
    money: frozenset[str]


def checked_panels(host: PluginHost, schema: GraphQLSchema) -> list[CheckedPanel]:
    """The panels of all plugins.

    Raises:
        PluginError: one cannot be drawn; the message names the plugin, the panel and the remedy.
    """
    found: list[CheckedPanel] = []
    for plugin, panels in host.register("register_panels"):
        names: set[str] = set()
        for panel in panels:
            if not isinstance(panel, Panel):
                raise PluginError(plugin.name, "register_panels", f"{panel!r} is not a guanxi.Panel")
            try:
                if panel.name in names:
                    raise ValueError("there are two of that name; rename one")
                found.append(_Check(schema, panel).checked(plugin.name))
            except (ValueError, GraphQLError) as error:
                problem = error.message if isinstance(error, GraphQLError) else str(error)
                raise PluginError(plugin.name, f"panel {panel.name}", problem) from None
            names.add(panel.name)
    return found


def paths_of(path: Path) -> Sequence[str]:
    """The paths that a declaration has as one text or several."""
    return [path] if isinstance(path, str) else list(path)


class _Check:
    """The check of one panel."""

    def __init__(self, schema: GraphQLSchema, panel: Panel) -> None:
        self._schema, self._panel = schema, panel
        self._document: DocumentNode = parse(panel.query, no_location=True)

    def checked(self, plugin: str) -> CheckedPanel:
        """The panel.

        Raises:
            ValueError, GraphQLError: it cannot be drawn.
        """
        panel = self._panel
        if not _NAME.fullmatch(panel.name):
            raise ValueError("must be named in snake case, as in sales_by_region")
        if not panel.title:
            raise ValueError("has no title; say in a few words what it shows")
        if panel.kind not in tuple(PanelKind):
            raise ValueError(f"kind {panel.kind!r} is not a PanelKind; available: {', '.join(PanelKind)}")
        self._check_counts()
        given = self._given()
        lists, enumeration = self._categories("by", panel.by)
        _, second = self._categories("across", panel.across, lists)
        self._categories("record", panel.record, lists)
        money = {label for label, path in panel.values.items() if self._value(label, path, lists) == "Money"}
        for label, bounds in panel.intervals.items():
            if label not in panel.values:
                raise ValueError(f"intervals: there is no value {label!r}; there is {_listed(panel.values)}")
            if isinstance(bounds, str) or len(bounds) != 2:
                raise ValueError(f"intervals[{label!r}]: give two paths, of the lower and of the upper bounds")
            for bound in bounds:
                self._value(f"intervals[{label!r}]", bound, lists)
        return CheckedPanel(plugin, panel, given, (enumeration, second), frozenset(money))

    def _check_counts(self) -> None:
        panel, needed = self._panel, _COUNTS.get(self._panel.kind)
        if needed is not None and len(panel.values) != needed:
            raise ValueError(f"values: {panel.kind} draws {needed}, not {len(panel.values)}")
        if not panel.values:
            raise ValueError(
                "values: there are none; give a label and a path, such as {'Customers': 'customers.totalCount'}"
            )
        if not panel.by and panel.kind is not PanelKind.NUMBERS:
            raise ValueError(f"by: {panel.kind} needs the path of its categories")
        if panel.kind is PanelKind.MATRIX and not panel.across:
            raise ValueError("across: MATRIX needs the path of its columns")
        if panel.across and panel.kind not in (PanelKind.MATRIX, PanelKind.POINTS):
            raise ValueError(f"across: {panel.kind} takes none; MATRIX and POINTS do")

    def _given(self) -> list[str]:
        """The variables that the page gives, once the query is known to be one that can be asked."""
        errors = validate(self._schema, self._document)
        if errors:
            raise errors[0]
        operations = [one for one in self._document.definitions if isinstance(one, OperationDefinitionNode)]
        if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
            raise ValueError("query: it must be one query, without mutations and subscriptions")
        variables = operations[0].variable_definitions or ()
        names = [one.variable.name.value for one in variables]
        given = [name for name in GIVEN if name in names]
        unknown = self._panel.variables.keys() - names
        if unknown:
            raise ValueError(f"variables: the query has no variable ${min(unknown)}")
        values = {**{name: GIVEN[name] for name in given}, **self._panel.variables}
        coerced = get_variable_values(self._schema, variables, values)
        if isinstance(coerced, list):
            raise coerced[0]
        return given

    def _categories(self, name: str, path: Path, lists: Sequence[tuple[str, ...]] | None = None) -> Any:
        """The lists that each path goes through, and the enumeration of what it leads to."""
        found = [self._follow(name, one) for one in paths_of(path)]
        for one, where in zip(found, paths_of(path), strict=True):
            if not is_leaf_type(one.kind):
                raise ValueError(f"{name}: {where!r} leads to {one.kind}; go on to one of {_listed(one.selected)}")
        if found and lists is not None and [one.lists for one in found] != list(lists):
            raise ValueError(f"{name}: {path!r} has other rows than by, {self._panel.by!r}")
        kinds = {one.kind.name for one in found if isinstance(one.kind, GraphQLEnumType)}
        return [one.lists for one in found], kinds.pop() if len(kinds) == 1 else None

    def _value(self, label: str, path: Path, lists: Sequence[tuple[str, ...]]) -> str:
        """The name of the type that the paths of a value lead to."""
        place = f"values[{label!r}]" if label in self._panel.values else label
        found = [self._follow(place, one) for one in paths_of(path)]
        kinds = {one.kind.name for one in found}
        if len(kinds) != 1:
            raise ValueError(f"{place}: give paths of values of one type, not of {_listed(kinds)}")
        kind = kinds.pop()
        if kind == "Money" and not found[0].selected >= {"amount", "currency"}:
            raise ValueError(f"{place}: select amount and currency of it")
        if kind != "Money" and kind not in _NUMBERS:
            raise ValueError(f"{place}: {path!r} leads to {kind}; it must be a number or Money")
        labels = list(self._panel.values)
        if self._panel.kind is PanelKind.WATERFALL and label in (labels[0], labels[-1]):
            # The totals that a waterfall begins and ends with belong to no category.
            lists = ()
        if [one.lists for one in found] != list(lists or [()]):
            where = f"other rows than by, {self._panel.by!r}" if lists else "many rows, of which by names none"
            raise ValueError(f"{place}: {path!r} has {where}")
        return kind

    def _follow(self, name: str, path: str) -> Destination:
        """Where a path leads.

        Raises:
            ValueError: nowhere.
        """
        operation = next(one for one in self._document.definitions if isinstance(one, OperationDefinitionNode))
        kind: Any = self._schema.query_type
        selection: SelectionSetNode | None = operation.selection_set
        lists: list[str] = []
        walked: list[str] = []
        for key in path.split("."):
            if lists and lists[-1] == ".".join(walked) and key.isdecimal():
                # One element of the list is picked.
                lists.pop()
                walked.append(key)
                continue
            selected = dict(self._selected(kind, selection))
            if key not in selected:
                raise ValueError(f"{name}: the query selects no {key!r} in {path!r}; there is {_listed(selected)}")
            walked.append(key)
            parent, node = selected[key]
            definition = self._schema.get_field(parent, node.name.value)
            assert definition is not None  # the query is valid
            if is_list_type(get_nullable_type(definition.type)):
                lists.append(".".join(walked))
            kind, selection = get_named_type(definition.type), node.selection_set
        return Destination(kind, tuple(lists), frozenset(key for key, _ in self._selected(kind, selection)))

    def _selected(
        self, kind: Any, selection: SelectionSetNode | None
    ) -> Iterator[tuple[str, tuple[GraphQLObjectType, FieldNode]]]:
        """What is selected of a type, by the names that the answer has."""
        for node in () if selection is None else selection.selections:
            if isinstance(node, FieldNode):
                yield (node.alias or node.name).value, (kind, node)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = kind if condition is None else self._schema.type_map[condition.name.value]
                yield from self._selected(inner, node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                for fragment in self._document.definitions:
                    if isinstance(fragment, FragmentDefinitionNode) and fragment.name.value == node.name.value:
                        inner = self._schema.type_map[fragment.type_condition.name.value]
                        yield from self._selected(inner, fragment.selection_set)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
