"""What the host refuses when an app is built, each with a message that names the plugin, the place and the remedy."""

import inspect
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import pytest
import strawberry
from pydantic import BaseModel, model_validator
from pydantic import Field as Setting

from core.crm.customers import Customer
from guanxi import (
    ConfigurationError,
    Facet,
    Field,
    Input,
    Money,
    Named,
    Payload,
    Plugin,
    PluginError,
    PluginOperation,
    Record,
    Table,
    Vocabulary,
    column,
    create_app,
    hookimpl,
    load_settings,
    mutation,
    one_living,
    query,
    reference,
)


def plugin(name: str, **attributes: Any) -> type[Plugin]:
    """A plugin of that name with these attributes and hooks."""
    return type(
        name.title().replace("_", ""), (Plugin,), {"name": name, "version": "1.0", "api": ">=1,<2"} | attributes
    )


def offering(hook: str, *declared: Any) -> Any:
    """A registration hook that gives these declarations."""

    def give(self: Any) -> Any:
        return declared

    give.__name__ = hook
    return hookimpl(give)


def with_fields(name: str, *fields: Field, **attributes: Any) -> type[Plugin]:
    return plugin(name, register_fields=offering("register_fields", *fields), **attributes)


def build(*plugins: Any, **settings: Any) -> Any:
    return create_app(load_settings(database_url="sqlite:///unused.db", **settings), plugins)


def refusal(*plugins: Any, **settings: Any) -> str:
    """The message with which an app of these plugins, or its schema, is refused."""
    with pytest.raises(PluginError) as caught:
        _ = build(*plugins, **settings).assembled
    return caught.value.message


def number(path: str, **options: Any) -> Field:
    return Field(path, lambda row: row.employee_count, "A number.", int, **options)


# Data


@pytest.mark.parametrize(("missing", "example"), [("name", '"loyalty"'), ("version", '"1.0"'), ("api", '">=1,<2"')])
def test_a_plugin_without_name_version_or_range_is_told_what_to_write(missing, example):
    given = {"name": "alpha", "version": "1.0", "api": ">=1,<2"}
    del given[missing]
    owner = "Incomplete" if missing == "name" else "alpha"
    found = refusal(type("Incomplete", (Plugin,), given))
    assert found == f"plugin '{owner}', {missing}: is not set; write for example {missing} = {example}"


@pytest.mark.parametrize("name", ["Alpha", "alpha-beta", "a", "core", "1st", ""])
def test_a_name_that_cannot_be_a_prefix_of_tables_is_refused(name):
    assert refusal(plugin(name)).endswith("name: must be snake case, two letters or more, and not 'core'")


def test_a_wrong_contract_range_names_both_versions():
    assert refusal(plugin("alpha", api=">=2,<3")) == (
        "plugin 'alpha', api: it was written for contract >=2,<3, and this is contract 1.0; install a version that fits"
    )


def test_a_bad_range_shows_a_good_one():
    assert refusal(plugin("alpha", api="one or two")) == (
        "plugin 'alpha', api: 'one or two' is not a version range; write '>=1,<2'"
    )


def test_what_is_no_plugin_is_refused():
    class Thing:
        name = "thing"

    assert refusal(Thing) == (f"plugin 'thing', declaration: {Thing!r} is not a subclass of guanxi.Plugin; name one")
    assert refusal(3).endswith("3 is not a subclass of guanxi.Plugin; name one")


def test_a_plugin_that_cannot_be_made_is_named():
    class Alpha(Plugin):
        name, version, api = "alpha", "1.0", ">=1,<2"

        def __init__(self):
            raise OSError("no licence file")

    assert refusal(Alpha) == ("plugin 'alpha', declaration: OSError: no licence file. Fix it or leave the plugin out")


def test_two_plugins_of_one_name_are_refused():
    assert refusal(plugin("alpha"), plugin("alpha")) == ("plugin 'alpha', name: two plugins have it; leave one out")


def test_a_missing_requirement_is_named():
    assert refusal(plugin("alpha", requires=["beta"])) == (
        "plugin 'alpha', requires: plugin 'beta' is not installed; install it"
    )


def test_a_contradictory_order_names_only_those_who_contradict():
    found = refusal(
        plugin("alpha", after=["gamma"]),
        plugin("beta", after=["alpha"]),
        plugin("gamma", after=["alpha"]),
        plugin("delta"),
    )
    assert found == (
        "plugin 'alpha', order: the order of alpha, gamma contradicts itself: "
        "alpha after gamma, gamma after alpha; remove one of these"
    )


