"""Bugs to be planted in the compiler, each a small slip that someone might make. The oracle has to notice every one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from graphql.execution.values import VariableValues
from sqlalchemy import and_, or_

from schema.catalog import kind, kinds
from schema.catalog.kinds import MoneyKind
from schema.plan import aggregates, pages
from schema.plan import order as ordering
from schema.plan import where as conditions
from schema.plan.order import SortKey
from schema.plan.pages import Page
from schema.plan.statement import PlanRow, Scope, Statement
from schema.read import execution as running
from schema.request import operations
from schema.sql.binds import Binds

Mutant = Callable[[pytest.MonkeyPatch], None]

MUTANTS: dict[str, Mutant] = {}


def mutant(plant: Mutant) -> Mutant:
    """Adds a bug to the collection, under its name."""
    MUTANTS[plant.__name__] = plant
    return plant


def _wrap(patch: pytest.MonkeyPatch, owner: Any, name: str, made: Callable[..., Any]) -> None:
    """Replaces a function by one that gets the original as its first argument."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *args, **kwargs: made(original, *args, **kwargs))


# Orders and pages


@mutant
def nulls_stand_where_the_engine_puts_them(patch: pytest.MonkeyPatch) -> None:
    def clause(self: SortKey, *, backward: bool = False) -> Any:
        return self.expression.desc() if self.descending != backward else self.expression.asc()

    patch.setattr(SortKey, "clause", clause)


@mutant
def the_tie_break_is_lost(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, pages, "sort_keys", lambda keys, *args: keys(*args)[:-1] or keys(*args))


@mutant
def the_tie_break_always_ascends(patch: pytest.MonkeyPatch) -> None:
    def ascending(keys: Any, *args: Any) -> Any:
        *before, last = keys(*args)
        return [*before, replace(last, descending=False)]

    _wrap(patch, pages, "sort_keys", ascending)


@mutant
def a_cursor_holds_its_own_row(patch: pytest.MonkeyPatch) -> None:
    def after(real: Any, keys: Any, values: Any, *, backward: bool) -> Any:
        same = and_(*(key.expression.is_not_distinct_from(value) for key, value in zip(keys, values, strict=True)))
        return or_(real(keys, values, backward=backward), same)

    _wrap(patch, ordering, "after", after)


@mutant
def cursors_know_no_nulls(patch: pytest.MonkeyPatch) -> None:
    def after(real: Any, keys: Any, values: Any, *, backward: bool) -> Any:
        return real([replace(key, nullable=False) for key in keys], values, backward=backward)

    _wrap(patch, ordering, "after", after)


@mutant
def before_is_after(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, ordering, "after", lambda real, keys, values, *, backward: real(keys, values, backward=False))


@mutant
def pages_are_one_too_long(patch: pytest.MonkeyPatch) -> None:
    original = Page._wanted_size
    patch.setattr(Page, "_wanted_size", lambda self, given: original(self, given) + 1)


@mutant
def no_page_has_a_next_one(patch: pytest.MonkeyPatch) -> None:
    original = Page.info

    def info(self: Page, chosen: Any) -> Any:
        self._peeks = False
        return original(self, chosen)

    patch.setattr(Page, "info", info)


@mutant
def the_last_are_the_first(patch: pytest.MonkeyPatch) -> None:
    original = Page.__init__

    def init(self: Page, *args: Any) -> None:
        original(self, *args)
        self._backward = False

    patch.setattr(Page, "__init__", init)


@mutant
def orders_ignore_case_no_more(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, ordering, "_sort_key", _raw_text)


def _raw_text(real: Any, statement: Statement, row: PlanRow, part: Mapping[str, Any]) -> SortKey:
    made: SortKey = real(statement, row, part)
    (name,) = part
    field = row.record.fields.get(name)
    return replace(made, expression=field.value(row)) if field and isinstance(field.kind, kinds.TextKind) else made


# Filters


