"""Every field of every record, as every role and some keys, on every path: who may see it gets it, nobody else does.

The matrix is made from the catalog, so that a plugin's records and fields are in it because they are there.
"""

import pytest

from core.access.permissions import DEFAULTS, IMPORT, Right
from core.base.actors import Actor, ActorKind
from core.base.errors import ForbiddenError
from core.db.engines import SQLITE
from core.records.vocabulary import UserRole
from guanxi import Facet, Field, Permission, Plugin, Record, RowRule, column, hookimpl, load_settings, reference
from guanxi.design import design
from guanxi.records import Customer, User
from plugins.credit_scoring import CreditScoring
from plugins.files import Files
from plugins.forecasting import Forecasting
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering
from plugins.webhooks import Webhooks
from schema.request.permits import AccessPermit, PermitPlans
from schema.write.draft_rights import forbidden_inputs
from tests.access.matrix import ENGINES, MOMENT, Matrix
from tests.access.paths import Paths


class Badges(Facet, of="Customer", plugin="badges"):
    colour: str | None = None


class Badge(Record, plugin="badges", prefix="bdg"):
    """A badge of a customer."""

    __order__ = (("number", False),)

    customer_id: str = reference(Customer, "Whose.", inverse="badges")
    owner_id: str | None = reference(User, "Who gave it.", inverse="badges", default=None)
    number: int = column("Its number.", permission="badges.see")
    note: str | None = column("A remark.", default=None, personal=True)


def initial(ctx, rows):
    return [row["note"][:1] if row["note"] else None for row in rows]


class Badging(Plugin):
    """A stranger's plugin: a record and fields for few, and a scope of rows."""

    name, version, api = "badges", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Badge]

    @hookimpl
    def register_fields(self):
        yield Field("Customer.colour", Badges.colour, "Its colour.", writable=True, permission="badges.see")
        yield Field("Badge.initial", python=initial, needs=["note"], type=str, description="How the remark begins.")

    @hookimpl
    def register_permissions(self):
        yield Permission("badges.see", "See badges.", [UserRole.DEPARTMENT_LEADER])
        yield RowRule("badges.mine", "Those one gave.", {"Badge": lambda row: row.owner_id == row.actor})


#: What keys leave of the permissions of an administrator.
KEYS = [
    {"personal"},
    {"Customer.read:own"},
    {"Badge.read:badges.mine", "Customer.read", "badges.see"},
]
ACTORS = [
    *(Actor(role.lower(), ActorKind.USER, role.value, DEFAULTS[role]) for role in UserRole),
    *(
        Actor("key", ActorKind.INTEGRATION, "ADMINISTRATOR", DEFAULTS[UserRole.ADMINISTRATOR], frozenset(key))
        for key in KEYS
    ),
]


def _name(actor):
    return " ".join([actor.id, *sorted(actor.narrowed_to or ())])


PLUGINS = (ValueTiering, CreditScoring, Files, Forecasting, SatisfactionSurveys, Webhooks, Badging)


@pytest.fixture(scope="module")
def app():
    return design(load_settings(), PLUGINS)


@pytest.fixture(scope="module")
def matrix(app):
    return Matrix(app, Paths(app.catalog, app.assemble().graphql))


def test_who_may_see_a_field_gets_it_on_every_path_and_nobody_else_does(matrix, record_property):
    matrix.check(ACTORS)
    record_property("cells", matrix.cells.total())
    record_property("plans", matrix.plans)
    assert not matrix.faults, "\n\n".join(matrix.faults[:3])
    assert matrix.cells.total() > 100_000
    for path in ("nested", "nested list", "node", "list filter", "aggregate filter", "relation group key", "having"):
        assert matrix.cells[path], path


@pytest.mark.parametrize("actor", ACTORS, ids=_name)
def test_events_leave_out_the_fields_that_one_may_not_see(app, matrix, actor):
    access = app.control.of(actor)
    rule = access.rows["Event"]
    for record in app.catalog.records.values():
        denied = [field.name for field in record.fields.values() if field.permission in access.denied]
        assert rule.fields[record.name] == denied
        assert (record.name in rule.hidden) == (record.name in access.hidden)
        assert record.name == "Event" or (record.name in rule.rows) == (record.name in access.rows)


def test_a_role_and_a_key_that_swap_their_permissions_are_two_accesses(app):
    """Plans are kept by access, so two that see different rows may not be equal."""
    wide, narrow = frozenset({"*.read:all", "*.read:own"}), frozenset({"Customer.read:own"})
    other, swapped = frozenset({"*.read:all", "Customer.read:own"}), frozenset({"*.read:own"})
    first, second = (
        app.control.of(Actor("key", ActorKind.INTEGRATION, None, *sets)) for sets in ((wide, narrow), (other, swapped))
    )
    assert first.hidden != second.hidden
    assert first != second


def test_a_list_is_in_no_order_of_a_field_that_one_may_not_see(app, matrix):
    text = "{ badges { edges { cursor } } }"
    partner, administrator = (
        app.control.of(Actor("u", ActorKind.USER, role.value, DEFAULTS[role]))
        for role in (UserRole.PARTNER, UserRole.ADMINISTRATOR)
    )
    for engine in ENGINES:
        assert "number" in matrix.plan(text, administrator, engine).plan.sql
        assert "number" not in matrix.plan(text, partner, engine).plan.sql.replace("row_number", "")


@pytest.mark.parametrize("actor", ACTORS, ids=_name)
def test_input_needs_what_its_field_and_its_record_need(app, matrix, actor):
    """Of create, update and upsert alike: what they set is checked by one function, and what they do by the mutation."""
    access = app.control.of(actor)
    permit = AccessPermit(PermitPlans(matrix.planner(SQLITE)), access, lambda ids: MOMENT)
    mutations = app.assemble().mutations
    for record in app.catalog.records.values():
        for field in record.input_fields:
            for name in (field.name, *([field.reference_name] if field.refers else [])):
                errors = forbidden_inputs(record, {name: None}, permit)
                assert [error.field for error in errors] == (
                    [(field.name,)] if field.permission in access.denied else []
                )
        for prefix, right in (("create", Right.CREATE), ("update", Right.CHANGE), ("destroy", Right.DESTROY)):
            mutation = mutations.get(f"{prefix}{record.name}")
            if mutation is None:
                continue
            if access.may(record.name, right):
                mutation.check(access)
            else:
                with pytest.raises(ForbiddenError):
                    mutation.check(access)
        upsert = mutations.get(f"upsert{record.plural_type}")
        if upsert is not None and IMPORT in access.denied:
            with pytest.raises(ForbiddenError):
                upsert.check(access)