def test_a_text_where_names_are_listed_is_refused():
    assert refusal(plugin("alpha", after="beta")) == (
        "plugin 'alpha', after: 'beta' is not a list of names; write after = (\"beta\",)"
    )
    assert refusal(plugin("alpha", reacts_to="Task")) == (
        "plugin 'alpha', reacts_to: 'Task' is not a list of names; write reacts_to = (\"Task\",)"
    )


def test_a_record_that_does_not_exist_is_not_reacted_to():
    assert refusal(plugin("alpha", reacts_to=["Task", "Tusk"])) == (
        "plugin 'alpha', reacts_to: there is no record 'Tusk'; write for example 'Customer'"
    )


# Hooks


def test_a_misspelt_hook_is_refused_with_the_hook_it_may_mean():
    class Alpha(Plugin):
        name, version, api = "alpha", "1.0", ">=1,<2"

        @hookimpl
        def before_comit(self, ctx, changes):
            """Never called."""

    assert refusal(Alpha).startswith("plugin 'alpha', before_comit: there is no such hook; did you mean before_commit?")


def test_a_hook_without_the_mark_is_refused():
    class Alpha(Plugin):
        name, version, api = "alpha", "1.0", ">=1,<2"

        def validate(self, ctx, changes):
            """Never called."""

    assert refusal(Alpha) == "plugin 'alpha', validate: has the name of a hook but is not marked; put @hookimpl on it"


def test_an_argument_that_no_hook_has_is_refused_with_those_it_has():
    class Alpha(Plugin):
        name, version, api = "alpha", "1.0", ">=1,<2"

        @hookimpl
        def validate(self, context, changes):
            """Never called."""

    assert refusal(Alpha) == "plugin 'alpha', validate: takes no argument context; available: ctx, changes"


@pytest.mark.parametrize("option", ["tryfirst", "trylast", "wrapper", "hookwrapper", "optionalhook"])
def test_options_of_the_mark_are_refused(option):
    def validate(self, ctx, changes):
        yield

    found = refusal(plugin("alpha", validate=hookimpl(**{option: True})(validate)))
    assert found == (
        f"plugin 'alpha', validate: @hookimpl({option}=True) is not possible; plugins are ordered by `after` and `before`"
    )


def test_a_hook_under_another_name_is_refused():
    def check(self, ctx, changes):
        """Never called."""

    assert refusal(plugin("alpha", check=hookimpl(specname="validate")(check))).startswith(
        "plugin 'alpha', check: @hookimpl(specname='validate') is not possible"
    )


@pytest.mark.parametrize("hook", ["register_fields", "validate", "before_commit"])
def test_a_hook_that_cannot_wait_must_not_be_async(hook):
    async def waits(self):
        """Never called."""

    waits.__name__ = hook
    assert refusal(plugin("alpha", **{hook: hookimpl(waits)})) == (
        f"plugin 'alpha', {hook}: must not be async; only startup, shutdown, actor, after_commit, send, purge may be"
    )


@pytest.mark.parametrize("hook", ["startup", "shutdown", "after_commit", "erase"])
def test_a_hook_that_returns_nothing_must_not_yield(hook):
    def yields(self):
        yield

    yields.__name__ = hook
    assert refusal(plugin("alpha", **{hook: hookimpl(yields)})) == (
        f"plugin 'alpha', {hook}: must not yield; the host would never resume it"
    )


def test_a_failing_registration_hook_is_named():
    class Alpha(Plugin):
        name, version, api = "alpha", "1.0", ">=1,<2"

        @hookimpl
        def register_fields(self):
            yield number("Customer.alphaFirst")
            raise KeyError("colour")

    assert refusal(Alpha) == ("plugin 'alpha', register_fields: KeyError: 'colour'. Fix it or leave the plugin out")


# Settings


class Levels(BaseModel):
    gold_from: int = 1000
    api_key: str = Setting(default="", alias="apiKey")


class Token(BaseModel):
    token: str

    @model_validator(mode="after")
    def long_enough(self) -> "Token":
        if len(self.token) < 3:
            raise ValueError("the token is too short")
        return self