@mutant
def every_means_some(patch: pytest.MonkeyPatch) -> None:
    def lists(real: Any, statement: Any, row: Any, many: Any, given: Mapping[str, Any]) -> Any:
        return real(statement, row, many, {{"every": "some"}.get(name, name): where for name, where in given.items()})

    _wrap(patch, conditions, "_list_conditions", lists)


@mutant
def not_forgets_nulls(patch: pytest.MonkeyPatch) -> None:
    for module in (conditions, aggregates):
        patch.setattr(module, "holds", lambda condition: condition)


@mutant
def a_missing_value_differs_from_nothing(patch: pytest.MonkeyPatch) -> None:
    wrong = {**kind.COMPARISONS, "ne": lambda value, other: value != other}
    for module in (kind, kinds):
        patch.setattr(module, "COMPARISONS", wrong, raising=False)


@mutant
def operands_are_not_folded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kinds, "fold", str)


@mutant
def deleted_records_are_there(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Statement, "visible", lambda self, row, where=None: [])


@mutant
def lists_hold_the_rows_of_all_parents(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, conditions, "linked", lambda linked, *args: (linked(*args)[0], []))


@mutant
def two_relations_to_one_record_share_a_join(patch: pytest.MonkeyPatch) -> None:
    original = Scope.join
    patch.setattr(Scope, "join", lambda self, key, table, on: original(self, (key[0], table.name), table, on))


@mutant
def two_values_of_one_type_share_a_parameter(patch: pytest.MonkeyPatch) -> None:
    original = Binds.value

    def value(self: Binds, given: Any, type_: Any, prepare: Any = None) -> Any:
        shared = self.__dict__.setdefault("_mixed_up", {})
        key = (type(type_), prepare)
        if key not in shared:
            shared[key] = original(self, given, type_, prepare)
        return shared[key]

    patch.setattr(Binds, "value", value)


@mutant
def amounts_of_all_currencies_compare_as_numbers(patch: pytest.MonkeyPatch) -> None:
    original = MoneyKind.conditions

    def compare(self: MoneyKind, value: Any, given: Any, binds: Any, folded_value: Any = None) -> Any:
        return original(self, value._replace(reporting=value.minor), given, binds, folded_value)

    patch.setattr(MoneyKind, "conditions", compare)


# Sums and groups


@mutant
def sums_mix_currencies(patch: pytest.MonkeyPatch) -> None:
    original = MoneyKind.aggregate
    patch.setattr(
        MoneyKind,
        "aggregate",
        lambda self, function, value: original(self, function, value._replace(reporting=value.minor)),
    )


@mutant
def averages_are_cut_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kind, "rounded_ratio", lambda numerator, denominator: numerator // denominator)


@mutant
def having_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(aggregates, "_having", lambda statement, row, given: [])


@mutant
def quarters_are_months(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, kinds, "period_start", lambda real, value, grain: real(value, grain.replace("QUARTER", "MONTH")))


# Queries


@mutant
def defaults_of_variables_are_ignored(patch: pytest.MonkeyPatch) -> None:
    original = operations.Operation.variables

    def variables(self: Any, given: Mapping[str, Any]) -> VariableValues:
        values = original(self, given)
        return VariableValues(values.sources, {name: value for name, value in values.coerced.items() if name in given})

    patch.setattr(operations.Operation, "variables", variables)


@mutant
def skip_is_ignored(patch: pytest.MonkeyPatch) -> None:
    import graphql.execution.collect_fields as collecting

    patch.setattr(collecting, "should_include_node", lambda *args: True)


@mutant
def plans_are_kept_whatever_the_variables_look_like(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, operations, "open_variables", lambda real, *args: (real(*args)[0], ()))


@mutant
def python_fields_are_filled_in_one_row_too_late(patch: pytest.MonkeyPatch) -> None:
    def late(real: Any, call: Any, result: Any) -> Any:
        values = real(call, result)
        return values if isinstance(values, BaseException) else [*values[-1:], *values[:-1]]

    _wrap(patch, running, "_given", late)
