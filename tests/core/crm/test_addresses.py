"""E-mail addresses, telephone numbers and links of records: refused, kept as typed, found by what they mean."""

import pytest

from core.base.errors import ConfigurationError
from core.base.settings import load_settings
from guanxi import LINK, PHONE, Plugin, Record, column, hookimpl
from tests.imports import Folder
from tests.writes import changed, made, payload, refusal, upserted


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm()


@pytest.fixture
def customer(client):
    return made(client, "Customer", name="House of addresses")["id"]


def found(client, where):
    answer = client.query(
        "query ($where: ContactWhere) { contacts(where: $where, orderBy: [{name: ASC}]) { nodes { name } } }",
        where=where,
    )
    return [contact["name"] for contact in answer["contacts"]["nodes"]]


@pytest.mark.parametrize(
    ("record", "field", "value", "said"),
    [
        ("Customer", "email", "x@y..de", "email: 'x@y..de' is not an e-mail address; write it like name@example.com"),
        ("Customer", "phone", "12", "phone: '12' is not a telephone number in CN; write it with its country code"),
        ("Customer", "website", "javascript:alert(1)", "website: 'javascript:alert(1)' is not a link; write it like"),
        ("Customer", "name", "\u200b", "name: nothing of '\\u200b' can be seen; give a text"),
        ("User", "email", "ana@", "email: 'ana@' is not an e-mail address"),
    ],
)
def test_what_does_not_have_the_form_of_its_field_is_refused(client, record, field, value, said):
    problem = refusal(client, "create", record, **{"name": "Bad input", field: value})
    assert problem["code"] == "INVALID"
    assert problem["message"].startswith(said)
    assert problem["field"] == [field]


def test_each_link_of_a_list_is_checked(client, customer):
    given = {"name": "Linked", "customerId": customer, "attachments": ["https://example.com/a", "data:text/html,x"]}
    problem = refusal(client, "create", "Opportunity", **given)
    assert problem["message"].startswith("attachments: 'data:text/html,x' is not a link")


def test_a_number_is_kept_as_typed_and_found_by_every_way_of_writing_it(client, customer):
    typed = "+49 (221) 123-45"
    id = made(client, "Contact", name="Rheinland", customerId=customer, phone=typed)["id"]
    asked = "query ($id: ID!) { contact(id: $id) { phone } }"
    assert client.query(asked, id=id)["contact"]["phone"] == typed
    for way in (
        {"eq": typed},
        {"eq": "+4922112345"},
        {"eq": "4922112345"},
        {"in": ["+49 221 12345", "+86 10 1234 5678"]},
        {"contains": "(221)"},
        {"contains": "22112345"},
        {"contains": "221 12345"},
        {"startsWith": "+49221"},
        {"endsWith": "123-45"},
        {"eq": typed, "ignoreCase": False},
    ):
        assert found(client, {"phone": way, "name": {"eq": "Rheinland"}}) == ["Rheinland"], way
    assert found(client, {"phone": {"ne": "+4922112345"}, "name": {"eq": "Rheinland"}}) == []
    assert found(client, {"phone": {"eq": "+4922112345", "ignoreCase": False}, "name": {"eq": "Rheinland"}}) == []


def test_a_changed_number_is_found_by_the_new_one_alone(client, customer):
    id = made(client, "Contact", name="Mover", customerId=customer, mobilePhone="+47 412 34 567")["id"]
    changed(client, "Contact", id, mobilePhone="+47 412 34 568")
    assert found(client, {"mobilePhone": {"eq": "+4741234567"}}) == []
    assert found(client, {"mobilePhone": {"eq": "+4741234568"}}) == ["Mover"]


def test_an_address_matches_however_its_domain_is_written(client, customer):
    item = {"name": "Jörg", "customerId": customer, "email": "joerg@müller.example"}
    assert upserted(client, "contacts", [item], matchBy="EMAIL")["created"] == 1
    again = item | {"email": "JOERG@xn--mller-kva.example"}
    assert upserted(client, "contacts", [again], matchBy="EMAIL")["updated"] == 1
    assert found(client, {"email": {"eq": "joerg@müller.example"}}) == ["Jörg"]