def test_a_bad_setting_is_named_by_its_environment_variable(monkeypatch):
    monkeypatch.setenv("GUANXI_PLUGINS__ALPHA__GOLD_FROM", "many")
    found = refusal(plugin("alpha", settings=Levels))
    assert found.startswith(
        "plugin 'alpha', settings: GUANXI_PLUGINS__ALPHA__GOLD_FROM='many': it must be a whole number"
    )


def test_a_setting_of_the_environment_reaches_its_plugin(monkeypatch):
    monkeypatch.setenv("GUANXI_PLUGINS__ALPHA__GOLD_FROM", "500")
    assert build(plugin("alpha", settings=Levels)).host.settings["alpha"].gold_from == 500


class Shares(BaseModel):
    shares: dict[str, int] = {}
    names: list[str] = []
    word: str = ""


def test_a_setting_with_parts_is_written_as_json(monkeypatch):
    monkeypatch.setenv("GUANXI_PLUGINS__ALPHA__SHARES", '{"gold": 20, "silver": 80}')
    monkeypatch.setenv("GUANXI_PLUGINS__ALPHA__NAMES", '["a", "b"]')
    monkeypatch.setenv("GUANXI_PLUGINS__ALPHA__WORD", "[curly")
    settings = build(plugin("alpha", settings=Shares)).host.settings["alpha"]
    assert settings == Shares(shares={"gold": 20, "silver": 80}, names=["a", "b"], word="[curly")


def test_a_missing_setting_is_named_by_its_environment_variable():
    assert refusal(plugin("alpha", settings=Token)) == (
        "plugin 'alpha', settings: GUANXI_PLUGINS__ALPHA__TOKEN is not set"
    )


def test_settings_that_do_not_go_together_say_so():
    assert refusal(plugin("alpha", settings=Token), plugins={"alpha": {"token": "x"}}) == (
        "plugin 'alpha', settings: GUANXI_PLUGINS__ALPHA__…: the token is too short"
    )


def test_a_misspelt_setting_is_refused():
    assert refusal(plugin("alpha", settings=Levels), plugins={"alpha": {"gold_form": 5}}) == (
        "plugin 'alpha', settings: GUANXI_PLUGINS__ALPHA__GOLD_FORM is not a setting of it; available: gold_from, apiKey"
    )


def test_a_setting_of_a_plugin_that_takes_none_is_refused():
    assert refusal(plugin("alpha"), plugins={"alpha": {"level": 1}}) == (
        "plugin 'alpha', settings: GUANXI_PLUGINS__ALPHA__LEVEL is set, but it takes none"
    )


def test_settings_of_an_unknown_plugin_are_refused():
    assert refusal(plugin("alpha"), plugins={"alhpa": {"level": 1}}) == (
        "plugin 'alhpa', settings: GUANXI_PLUGINS__ALHPA__… is set, but no such plugin is loaded; available: alpha"
    )


def test_an_app_without_plugins_does_not_mind_settings_of_any():
    assert build(plugins={"alpha": {"level": 1}}).host.plugins == ()


# Fields


def test_a_field_may_not_take_a_name_of_the_core():
    assert refusal(with_fields("alpha", number("Customer.name"))) == (
        "plugin 'alpha', field Customer.name: core has a field of that name already; choose another name"
    )


@pytest.mark.parametrize("name", ["tags", "externalIds", "owner", "contacts", "contactsAggregate", "isStale", "id"])
def test_nor_of_what_else_can_be_selected_of_a_record(name):
    assert "core has a field of that name already" in refusal(with_fields("alpha", number(f"Customer.{name}")))


def test_two_plugins_may_not_take_one_name():
    found = refusal(with_fields("alpha", number("Customer.score")), with_fields("beta", number("Customer.score")))
    assert found == "plugin 'beta', field Customer.score: alpha has a field of that name already; choose another name"


@pytest.mark.parametrize("name", ["and", "or", "not", "idempotencyKey", "expectedVersion", "ownerExternalId"])
def test_a_field_may_not_take_a_name_that_inputs_use(name):
    assert refusal(with_fields("alpha", number(f"Customer.{name}"))) == (
        f"plugin 'alpha', field Customer.{name}: inputs of Customer use that name; choose another name"
    )


@pytest.mark.parametrize("path", ["Opportunity.reason", "Task.at", "Interaction.followUp", "Customer.dryRun"])
def test_what_is_said_with_a_change_may_not_take_a_name_that_inputs_use(path):
    said = Field(path, type=str, description="A word.", writable=True)
    assert refusal(with_fields("alpha", said)).endswith("use that name; choose another name")


