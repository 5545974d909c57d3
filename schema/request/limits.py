"""The most that a request may ask for, and how what is more is refused.

One rule for all of a request: `sizes` measures its document, `values` the values of its variables, `costs` the answer;
here they are compared with the settings. All of it takes time in proportion to the request, and comes before anything
that does not: documents are measured before they are validated, values before they are coerced, answers before a
statement is made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from graphql import GraphQLError, Node

from core.base.sentences import sentence, term
from core.base.settings import Settings
from schema.request.sizes import DocumentMeasure, DocumentSize
from schema.request.values import ValueSize

#: The code of a request that asks for more than it may.
LIMIT_EXCEEDED = "LIMIT_EXCEEDED"

#: Levels of objects and lists in a value. What is below them is coerced and compiled level by level.
_NESTING = 30
#: What the rules of validation compare field by field, each of a name with each other of that name in the same place.
_COMPARISONS = 5_000
#: Values in each row of a bulk, on average.
_ROW_VALUES = 30
#: Objects and lists among them.
_ROW_CONTAINERS = 6
#: More than any number in a column has; Python reads none of some thousands.
_DIGITS = 100
#: Characters of each token, on average; more are comments or blanks, or texts that are better sent as variables.
_TOKEN_CHARACTERS = 40
#: Larger numbers are not worth telling apart.
_MOST_SAID = 10**15


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each that a request may have."""

    tokens: int
    depth: int
    fields: int
    aliases: int
    directives: int
    root_fields: int
    fragments: int
    conditions: int
    values: int
    rows: int
    cost: int
    default_page: int
    largest_page: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Those of the settings."""
        return cls(
            settings.maximum_tokens,
            settings.maximum_depth,
            settings.maximum_fields,
            settings.maximum_aliases,
            settings.maximum_directives,
            settings.maximum_root_fields,
            settings.maximum_fragments,
            settings.maximum_conditions,
            settings.maximum_values,
            settings.maximum_batch_size,
            settings.maximum_cost,
            settings.default_page_size,
            settings.maximum_page_size,
        )

    @property
    def characters(self) -> int:
        """Characters in a document."""
        return _TOKEN_CHARACTERS * self.tokens

    @property
    def most_values(self) -> int:
        """Values in the variables of any request, a full bulk included."""
        return self.values_beside(self.rows)

    @property
    def most_containers(self) -> int:
        """Objects and lists in the variables of any request, a full bulk included."""
        return self.values + _ROW_CONTAINERS * self.rows

    @property
    def largest_value(self) -> ValueSize:
        """The most of each that the value of one variable has."""
        return ValueSize(self.conditions, self.most_values, self.rows, _NESTING)

    def values_beside(self, rows: int) -> int:
        """Values in a request with so many rows of a bulk."""
        return self.values + _ROW_VALUES * rows

    def of_document(self, size: DocumentSize, node: Node | None) -> list[GraphQLError]:
        """What is too large about a document; empty if nothing is."""
        return list(self._of_document(size, node))

    def _of_document(self, size: DocumentSize, node: Node | None) -> Iterator[GraphQLError]:
        for limit, what, found, most in (
            ("maximum_depth", term("levels of selection"), size.depth, self.depth),
            ("maximum_fields", term("fields"), size.fields, self.fields),
            ("maximum_root_fields", term("root fields"), size.root_fields, self.root_fields),
            ("maximum_fragments", term("fragments"), size.fragments, self.fragments),
            ("maximum_aliases", term("aliases"), size.aliases, self.aliases),
            ("maximum_directives", term("directives"), size.directives, self.directives),
        ):
            if found > most:
                yield exceeded(limit, what, found, most, sentence("Split it into several queries"), node)
        yield from self.of_values(size.values, node)

    def of_comparisons(self, measure: DocumentMeasure, node: Node | None) -> list[GraphQLError]:
        """Whether a document has one field too often in one place, which validation takes long to compare."""
        found = measure.comparisons(_COMPARISONS)
        if found <= _COMPARISONS:
            return []
        what, remedy = term("pairs of fields of one name in one place"), sentence("Select each field once")
        return [exceeded("comparisons", what, found, _COMPARISONS, remedy, node)]

    def of_values(self, size: ValueSize, node: Node | None = None) -> list[GraphQLError]:
        """What is too large about values; empty if nothing is."""
        found = []
        if size.nesting > _NESTING:
            found.append(
                exceeded(
                    "nesting", term("levels in a value"), size.nesting, _NESTING, sentence("Ask in several steps"), node
                )
            )
        if size.digits > _DIGITS:
            found.append(
                exceeded("digits", term("digits in a number"), size.digits, _DIGITS, sentence("Write it shorter"), node)
            )
        if size.rows > self.rows:
            found.append(
                exceeded(
                    "maximum_batch_size",
                    term("rows"),
                    size.rows,
                    self.rows,
                    sentence("Send them in several requests"),
                    node,
                )
            )
        if size.conditions > self.conditions:
            found.append(
                exceeded(
                    "maximum_conditions",
                    term("conditions"),
                    size.conditions,
                    self.conditions,
                    sentence("Ask in several steps"),
                    node,
                )
            )
        most = self.values_beside(min(size.rows, self.rows))
        if size.values > most:
            found.append(
                exceeded(
                    "maximum_values", term("values"), size.values, most, sentence("Send them in several requests"), node
                )
            )
        return found

    def of_cost(self, cost: int, node: Node | None = None) -> GraphQLError:
        """The error of an answer that may be larger than `cost`."""
        said = {"cost": {"requested": min(cost, _MOST_SAID), "budget": self.cost}}
        remedy = sentence("Ask for smaller pages or fewer lists")
        return exceeded("maximum_cost", term("objects in its answer"), cost, self.cost, remedy, node, said)


def exceeded(
    limit: str,
    what: str,
    found: int,
    most: int,
    remedy: str,
    node: Node | None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> GraphQLError:
    """The error of a request that has more of something than it may.

    Args:
        limit: the setting that says how many, or what has none.
        what: as people say it.
        found: how many there are.
        most: how many there may be.
        remedy: what to do, without a full stop.
        node: where.
        more: what clients are told besides.
    """
    said = found if found <= _MOST_SAID else sentence("more than {most}", most=_MOST_SAID)
    extensions = {"code": LIMIT_EXCEEDED, "limit": limit, **more}
    message = sentence(
        "the query has {said} {what}; at most {most} are allowed. {remedy}",
        said=said,
        what=what,
        most=most,
        remedy=remedy,
    )
    return GraphQLError(message, node, extensions=extensions)
