"""Operations of plugins: module-level functions that become root fields of an app's schema.

    @mutation
    def redeem_points(ctx: Context, input: RedeemPointsInput) -> Ref[Customer]:
        ...

The types they name are resolved for each app: a record class stands for the record's generated type.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Literal, TypeAlias, TypeVar, overload

from core.base.text import camel
from core.db.locks import EVERYTHING, Key

R = TypeVar("R")

#: The keys a mutation takes, from its input.
GetKeys: TypeAlias = Callable[[Any], Iterable[Key]]

#: A record in an operation's types: its class gives the type, and a record or its id the value.
Ref: TypeAlias = R | str

#: Metadata of a payload's field whose value is shown once, and null when a request is repeated with its key.
SHOWN_ONCE: Mapping[str, Any] = {"guanxi": "shown once"}


def _everything(input: Any) -> Iterable[Key]:
    return (EVERYTHING,)


@dataclass(frozen=True, slots=True)
class Named:
    """Names a generated type in an annotation: `Annotated[Mapping[str, Any], Named("CustomerWhere")]`.

    Attributes:
        name: of the type in the schema, such as `CustomerWhere`, `CustomerGroupKey` or another plugin's enumeration.
    """

    name: str


@dataclass(frozen=True, slots=True)
class PluginOperation:
    """A function that is a root field. It can still be called as the function it was.

    Attributes:
        root: the root type it is a field of.
        function: does it.
        as_plugin: a mutation is recorded as the plugin's work, whoever asks.
        locks: keys of the plugin that a mutation takes before it begins, from its input.
        permission: what the caller needs; None for nothing but the records that are named.
        unscoped: it reads and writes whatever it likes, so the caller needs the permission `unscoped`.
        public: anybody may do it, without a key.
    """

    root: Literal["Query", "Mutation"]
    function: Callable[..., Any]
    as_plugin: bool = False
    locks: GetKeys = _everything
    permission: str | None = None
    unscoped: bool = False
    public: bool = False

    @property
    def name(self) -> str:
        """Its name in the API."""
        return camel(self.function.__name__)

    @property
    def description(self) -> str:
        """The first paragraph of the function's docstring."""
        return first_paragraph(self.function.__doc__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function."""
        return self.function(*args, **kwargs)


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(re.split(r"\n\s*\n", cleandoc(text or ""))[0].split())


@overload
def query(function: Callable[..., Any], /) -> PluginOperation: ...
@overload
def query(
    *, permission: str | None = None, unscoped: bool = False, public: bool = False
) -> Callable[[Callable[..., Any]], PluginOperation]: ...
def query(
    function: Callable[..., Any] | None = None,
    /,
    *,
    permission: str | None = None,
    unscoped: bool = False,
    public: bool = False,
) -> PluginOperation | Callable[[Callable[..., Any]], PluginOperation]:
    """Declares a query: a function of `ctx` and its arguments, which reads one state of the data.

    Its docstring's first paragraph is its description, its annotations are the GraphQL types, and an argument is
    described by `Annotated[date, strawberry.argument(description="…")]`. An argument annotated `strawberry.Info` gets
    Strawberry's own account of the request and is not part of the schema.

    `ctx.query`, `total`, `groups` and `pages` see what the caller sees. `ctx.session` and `ctx.rows` see everything, so
    they are there only where the caller may see what the arguments name by id, or where the query is unscoped.

    Args:
        function: answers it.
        permission: what the caller needs.
        unscoped: it reads whatever it likes, so the caller needs the permission `unscoped`.
        public: anybody may ask it without a key, limited per address; see `mutation`.
    """

    def made(function: Callable[..., Any]) -> PluginOperation:
        return PluginOperation("Query", function, permission=permission, unscoped=unscoped, public=public)

    return made if function is None else made(function)


@overload
def mutation(function: Callable[..., Any], /) -> PluginOperation: ...
@overload
def mutation(
    *,
    as_plugin: bool = False,
    locks: GetKeys = ...,
    permission: str | None = None,
    unscoped: bool = False,
    public: bool = False,
) -> Callable[[Callable[..., Any]], PluginOperation]: ...
def mutation(
    function: Callable[..., Any] | None = None,
    /,
    *,
    as_plugin: bool = False,
    locks: GetKeys = _everything,
    permission: str | None = None,
    unscoped: bool = False,
    public: bool = False,
) -> PluginOperation | Callable[[Callable[..., Any]], PluginOperation]:
    """Declares a mutation: a function of `ctx` and an `Input`, which runs in one transaction.

    It returns a record, or a `Payload`. It refuses by raising `Reject`. The host takes care of `idempotencyKey`,
    `dryRun`, `userErrors` and `warnings`.

    Args:
        function: does it; its docstring's first paragraph is the description.
        as_plugin: what it writes is recorded as the plugin's work: for what anyone may do, such as answering by a
            token.
        locks: the keys of the plugin that it takes before it begins, from its input, as `lock_keys` returns them. By
            default the empty key, which excludes all others of the plugin; a mutation that returns none takes its own
            by `ctx.lock`, or needs none.
        permission: what the caller needs.
        unscoped: it works on whatever it likes, so the caller needs the permission `unscoped`. Without it the caller
            must be allowed to change what the input names by id, and a mutation whose input names nobody's record
            needs a permission of its own.
        public: anybody may do it without a key: what it takes must prove enough, such as a token that was sent to one
            person. Requests without a key are limited per address, and what they select of records is not shown.
    """

    def made(function: Callable[..., Any]) -> PluginOperation:
        return PluginOperation("Mutation", function, as_plugin, locks, permission, unscoped, public)

    return made if function is None else made(function)