def test_what_is_said_with_a_change_needs_its_type_and_a_name_of_its_own():
    untyped = Field("Customer.word", description="A word.", writable=True)
    assert "field Customer.word: needs its type, such as type=int" in refusal(with_fields("alpha", untyped))
    word = Field("Customer.word", type=str, description="A word.", writable=True)
    found = refusal(with_fields("alpha", word), with_fields("beta", number("Customer.word")))
    assert found == "plugin 'beta', field Customer.word: alpha has a field of that name already; choose another name"


@pytest.mark.parametrize("name", ["Score", "credit_score", "credit-score", "__typename", "2nd", "a.b"])
def test_a_name_that_is_not_camel_case_is_refused(name):
    assert refusal(with_fields("alpha", number(f"Customer.{name}"))) == (
        f"plugin 'alpha', field Customer.{name}: must be named in camel case, as in Customer.loyaltyPoints"
    )


def test_a_field_of_an_unknown_record_lists_those_there_are():
    found = refusal(with_fields("alpha", number("Client.score")))
    assert found.startswith(
        "plugin 'alpha', field Client.score: there is no record 'Client'; available: AccountTeamMember, ApiKey, "
    )


def test_a_non_null_field_is_refused():
    assert refusal(with_fields("alpha", number("Customer.score", non_null=True))) == (
        "plugin 'alpha', field Customer.score: a plugin's field must be nullable, so that it cannot take its record "
        "with it; leave out non_null"
    )


def test_a_field_is_sql_or_python():
    neither = Field("Customer.score", description="A number.", type=int)
    both = number("Customer.score", python=lambda ctx, rows: [])
    for field in (neither, both):
        assert refusal(with_fields("alpha", field)) == (
            "plugin 'alpha', field Customer.score: give either sql or python; or neither, and writable=True for an input "
            "that nothing stores"
        )


def test_a_field_without_description_is_refused():
    assert refusal(with_fields("alpha", Field("Customer.score", lambda row: row.employee_count, type=int))) == (
        "plugin 'alpha', field Customer.score: has no description; say in one sentence what it means"
    )


def test_an_expression_needs_its_type():
    assert refusal(with_fields("alpha", Field("Customer.score", lambda row: row.employee_count, "A number."))) == (
        "plugin 'alpha', field Customer.score: needs its type, such as type=int, because an expression does not reveal it"
    )


def test_a_python_field_needs_its_type_and_is_output_only():
    untyped = Field("Customer.score", python=lambda ctx, rows: [], description="A number.")
    assert refusal(with_fields("alpha", untyped)).endswith("a Python field needs its type, such as type=str")
    writable = Field("Customer.score", python=lambda ctx, rows: [], description="A number.", type=int, writable=True)
    assert refusal(with_fields("alpha", writable)).endswith("a Python field is output only; leave out writable")


def test_an_expression_is_not_writable():
    assert refusal(with_fields("alpha", number("Customer.score", writable=True))).endswith(
        "only a facet's column is writable; give sql=Facet.column"
    )


def test_a_type_that_no_field_can_have_lists_those_there_are():
    found = refusal(with_fields("alpha", Field("Customer.score", lambda row: row.id, "A number.", float)))
    assert found.startswith(
        "plugin 'alpha', field Customer.score: <class 'float'> is not a type of a field; available: str, bool, int"
    )


def test_a_python_field_that_needs_what_is_no_sql_field_is_refused():
    label = Field("Customer.label", python=lambda ctx, rows: [], description="A word.", type=str, needs=["colour"])
    assert refusal(with_fields("alpha", label)) == (
        "plugin 'alpha', field Customer.label: needs 'colour', which is not an SQL field of Customer"
    )


def test_an_expression_that_names_no_column_is_refused_at_start():
    found = refusal(with_fields("alpha", Field("Customer.score", lambda row: row.employe_count, "A number.", int)))
    assert found.startswith(
        "plugin 'alpha', field Customer.score: AttributeError: Customer has no column 'employe_count'; it has account_rel"
    )


