"""Validation of documents by the rules of graphql-core, which it asks only where they have something to say."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from graphql import (
    BREAK,
    SKIP,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    ValidationContext,
    ValidationRule,
    specified_rules,
    validate,
)
from graphql.language.visitor import EnterLeaveVisitor

_MOST_ERRORS = 5

_Method = Callable[..., Any]


def problems(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """What is wrong with a document; the first few of many."""
    return validate(schema, document, [_AllRules], max_errors=_MOST_ERRORS)


@cache
def _methods(kind: str) -> Sequence[tuple[int, str | None, str | None]]:
    """The rules that have a method for nodes of a kind: their numbers, and the names of the methods.

    graphql-core looks for the methods of each rule anew in each document, which takes as long as to call them.
    """
    found = []
    for number, rule in enumerate(specified_rules):
        enter, leave = (
            next((name for name in (f"{step}_{kind}", step) if hasattr(rule, name)), None)
            for step in ("enter", "leave")
        )
        if enter or leave:
            found.append((number, enter, leave))
    return found


class _AllRules(ValidationRule):
    """All specified rules as one."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._rules = [rule(context) for rule in specified_rules]
        #: By rule, the node below which it wants to see nothing, or BREAK if it wants to see nothing more.
        self._skipping: list[Any] = [None] * len(self._rules)

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        """What is called for nodes of a kind."""
        found = self.enter_leave_map.get(kind)
        if found is None:
            found = self.enter_leave_map[kind] = self._calls(_methods(kind))
        return found

    def _calls(self, methods: Sequence[tuple[int, str | None, str | None]]) -> EnterLeaveVisitor:
        if not methods:
            return EnterLeaveVisitor(None, None)
        skipping, rules = self._skipping, self._rules
        entering = [(number, getattr(rules[number], enter)) for number, enter, _ in methods if enter]
        # Whoever enters a node may skip what is below it, until it is left.
        leaving: list[tuple[int, _Method | None]] = [
            (number, getattr(rules[number], leave) if leave else None) for number, _, leave in methods
        ]

        def enter(node: Node, *place: Any) -> None:
            for number, method in entering:
                if skipping[number] is None:
                    result = method(node, *place)
                    if result is SKIP or result is False:
                        skipping[number] = node
                    elif result is BREAK or result is True:
                        skipping[number] = BREAK

        def leave(node: Node, *place: Any) -> None:
            for number, method in leaving:
                if skipping[number] is node:
                    skipping[number] = None
                elif skipping[number] is None and method is not None:
                    result = method(node, *place)
                    if result is BREAK or result is True:
                        skipping[number] = BREAK

        return EnterLeaveVisitor(enter, leave)