def test_outer_blanks_are_not_stored_so_that_no_second_record_comes_of_them(client):
    made(client, "Customer", name="  Outer blanks ")
    answer = upserted(
        client, "customers", [{"name": "Outer blanks"}, {"name": " Outer blanks"}], ask="name", matchBy="NAME"
    )
    assert [one["status"] for one in answer["results"]] == ["UNCHANGED", "UNCHANGED"]
    assert answer["results"][0]["record"]["name"] == "Outer blanks"


def test_an_import_keeps_what_has_not_the_form_and_warns(client, tmp_path):
    folder = Folder(tmp_path)
    mapping = """
        [[record]]
        type = "Customer"
        key = { system = "addresses", column = "name" }
        [record.fields]
        name = "name"
        email = "email"
        phone = "phone"
        website = "website"
    """
    rows = "name,email,phone,website\nKept,at home,ask Ana,kept.example\nLost,,,javascript:alert(1)\n"
    assert folder.load(client, mapping, rows) == {"customer": {"created": 1, "rejected": 1}}
    warnings = [warning.message for warning in folder.report.warnings]
    assert len(warnings) == 2
    assert "'at home' is not an e-mail address" in warnings[0]
    assert "'ask Ana' is not a telephone number in CN" in warnings[1]
    ((_, _, reason),) = folder.rejected()
    assert "'javascript:alert(1)' is not a link" in reason
    asked = '{ customers(where: {name: {eq: "Kept"}, phone: {eq: "ask ana"}}) { nodes { email phone } } }'
    assert client.query(asked)["customers"]["nodes"] == [{"email": "at home", "phone": "ask Ana"}]


# With another region, and of plugins


def test_numbers_are_of_the_region_of_the_setting_even_those_stored_before_it_changed(crm):
    url = crm.databases.fresh()
    client = crm(url=url, phone_region="DE")
    customer = made(client, "Customer", name="House", phone="0221 12345")["id"]
    made(client, "Contact", name="Rheinland", customerId=customer, phone="0221 12345")
    assert found(client, {"phone": {"eq": "+4922112345"}}) == ["Rheinland"]
    crm.close()
    client = crm(url=url, phone_region="NO")
    assert found(client, {"phone": {"eq": "+4922112345"}}) == []
    assert found(client, {"phone": {"eq": "0221 12345"}}) == ["Rheinland"]
    crm.close()
    client = crm(url=url, phone_region="DE")
    assert found(client, {"phone": {"eq": "+4922112345"}}) == ["Rheinland"]


def test_a_region_that_is_none_is_refused_at_the_start():
    with pytest.raises(ConfigurationError, match="two letters of a country"):
        load_settings(phone_region="XX")


class Booth(Record, plugin="booths", prefix="booth"):
    """A booth at a fair."""

    name: str = column("Name of the booth.", max_length=100)
    phone: str | None = column("Its number.", default=None, form=PHONE)
    pages: list[str] = column("Its pages.", default_factory=list, form=LINK)


class Booths(Plugin):
    """Booths at fairs."""

    name = "booths"
    version = "1.0"
    api = ">=1,<2"

    @hookimpl
    def register_records(self):
        """One record."""
        return [Booth]

    @hookimpl
    def before_commit(self, ctx, changes):
        """Gives booths called so a page that is none."""
        for change in changes.of("Booth"):
            if change.record.name == "Harmful":
                change.record.pages = ["javascript:alert(1)"]


def test_a_plugin_s_columns_have_forms_and_what_its_hooks_write_is_held_to_them(crm):
    client = crm(Booths)
    made(client, "Booth", name="North", phone="+49 221 12345")
    asked = '{ booths(where: {phone: {eq: "+49 (221) 123 45"}}) { nodes { name } } }'
    assert client.query(asked)["booths"]["nodes"] == [{"name": "North"}]
    assert "is not a telephone number" in refusal(client, "create", "Booth", name="South", phone="12")["message"]
    (error,) = payload(client, "create", "Booth", "pages", name="Harmful")["userErrors"]
    assert "'javascript:alert(1)' is not a link" in error["message"]