def test_an_expression_that_gives_no_expression_is_refused_at_start():
    assert refusal(with_fields("alpha", Field("Customer.score", lambda row: 3, "A number.", int))) == (
        "plugin 'alpha', field Customer.score: gives 3, which is not an SQL expression; wrap a constant in sqlalchemy.literal"
    )
    amount = Field("Customer.worth", lambda row: row.employee_count, "An amount.", Money)
    assert refusal(with_fields("alpha", amount)).endswith(
        "write for example MoneyExpression(minor, literal(reporting_currency), minor)"
    )


def test_fields_that_read_each_other_in_a_circle_are_refused():
    fields = (
        Field("Customer.first", lambda row: row.other("Customer.second", int), "A number.", int),
        Field("Customer.second", lambda row: row.other("Customer.first", int), "A number.", int),
    )
    assert refusal(with_fields("alpha", *fields)) == (
        "plugin 'alpha', field Customer.first: refers to itself in a cycle"
    )


def test_another_field_is_asked_of_its_own_record():
    asked = Field("Opportunity.score", lambda row: row.other("Customer.score", int), "A number.", int)
    assert refusal(with_fields("alpha", asked)) == (
        "plugin 'alpha', field Opportunity.score: Customer.score is asked of a row of Opportunity; "
        'go there first, as in row.to("customer").other(…)'
    )


def test_what_is_no_declaration_is_refused():
    assert refusal(plugin("alpha", register_fields=offering("register_fields", "Customer.score"))) == (
        "plugin 'alpha', register_fields: 'Customer.score' is not a guanxi.Field"
    )
    assert refusal(plugin("alpha", register_records=offering("register_records", Customer))) == (
        "plugin 'alpha', record Customer: is declared for 'core'; write plugin='alpha'"
    )
    assert refusal(plugin("alpha", register_records=offering("register_records", "Invoice"))) == (
        "plugin 'alpha', register_records: 'Invoice' is not a subclass of guanxi.Record"
    )


def test_a_hook_that_gives_no_list_is_refused():
    class Alpha(Plugin):
        name, version, api = "alpha", "1.0", ">=1,<2"

        @hookimpl
        def register_fields(self):
            return number("Customer.score")

    assert refusal(Alpha).startswith("plugin 'alpha', register_fields: returned Field(path='Customer.score'")
    assert refusal(Alpha).endswith("which is not a list; write [...] around it, or yield")


# Names of records, enumerations, types, operations and events


class RefusedInvoice(Record, plugin="alpha", prefix="rin"):
    """An invoice."""

    number: str = column("Its number.")


def of_records(name: str, *records: Any, **attributes: Any) -> type[Plugin]:
    return plugin(name, register_records=offering("register_records", *records), **attributes)


def test_a_record_takes_no_name_and_no_prefix_of_another():
    with pytest.raises(TypeError) as caught:

        class Customer(Record, plugin="alpha", prefix="rcu"):
            """Not the core's."""

    assert str(caught.value) == (
        "record Customer of 'alpha' and record Customer of 'core' have the same name; choose another"
    )
    with pytest.raises(TypeError) as caught:

        class RefusedClient(Record, plugin="alpha", prefix="cus"):
            """Not the core's."""

    assert str(caught.value) == (
        "record RefusedClient of 'alpha' and record Customer of 'core' have the same id prefix 'cus'; choose another"
    )


@pytest.mark.parametrize("prefix", ["x", "two_words", "Upper", "evt"])
def test_a_prefix_that_ids_cannot_have_is_refused(prefix):
    with pytest.raises(TypeError) as caught:
        type(Record)("RefusedThing", (Record,), {"__module__": __name__}, plugin="alpha", prefix=prefix)
    assert str(caught.value) == (
        f"record RefusedThing of 'alpha': the id prefix {prefix!r} is not possible; use three to twelve lower-case letters"
        + (", but not evt, which events have" if prefix == "evt" else "")
    )


def test_one_record_is_registered_once():
    assert refusal(of_records("alpha", RefusedInvoice, RefusedInvoice)) == (
        "plugin 'alpha', record RefusedInvoice: alpha has a record of that name already; choose another"
    )


class Customers(Record, plugin="alpha", prefix="rcs"):
    """Its query for one is the core's for many."""


class Viewer(Record, plugin="alpha", prefix="rvi"):
    """Its query is the core's."""


class Event(Record, plugin="alpha", prefix="rev"):
    """Its name is the log's."""


class Query(Record, plugin="alpha", prefix="rqu"):
    """Its name is the root's."""


