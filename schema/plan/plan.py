"""Plans: a root field as SQL, the values it takes, and the gaps in its answer that SQL alone does not fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError, Node

from core.base.errors import GuanxiError, InputError
from schema.catalog.catalog import CatalogField
from schema.sql.binds import Bind, Moment
from schema.sql.selections import Selection

#: A way through an answer: keys, and EACH for every item of a list.
Path = tuple[str, ...]
EACH = "*"

#: Hidden keys under which an object that lacks something related tells its type and its id.
TYPE_KEY = "$type"
#: And the one under which an object tells whether its personal data was erased.
ERASED_KEY = "$erased"
ID_KEY = "$id"
#: The key under which a statement of its own says which object each of its items belongs to.
OF_KEY = "$of"


@dataclass(frozen=True, slots=True)
class Gap:
    """A field to be filled in afterwards.

    Attributes:
        path: way from the root field's value to the objects that have the field.
        key: under which it is answered.
        record: name of the record it is on; below an interface a path leads to records of several types.
    """

    path: Path
    key: str
    record: str


@dataclass(frozen=True, slots=True)
class Fill(Gap):
    """A Python field.

    Attributes:
        number: of its places in the answer, which hold what it is made from.
        field: the field.
        selection: what is selected of it.
    """

    number: int
    field: CatalogField
    selection: Selection

    @property
    def place(self) -> str:
        """Its name in errors."""
        return f"field {self.record}.{self.field.name}"


@dataclass(frozen=True, slots=True)
class Refusal(Gap):
    """A field whose arguments are not valid, or that the caller may not see: null, with an error at each place.

    Attributes:
        error: why.
        mark: the hidden key under which an object tells whether it is so with it; None if it is so with all.
    """

    error: GuanxiError
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Branch(Gap):
    """Something related that is read by a statement of its own, for all objects at once."""

    plan: "Plan"


@dataclass(frozen=True, slots=True)
class Plan:
    """One root field as SQL, with what its values are read from.

    Attributes:
        sql: the statement, in the driver's spelling of parameters.
        constants: the parameters in order, as far as they are the same for every request; None for the others.
        binds: the others, each with its places among them.
        checks: values that the statement does without, and that must be right all the same.
        gaps: what is to be filled into the answer; without any the answer is passed on as it came.
    """

    sql: str
    constants: Sequence[Any]
    binds: Sequence[tuple[Bind, Sequence[int]]]
    checks: Sequence[Bind] = ()
    gaps: Sequence[Gap] = ()

    def values(self, moment: Moment) -> list[Any]:
        """The parameters for one request.

        Raises:
            InputError: one is not valid.
        """
        for bind in self.checks:
            bind.read(moment)
        found = [*self.constants]
        for bind, places in self.binds:
            value = bind.read(moment)
            for place in places:
                found[place] = value
        return found

    def misfits(self, moment: Moment) -> dict[Path, InputError]:
        """What is wrong with values, by the place of the field whose arguments they are; the root's is empty."""
        found: dict[Path, InputError] = {}
        for bind in (*(bind for bind, _ in self.binds), *self.checks):
            try:
                bind.read(moment)
            except InputError as error:
                found.setdefault(bind.place, error)
        for gap in self.gaps:
            if isinstance(gap, Branch):
                # Where the branch has the list of its objects, this plan has the way to them.
                below = gap.plan.misfits(moment)
                found |= {(*gap.path, *place[1:]): error for place, error in below.items()}
        return found

    @property
    def weight(self) -> int:
        """The length of its statements: a measure of the memory it takes."""
        return len(self.sql) + sum(gap.plan.weight for gap in self.gaps if isinstance(gap, Branch))

    @property
    def has_branches(self) -> bool:
        """Whether statements of their own read a part of it."""
        return any(isinstance(gap, Branch) for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class Fault:
    """A gap that could not be filled: where, and the error that clients get."""

    path: tuple[str | int, ...]
    error: GuanxiError


def located(fault: Fault, nodes: Sequence[Node], way: Sequence[str | int]) -> GraphQLError:
    """A fault of a field's answer as an error of the request; `way` leads to the field."""
    return GraphQLError(fault.error.message, nodes, path=[*way, *fault.path], original_error=fault.error)


# Not frozen: one is made for each request, and to freeze it takes longer than to make it.
@dataclass(slots=True)
class Answer:
    """The result of a plan.

    Attributes:
        value: finished JSON as it came from the database, or decoded where gaps were filled; None for nothing.
        faults: gaps that could not be filled.
    """

    value: Any
    faults: Sequence[Fault] = ()

    def decoded(self) -> Any:
        """The value as Python objects."""
        return orjson.loads(self.value) if isinstance(self.value, bytes) else self.value

    @property
    def json(self) -> bytes:
        """The value as JSON."""
        return self.value if isinstance(self.value, bytes) else orjson.dumps(self.value)
