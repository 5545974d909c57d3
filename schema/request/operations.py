"""Operations of documents that were found to be valid, compiled once for each shape of variables and each access."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, get_variable_values
from graphql.utilities import type_from_ast

from core.base.errors import InputError
from schema.catalog.access import Access
from schema.plan.compiler import by_ids
from schema.plan.plan import Path, Plan
from schema.plan.planner import Planner
from schema.plan.statement import CompileRoot
from schema.request.coercion import Coercion, coerced_variables
from schema.request.costs import Cost, CostMeasure
from schema.request.document_parts import deciding, fields, nodes, used_below
from schema.request.introspection import is_introspection, normal_form
from schema.request.limits import Limits
from schema.request.recent import Recent
from schema.request.refusal import Refused
from schema.request.sizes import DocumentMeasure
from schema.request.values import ValueSize, VariableUse, nul_place
from schema.sql.binds import Moment
from schema.sql.selections import TYPENAME, Chosen, Document, Selection, chosen
from schema.sql.slots import open_variables, openers

T = TypeVar("T")

_VARIANTS = 64
_BY_IDS = 16
#: The types of containers in JSON.
_CONTAINERS = (dict, list)


@dataclass(slots=True)
class OperationResult:
    """The result of an executed operation.

    Attributes:
        data: as JSON.
        errors: of its fields.
        cost: what it cost, in objects; 0 if that is not known.
    """

    data: bytes
    errors: Sequence[GraphQLError] = ()
    cost: int = 0


@dataclass(frozen=True, slots=True)
class RootField:
    """One root field of an operation: how it is answered.

    Attributes:
        key: under which.
        name: of the field.
        details: where the document asks for it.
        nullable: whether it may be null.
        plan: its plan; None where it has none, and for `__typename`.
        error: why there is no plan of a field that is planned.
        typename: its value, if it is `__typename`.
    """

    key: str
    name: str
    details: Sequence[FieldDetails]
    nullable: bool
    plan: Plan | None = None
    error: InputError | None = None
    typename: bytes | None = None

    @property
    def is_planned(self) -> bool:
        """Whether a plan answers it, or why there is none is known."""
        return self.plan is not None or self.error is not None

    def check(self) -> None:
        """Looks whether it can be answered.

        Raises:
            InputError: it cannot be planned; the message says why.
        """
        if self.error is not None:
            raise self.error.bare()

    @property
    def nodes(self) -> list[FieldNode]:
        """Where the document asks for it."""
        return [detail.node for detail in self.details]


@dataclass(frozen=True, slots=True)
class Variation:
    """What one plan serves: variables of one shape, and one access."""

    shape: Hashable
    access: Access
    opened: VariableValues


class Variant:
    """An operation compiled for variables of one shape and one access.

    Attributes:
        cost: of its answer.
        asked: its root fields.
        is_planned: whether plans answer all of it.
        weight: of all plans that it keeps.
    """

    def __init__(self, operation: "Operation", variation: Variation) -> None:
        self._operation = operation
        self._access = variation.access
        self.weight = 0
        self.cost = operation.cost(variation.opened)
        self._document = operation.opened(variation.opened)
        self.asked = {asked.key: asked for asked in self._compiled()}
        self.is_planned = all(asked.is_planned or asked.typename for asked in self.asked.values())
        self._by_ids: Recent[Plan] = Recent(_BY_IDS)
        self._shapes: dict[str, Any] = {}

    def _compiled(self) -> list[RootField]:
        root = self._operation.root
        document = self._document
        grouped = collect_fields(
            document.schema, document.fragments, document.variables, root, document.operation
        ).grouped_field_set
        return [self._asked(root, key, details) for key, details in grouped.items()]

    def _asked(self, root: GraphQLObjectType, key: str, details: Sequence[FieldDetails]) -> RootField:
        name = details[0].node.name.value
        if name == TYPENAME:
            return RootField(key, name, details, nullable=False, typename=f'"{root.name}"'.encode())
        definition = self._document.schema.get_field(root, name)
        nullable = definition is not None and not is_non_null_type(definition.type)
        compile_root = self._operation.planned.get(name)
        if compile_root is None:
            return RootField(key, name, details, nullable)
        try:
            field = chosen(self._document, root, key, details)
            plan = self._operation.planner.plan(compile_root, field, self._access)
            self.weight += plan.weight
            return RootField(key, name, details, nullable, plan)
        except InputError as error:
            return RootField(key, name, details, nullable, error=error.bare())

    def again(self, key: str, refused: Mapping[Path, InputError]) -> Plan:
        """The plan of a root field without fields below it whose arguments are not valid."""
        operation, details = self._operation, self.asked[key].details
        field = chosen(self._document, operation.root, key, details)
        return operation.planner.plan(operation.planned[field.name], field, self._access, refused)

    def plan(self, key: str, compile_root: CompileRoot) -> Plan:
        """The plan of something else than a root field's answer, by the arguments of that field.

        Raises:
            InputError: they are not valid.
        """
        field = chosen(self._document, self._operation.root, key, self.asked[key].details)
        return self._operation.planner.plan(compile_root, field, self._access)

    def known_shape(self, key: str) -> Any:
        """What was made already of what is selected of a root field that no plan answers; None if nothing was."""
        return self._shapes.get(key)

    def shape(self, key: str, make: Callable[[Selection], T]) -> T:
        """What is selected of a root field that no plan answers, as something made of it once."""
        if key not in self._shapes:
            before = self.weight
            self._shapes[key] = make(Selection(self._document, self.asked[key].details))
            self._operation.on_growth(self.weight - before)
        found: T = self._shapes[key]
        return found

    def by_ids(self, record: str, nodes: tuple[FieldNode, ...], moment: Moment) -> Plan:
        """The plan that reads by their ids records that a query of a plugin gives, kept.

        Raises:
            InputError: an argument of what is selected of them is not valid.
        """
        plan = self._by_ids.find((record, nodes))
        if plan is None:
            plan = self._by_ids.keep((record, nodes), self.plan_by_ids(record, nodes, is_single=False))
            self._operation.on_growth(plan.weight)
        misfits = plan.misfits(moment)
        if misfits:
            plan = self.plan_by_ids(record, nodes, misfits, is_single=False)
        return plan

    def known_by_ids(self, record: str, nodes: tuple[FieldNode, ...], moment: Moment) -> Plan | None:
        """The same if nothing has to be compiled for it."""
        plan = self._by_ids.find((record, nodes))
        return None if plan is None or plan.misfits(moment) else plan

    def plan_by_ids(
        self,
        record: str,
        nodes: tuple[FieldNode, ...],
        refused: Mapping[Path, InputError] | None = None,
        *,
        is_single: bool,
    ) -> Plan:
        """The plan itself, made anew, to be kept; or, not to be kept, without fields whose arguments are not valid.

        Args:
            record: what is read.
            nodes: where the document asks for it.
            refused: what is wrong with the arguments of fields below it, by their places.
            is_single: there is one of them.

        Raises:
            InputError: what is selected cannot be read.
        """
        planner = self._operation.planner
        details = [FieldDetails(node, None, None) for node in nodes]
        field = Chosen(record, record, {}, Selection(self._document, details))
        plan = planner.plan(by_ids(planner.catalog.records[record], is_single=is_single), field, self._access, refused)
        if refused is None:
            self.weight += plan.weight
        return plan


class Operation:
    """One operation of a document that was found to be valid.

    Attributes:
        document: the document it is in.
        node: the operation.
        root: its root type.
        planned: the root fields of that type that plans answer.
        is_introspection: whether it asks about the schema alone.
        kind: query, mutation, subscription or introspection.
        literals: the size of its values that are no variables, defaults included.
        on_growth: called with the weight of plans that are kept from now on.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        planner: Planner,
        coercion: Coercion,
        limits: Limits,
        document: DocumentNode,
        node: OperationDefinitionNode,
        measure: DocumentMeasure,
        on_growth: Callable[[int], None],
    ) -> None:
        self.on_growth = on_growth
        self.document = document
        self.node = node
        self.name = node.name.value if node.name else None
        self.planner = planner
        self.is_query = node.operation is OperationType.QUERY
        self.is_mutation = node.operation is OperationType.MUTATION
        root = schema.get_root_type(node.operation)
        assert root is not None
        self.root: GraphQLObjectType = root
        self.is_introspection = is_introspection(document, node)
        self.kind = "introspection" if self.is_introspection else node.operation.value
        self.is_subscription = node.operation is OperationType.SUBSCRIPTION
        self.planned: Mapping[str, CompileRoot] = (
            planner.roots if self.is_query else planner.streams if self.is_subscription else {}
        )
        self._schema = schema
        self._definitions = node.variable_definitions or ()
        used = used_below(document) if self.is_mutation else None
        kinds: dict[str, Any] = {
            definition.variable.name.value: type_from_ast(schema, definition.type)
            for definition in self._definitions
            if used is None or definition.variable.name.value in used
        }
        self._openers = openers(kinds, *(deciding(document) if kinds else ((), ())))
        self._fragments = {
            part.name.value: FragmentDetails(part, None)
            for part in document.definitions
            if isinstance(part, FragmentDefinitionNode)
        }
        found = [get_variable_signature(schema, definition) for definition in self._definitions]
        signatures = [one for one in found if isinstance(one, GraphQLVariableSignature)]
        # None where graphql-core has to say what is wrong with a declaration.
        self._coercions = coercion.prepare(signatures) if len(signatures) == len(found) else None
        self._limits, self._largest = limits, limits.largest_value
        self.literals, uses = measure.operation(node)
        # By variable, for most requests have nothing to measure of any of them.
        self._uses: dict[str, list[tuple[VariableUse, int]]] = {}
        for use, often in uses.items():
            self._uses.setdefault(use.name, []).append((use, often))
        self._variants: Recent[Variant] = Recent(_VARIANTS)

    def size(self, given: Mapping[str, Any]) -> ValueSize:
        """The size of all values of a request with these variables, which may hold anything.

        Raises:
            Refused: it is more than one request may have.
        """
        size = self.literals
        for name, uses in self._uses.items():
            value = given.get(name)
            if type(value) in _CONTAINERS:
                size = size.with_variable(value, uses, self._largest)
        if size is not self.literals and (errors := self._limits.of_values(size)):
            raise Refused(errors)
        return size

    def cost(self, opened: VariableValues) -> Cost:
        """The cost of its answer with variables of a shape."""
        return CostMeasure(self._schema, self._fragments, self._limits, opened.coerced).operation(self.node)

    def check_cost(self, cost: int) -> None:
        """Refuses what costs too much.

        Raises:
            Refused: it does.
        """
        if cost > self._limits.cost:
            raise Refused([self._limits.of_cost(cost, self.node)])

    def variables(self, given: Mapping[str, Any]) -> VariableValues:
        """The variables of a request.

        Raises:
            Refused: they are not as the operation declares them.
        """
        values: Any = None if self._coercions is None else coerced_variables(self._coercions, given)
        if values is None:
            values = get_variable_values(self._schema, self._definitions, dict(given))
        if isinstance(values, VariableValues):
            return values
        raise Refused(values)

    @cached_property
    def has_nul(self) -> bool:
        """Whether a text in its document has the character U+0000, which no database stores."""
        return any(
            isinstance(node, StringValueNode) and nul_place(node.value) is not None for node in nodes(self.document)
        )

    @cached_property
    def asks_about_schema(self) -> bool:
        """Whether any part of its document asks about the schema."""
        asked = ("__schema", "__type")
        return self.is_introspection or any(field.name.value in asked for field in fields(self.document))

    @cached_property
    def root_fields(self) -> Sequence[str]:
        """The names of its root fields, as far as no fragment hides them."""
        selected = self.node.selection_set.selections
        return [field.name.value for field in selected if isinstance(field, FieldNode)]

    @cached_property
    def normal_form(self) -> str:
        """Its text, the same for documents that differ in layout and name alone."""
        return normal_form(self.document, self.node)

    def variant(self, values: VariableValues, access: Access) -> Variant:
        """The operation compiled for variables of this shape and this access."""
        found = self.known(values, access)
        return self.compiled(found) if isinstance(found, Variation) else found

    def known(self, values: VariableValues, access: Access) -> Variant | Variation:
        """The same if it was compiled before and is kept; else what is to be compiled."""
        opened, shape = open_variables(self._openers, values.coerced)
        return self._variants.find((shape, access)) or Variation(shape, access, VariableValues(values.sources, opened))

    def compiled(self, variation: Variation) -> Variant:
        """The operation compiled for one shape of variables and one access, unless it is kept."""
        key = (variation.shape, variation.access)
        found = self._variants.find(key)
        if found is None:
            found = self._variants.keep(key, Variant(self, variation))
            self.on_growth(found.weight)
        return found

    def trim(self, most: int) -> int:
        """Lets go of variants until the plans of the rest weigh no more than so much; returns what they weigh."""
        return self._variants.trim(lambda variant: variant.weight, most)

    def opened(self, variables: VariableValues) -> Document:
        """What its selections share, with its variables open."""
        return Document(self._schema, self._fragments, self.node, variables)