class MoneyInput(Record, plugin="alpha", prefix="rmi"):
    """Its name is a type of the core's."""


def test_a_record_takes_no_query_and_no_type_of_another():
    assert refusal(of_records("alpha", Customers)) == (
        "plugin 'alpha', record Customers: makes the query customers, which Customer of core makes too; choose another name"
    )
    for taken in (Viewer, Event, Query):
        assert refusal(of_records("alpha", taken)) == (
            f"plugin 'alpha', record {taken.__name__}: the core uses that name itself; choose another"
        )
    assert refusal(of_records("alpha", MoneyInput)) == (
        "plugin 'alpha', record MoneyInput: two types are named MoneyInput; "
        "rename the record, enumeration or operation that makes one"
    )


class small_invoice(Record, plugin="alpha", prefix="rsi"):  # noqa: N801
    """Its name is not a type's."""


def test_a_record_is_named_in_pascal_case():
    assert refusal(of_records("alpha", small_invoice)) == (
        "plugin 'alpha', record small_invoice: must be named in Pascal case, as in LoyaltyCard"
    )


class RefusedTagged(Record, plugin="alpha", prefix="rta"):
    """It has tags already."""

    tags: str = column("Its own.")


class RefusedLink(Record, plugin="alpha", prefix="rli"):
    """It refers to a customer."""

    customer_id: str = reference(Customer, "The customer.", inverse="contacts")


class RefusedAggregate(Record, plugin="alpha", prefix="rag"):
    """Its list makes a name the other plugin has."""

    customer_id: str = reference(Customer, "The customer.", inverse="visits")


class RefusedBare(Record, plugin="alpha", prefix="rba"):
    """Its reference is misnamed."""

    customer: str = reference(Customer, "The customer.")


class RefusedFar(Record, plugin="beta", prefix="rfa"):
    """It refers to a record of another plugin."""

    invoice_id: str = reference(RefusedInvoice, "The invoice.", inverse="notes")


def test_columns_and_lists_of_a_record_clash_like_fields():
    assert refusal(of_records("alpha", RefusedTagged)) == (
        "plugin 'alpha', field RefusedTagged.tags: core has a field of that name already; choose another name"
    )
    assert refusal(of_records("alpha", RefusedLink)) == (
        "plugin 'alpha', field Customer.contacts: core has a field of that name already; choose another name"
    )
    taken = with_fields("beta", number("Customer.visitsAggregate"))
    assert refusal(of_records("alpha", RefusedAggregate), taken) == (
        "plugin 'beta', field Customer.visitsAggregate: alpha has a field of that name already; choose another name"
    )


def test_a_reference_is_named_for_its_id():
    assert refusal(of_records("alpha", RefusedBare)) == (
        "plugin 'alpha', field RefusedBare.customer: refers to a record; name it customer_id, so that customer is the record"
    )


def test_a_reference_needs_the_plugin_whose_record_it_names():
    assert refusal(of_records("beta", RefusedFar)) == (
        "plugin 'beta', field RefusedFar.invoiceId: refers to RefusedInvoice, which no loaded plugin registers; "
        "name its plugin in `requires`"
    )


class CustomerStatus(Vocabulary):
    """Not the core's."""

    GOOD = "GOOD", "Good."


class Node(Vocabulary):
    """A name of the core's interface."""

    GOOD = "GOOD", "Good."


class Mood(StrEnum):
    GOOD = "good"


def coded(enum: type) -> Field:
    return Field("Customer.mood", lambda row: row.status, "A word.", enum)


def test_an_enumeration_takes_no_name_of_another():
    found = refusal(with_fields("alpha", coded(CustomerStatus)))
    assert found == (
        "plugin 'alpha', field Customer.mood: two enumerations are named CustomerStatus: "
        f"that of core.records.vocabulary and that of {__name__}; rename one"
    )
    assert refusal(with_fields("alpha", coded(Node))) == (
        "plugin 'alpha', enumeration Node: two types are named Node; "
        "rename the record, enumeration or operation that makes one"
    )


def test_values_of_an_enumeration_equal_their_names():
    assert refusal(with_fields("alpha", coded(Mood))) == (
        "plugin 'alpha', field Customer.mood: values of Mood must equal their names; GOOD does not"
    )


def test_two_plugins_may_not_publish_one_event():
    found = refusal(plugin("alpha", events={"LEVEL_UP": "Up."}), plugin("beta", events={"LEVEL_UP": "Up."}))
    assert found == "plugin 'beta', event LEVEL_UP: alpha has an event of that name already; choose another"
    assert refusal(plugin("alpha", events={"CUSTOMER_CREATED": "New."})) == (
        "plugin 'alpha', event CUSTOMER_CREATED: core has an event of that name already; choose another"
    )


def test_an_event_is_named_in_capitals_and_described():
    assert refusal(plugin("alpha", events={"levelUp": "Up."})) == (
        "plugin 'alpha', event levelUp: must be named in capitals, as in LEVEL_REACHED"
    )
    assert refusal(plugin("alpha", events={"LEVEL_UP": ""})) == (
        "plugin 'alpha', event LEVEL_UP: has no description; say in one sentence what it means"
    )


def root(operation: str, returned: Any = str, *, description: str = "An answer.", **arguments: Any) -> PluginOperation:
    """A query that gives nothing."""

    def answer(ctx: Any) -> Any:
        return None

    answer.__name__, answer.__doc__ = operation, description
    parameters = [inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for name, annotation in arguments.items():
        parameters.append(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=annotation))
    answer.__signature__ = inspect.Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
    return query(answer)


def changing(operation: str, input_: Any, returned: Any) -> PluginOperation:
    """A mutation that gives nothing."""
    return mutation(root(operation, returned, input=input_).function)


def with_operations(name: str, *operations: Any) -> type[Plugin]:
    return plugin(name, register_operations=offering("register_operations", *operations))


def test_an_operation_takes_no_name_of_the_core_or_of_another_plugin():
    assert refusal(with_operations("alpha", root("customers"))) == (
        "plugin 'alpha', Query.customers: core has an operation of that name already; choose another"
    )
    assert refusal(*[with_operations(name, root("top_customers")) for name in ("alpha", "beta")]) == (
        "plugin 'beta', Query.topCustomers: alpha has an operation of that name already; choose another"
    )


def reported(name: str) -> Any:
    return strawberry.type(type(name, (), {"__annotations__": {"total": int}}))


def test_a_type_takes_no_name_of_the_core_or_of_another_plugin():
    assert refusal(with_operations("alpha", root("alpha_report", reported("Customer")))) == (
        "plugin 'alpha', type Customer: core has a type of that name already; choose another"
    )
    found = refusal(
        with_operations("alpha", root("alpha_report", reported("RefusedReport"))),
        with_operations("beta", root("beta_report", reported("RefusedReport") | None)),
    )
    assert found == "plugin 'beta', type RefusedReport: alpha has a type of that name already; choose another"


@strawberry.input
class RefusedInput(Input):
    """An input."""


@strawberry.type
class RefusedPayload(Payload):
    """A payload that says nothing of a refusal."""

    total: int = strawberry.field(description="How many.")


@strawberry.type
class RefusedComputed:
    """A type that computes."""

    @strawberry.field
    def total(self) -> int:
        return 0


async def refused_async(ctx: Any) -> str:
    """Waits."""
    return ""


def refused_bare() -> str:
    """Takes nothing."""
    return ""


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (root("best", "NoSuchType"), "'NoSuchType' names no type: name 'NoSuchType' is not defined"),
        (
            root("best", Annotated[str, Named("Client")]),
            "there is no type Client; the schema lists them all (guanxi schema)",
        ),
        (root("best", dict), "<class 'dict'> is not a type of the API; decorate the class with @strawberry.type or"),
        (root("best", int | str), "int | str is one of several types; make one type with a field for each"),
        (root("best", inspect.Signature.empty), "does not say what it returns; annotate it"),
        (root("best", description=""), "has no description; say in its docstring what it does"),
        (root("best", RefusedComputed), "has a resolver; its value has to be worked out in the operation"),
        (query(refused_async), "must not be async: it runs in a transaction, in a thread of its own"),
        (query(refused_bare), "takes no `ctx`; its first argument is the context"),
        (mutation(root("best", Customer).function), "must take `ctx` and `input`; what else it needs are fields"),
        (
            changing("best", str, Customer),
            "must be annotated with a subclass of guanxi.Input, decorated @strawberry.input",
        ),
        (changing("best", RefusedInput, str), "must return a record that has mutations, or a subclass of guanxi.Pay"),
        (
            changing("best", RefusedInput, RefusedPayload),
            "RefusedPayload.total has no value where the mutation is refused; give it a default, or let it be None",
        ),
        (len, "<built-in function len> is not an operation; put @query or @mutation on the function"),
    ],
)
def test_an_operation_that_cannot_be_made_is_explained(operation, problem):
    found = refusal(with_operations("alpha", operation))
    assert found.startswith("plugin 'alpha', ")
    assert problem in found


def test_what_is_no_list_of_operations_is_refused():
    def register_operations(self):
        return root("best_customer")

    assert refusal(plugin("alpha", register_operations=hookimpl(register_operations))).endswith(
        "which is not a list; write [...] around it, or yield"
    )


# Tables


class RefusedVisit(Table, plugin="refused_tables"):
    """Not named with the prefix."""

    __tablename__ = "visit"

    id: int = column("Number.", primary_key=True)


class Member(Table, plugin="account_team"):
    """A name of the core's table."""

    __tablename__ = "account_team_member"

    id: int = column("Number.", primary_key=True)


class Version(Table, plugin="refused_version"):
    """A name of the migrations' table."""

    id: int = column("Number.", primary_key=True)


def test_a_table_is_named_with_its_plugin_s_prefix():
    assert refusal(plugin("refused_tables")) == (
        "plugin 'refused_tables', table visit: must be named with the plugin's prefix: refused_tables_visit"
    )


def test_a_table_takes_no_name_of_another():
    assert refusal(plugin("account_team")) == (
        "plugin 'account_team', table account_team_member: core has a table of that name already; choose another"
    )
    assert refusal(plugin("refused_version")) == (
        "plugin 'refused_version', table refused_version_version: "
        "its migrations are recorded in a table of that name; choose another"
    )


def test_a_facet_can_be_made_where_it_is_first_asked_for():
    with pytest.raises(TypeError) as caught:

        class RefusedPoints(Facet, of="Customer", plugin="alpha"):
            earned: int

    assert str(caught.value) == (
        "RefusedPoints.earned: a facet's row is made when it is first asked for, so each column needs a default, or `| None`"
    )
    with pytest.raises(TypeError) as caught:

        class RefusedLimit(Facet, of="Customer", plugin="alpha"):
            limit: Money

    assert str(caught.value).startswith("RefusedLimit.limit: ")


def test_a_field_is_of_a_facet_of_its_own_record():
    class RefusedLevel(Facet, of="Contact", plugin="alpha"):
        reached_on: date | None = None

    assert refusal(with_fields("alpha", Field("Customer.levelReachedOn", RefusedLevel.reached_on, "A day."))) == (
        "plugin 'alpha', field Customer.levelReachedOn: RefusedLevel is not a facet of Customer"
    )


class RefusedCount(Facet, of="Customer", plugin="alpha"):
    visits: int = 0


def test_an_expression_does_not_read_a_table_as_a_whole():
    found = refusal(
        with_fields("alpha", Field("Customer.isBusy", lambda row: RefusedCount.visits > 3, "Visited.", bool))
    )
    assert found == (
        "plugin 'alpha', field Customer.isBusy: reads all of alpha_refused_count; "
        "read the record's own row, as in row.facet(Points).earned"
    )


def test_text_annotations_of_tables_are_explained():
    with pytest.raises(TypeError) as caught:
        type(Table)("RefusedText", (Table,), {"__module__": __name__, "__annotations__": {"id": "int"}}, plugin="alpha")
    assert "leave `from __future__ import annotations` out" in str(caught.value)


def test_a_misspelt_word_of_a_class_statement_is_refused():
    with pytest.raises(TypeError, match="'plugn'"):
        type("RefusedWord", (Table,), {"__module__": __name__, "__annotations__": {"id": int}}, plugn="alpha")


def test_what_only_one_may_have_is_of_its_columns():
    with pytest.raises(TypeError, match=r"one_living\(RefusedInvoice\): numbr is not a column; available: .*number"):
        one_living(RefusedInvoice, "numbr", message="{twin} has it already")
    with pytest.raises(TypeError, match=r"the message names value; it may name twin, number"):
        one_living(RefusedInvoice, "number", message="{twin} has {value} already")


def test_a_bad_setting_of_the_app_is_named_by_its_environment_variable():
    with pytest.raises(ConfigurationError, match=r"GUANXI_HOOK_WARNING_MS='soon': it must be a whole number"):
        load_settings(hook_warning_ms="soon")
