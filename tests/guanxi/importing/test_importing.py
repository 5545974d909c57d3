"""The import on both engines: what rows become, what is refused and why, second runs, broken runs, dry runs."""

import csv
from textwrap import dedent

import pytest

from guanxi import ConfigurationError, Facet, Field, Plugin, UserError, hookimpl
from guanxi.importing import importer
from guanxi.importing.importer import ImportStopped
from tests.imports import SIMPLE, Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def shared(module_crm):
    """An app that tests share; each keeps to names of its own."""
    return module_crm(reporting_currency="EUR")


def customers(client, prefix, fields="name"):
    found = client.query(
        f"query ($prefix: String!) {{ customers(where: {{name: {{startsWith: $prefix}}}}, orderBy: [{{name: ASC}}], first: 1000) {{ nodes {{ {fields} }} }} }}",
        prefix=prefix,
    )
    return found["customers"]["nodes"]


def events(client):
    return client.query("{ events { totalCount } }")["events"]["totalCount"]


# What values become


def test_values_are_read_as_the_mapping_says(shared, folder):
    counts = folder.load(
        shared,
        """
        [source]
        delimiter = ";"
        empty_values = ["n/a"]
        [fix.land]
        "Philipines" = "Philippines"
        [[record]]
        type = "Customer"
        key = { system = "values", template = "{group}/{no}" }
        [record.fields]
        name = { template = ["{title} ({no})", "Values {no}"] }
        status = { column = "state", map = { A = "ACTIVE", "" = "FORMER" }, unmapped = "reject" }
        kind = "kind"
        industry = "branch"
        country = { column = "land", map = { XX = "Nowhere" } }
        legalName = { column = "group", map = { h = "Holding" }, unmapped = "null" }
        city = { value = "Oslo", when = { land = ["Philippines", "Norway"] } }
        region = { value = "far", when = { land = { not = ["Norway"] }, title = false } }
        employeeCount = { column = "staff", thousands = ".", decimal = "," }
        annualRevenue = { column = "revenue", thousands = ".", decimal = ",", times = 1000, currency_column = "currency" }
        totalAssets = { value = 12.5 }
        customerSince = { column = "since", date = "%d.%m.%Y" }
        needs = { column = "needs", split = "|", map = { net = "network" } }
        tags = { column = "tags", split = "," }
        doNotContact = "quiet"
        externalIds = { other = "no" }
        """,
        """
        group;no;title;state;kind;branch;land;staff;revenue;currency;since;needs;tags;quiet
        g;1; Values one ;A;COMPANY; retail ;Philipines;1.234;1.500,25;EUR;03.02.2020;net|cloud;big, old;Yes
        h;2;;;INDIVIDUAL;n/a;Norway;12;;;;;;false
        """,
    )
    assert counts == {"customer": {"created": 2}}
    fields = """name legalName status kind industry country city region employeeCount customerSince needs tags doNotContact
        annualRevenue { amount currency } totalAssets { amount currency } externalIds { system value }"""
    assert customers(shared, "Values", fields) == [
        {
            "name": "Values 2",
            "legalName": "Holding",
            "status": "FORMER",
            "kind": "INDIVIDUAL",
            "industry": None,
            "country": "Norway",
            "city": "Oslo",
            "region": None,
            "employeeCount": 12,
            "customerSince": None,
            "needs": [],
            "tags": [],
            "doNotContact": False,
            "annualRevenue": None,
            "totalAssets": {"amount": "12.50", "currency": "EUR"},
            "externalIds": [{"system": "other", "value": "2"}, {"system": "values", "value": "h/2"}],
        },
        {
            "name": "Values one (1)",
            "legalName": None,
            "status": "ACTIVE",
            "kind": "COMPANY",
            "industry": "retail",
            "country": "Philippines",
            "city": "Oslo",
            "region": None,
            "employeeCount": 1234,
            "customerSince": "2020-02-03",
            "needs": ["network", "cloud"],
            "tags": ["big", "old"],
            "doNotContact": True,
            "annualRevenue": {"amount": "1500250.00", "currency": "EUR"},
            "totalAssets": {"amount": "12.50", "currency": "EUR"},
            "externalIds": [{"system": "other", "value": "1"}, {"system": "values", "value": "g/1"}],
        },
    ]


def test_moments_without_a_zone_are_in_that_of_the_mapping(shared, folder):
    mapping = """
        [[record]]
        type = "Interaction"
        key = { system = "moments", column = "no" }
        [record.fields]
        summary = { template = "moment {no}" }
        channel = { value = "PHONE" }
        direction = { value = "INBOUND" }
        occurredAt = { column = "at", timezone = "Europe/Berlin" }
        """
    rows = "no,at\n1,2024-07-01T12:00\n2,2024-01-01\n3,2024-01-01T12:00:00+05:00\n4,noon\n"
    assert folder.load(shared, mapping, rows) == {"interaction": {"created": 3, "rejected": 1}}
    found = shared.query(
        "{ interactions(where: {channel: {eq: PHONE}}, orderBy: [{occurredAt: ASC}]) { nodes { summary occurredAt } } }"
    )
    assert [(node["summary"], node["occurredAt"]) for node in found["interactions"]["nodes"]] == [
        ("moment 2", "2023-12-31T23:00:00.000Z"),
        ("moment 3", "2024-01-01T07:00:00.000Z"),
        ("moment 1", "2024-07-01T10:00:00.000Z"),
    ]
    assert "'noon' is not a date written as 2025-06-30T08:00:00Z" in folder.rejected()[0][2]


@pytest.mark.parametrize(
    ("field", "cell", "reason"),
    [
        ('{ column = "x", thousands = "," }', "1,5", "'1,5' is not a number written as 1,234.5"),
        ('"x"', "1f5", "'1f5' is not a number"),
        ('"x"', "1.5", "'1.5' is not a whole number"),
        ('"x"', "-3", "-3 is too small; the minimum is 0"),
        ('{ column = "x", map = { few = 3 }, unmapped = "reject" }', "many", "'many' is not in its map"),
    ],
)
def test_a_value_that_does_not_fit_rejects_its_row(shared, folder, field, cell, reason):
    mapping = SIMPLE + f"    employeeCount = {field}\n"
    assert folder.load(shared, mapping, f'name,x\nWrong,"{cell}"\n') == {"customer": {"rejected": 1}}
    ((line, record, said),) = folder.rejected()
    assert (line, record) == (2, "customer")
    assert said.startswith("employeeCount: ")
    assert reason in said
    assert customers(shared, "Wrong") == []


def test_every_fault_of_a_row_is_told(shared, folder):
    mapping = (
        SIMPLE
        + '    status = "status"\n    foundedYear = "year"\n    owner = { by = "name", column = "owner", map = {}, unmapped = "reject" }\n'
    )
    folder.load(shared, mapping, "name,status,year,owner\nFaulty,asleep,soon,me\n,ACTIVE,1999,\n")
    (first, second) = folder.rejected()
    assert [part.partition(":")[0] for part in first[2].split("; ") if ":" in part] == [
        "status",
        "foundedYear",
        "owner",
    ]
    assert "external id of 'simple': is empty in this row" in second[2]


def test_an_empty_column_leaves_a_field_or_empties_it_as_asked(shared, folder):
    mapping = SIMPLE + '    industry = "industry"\n    city = { column = "city", empty = "null" }\n'
    folder.load(shared, mapping, "name,industry,city\nEmptied,food,Oslo\n")
    assert folder.load(shared, mapping, "name,industry,city\nEmptied,,\n") == {"customer": {"updated": 1}}
    assert customers(shared, "Emptied", "industry city version") == [{"industry": "food", "city": None, "version": 2}]


# References, several records, order


def test_references_by_external_id_by_name_and_to_the_same_row(shared, folder):
    folder.load(
        shared,
        """
        [[record]]
        type = "Team"
        key = { system = "refs", column = "team" }
        [record.fields]
        name = "team"
        [[record]]
        type = "User"
        name = "boss"
        when = { boss = true }
        key = { system = "refs", column = "boss" }
        [record.fields]
        name = "boss"
        team = { record = "team" }
        [[record]]
        type = "User"
        key = { system = "refs", column = "person" }
        [record.fields]
        name = "person"
        team = { record = "team" }
        manager = { record = "boss" }
        """,
        "team,boss,person\nRefs North,Refs Boss,Refs Ann\nRefs North,Refs Boss,Refs Bo\nRefs South,,Refs Cy\n",
    )
    counts = folder.load(
        shared,
        """
        [[record]]
        type = "Customer"
        key = { system = "refs", column = "customer" }
        [record.fields]
        name = "customer"
        owner = { by = "name", column = "owner", when = { customer = { not = "Refs 5" } } }
        team = { system = "refs", column = "team", missing = "null" }
        """,
        """
        customer,owner,team
        Refs 1,REFS ANN,Refs North
        Refs 2,Refs Zoe,
        Refs 3,,Refs West
        Refs 4,Refs Bo,
        Refs 5,Refs Bo,
        """,
    )
    assert counts == {"customer": {"created": 4, "rejected": 1}}
    assert folder.rejected() == [
        (3, "customer", "owner: there is no user with name 'Refs Zoe'; create it first, or fix the row")
    ]
    fields = "name owner { name manager { name } team { name } } team { name }"
    boss, north = {"name": "Refs Boss"}, {"name": "Refs North"}
    assert customers(shared, "Refs", fields) == [
        {"name": "Refs 1", "owner": {"name": "Refs Ann", "manager": boss, "team": north}, "team": north},
        {"name": "Refs 3", "owner": None, "team": None},
        {"name": "Refs 4", "owner": {"name": "Refs Bo", "manager": boss, "team": north}, "team": None},
        {"name": "Refs 5", "owner": None, "team": None},
    ]


def test_rows_that_say_the_same_of_a_record_write_it_once(shared, folder):
    mapping = """
        [[record]]
        type = "Customer"
        key = { by = "name" }
        [record.fields]
        name = "name"
        city = "city"
        """
    rows = "name,city\nOnce,Oslo\nonce,Oslo\nOnce,Oslo\nOnce,Bergen\nOnce,Oslo\n"
    assert folder.load(shared, mapping, rows) == {"customer": {"created": 1, "unchanged": 4}}
    assert customers(shared, "Once", "name city version") == [{"name": "Once", "city": "Oslo", "version": 1}]
    assert folder.load(shared, mapping, "name,city\n" + "Once,Oslo\n" * 3) == {"customer": {"unchanged": 3}}


def test_records_are_found_by_what_only_one_may_have(shared, folder):
    mapping = """
        [[record]]
        type = "Customer"
        key = { by = "name" }
        [record.fields]
        name = "account"
        [[record]]
        type = "User"
        key = { by = "email" }
        [record.fields]
        email = "mail"
        name = "mail"
        [[record]]
        type = "AccountTeamMember"
        name = "member"
        key = { by = ["customer", "user"] }
        [record.fields]
        customer = { record = "customer" }
        user = { by = "email", column = "mail" }
        role = "role"
        """
    rows = (
        "account,mail,role\nCrewed A,c1@crew.example,SALES\nCrewed B,c1@crew.example,SALES\n"
        "crewed a,C1@crew.example,SUPPORT\nCrewed A,c2@crew.example,SALES\n"
    )
    assert folder.load(shared, mapping, rows)["member"] == {"created": 3, "unchanged": 1}
    assert (2, "member") in [(warning.line, warning.record) for warning in folder.report.warnings]
    known = events(shared)
    assert folder.load(shared, mapping, rows)["member"] == {"unchanged": 4}
    assert events(shared) == known
    assert folder.load(shared, mapping, rows.replace("SUPPORT", "SALES"))["member"] == {"updated": 1, "unchanged": 3}


@pytest.mark.parametrize("portion", [1, 2, 500])
def test_of_rows_that_disagree_the_last_wins_once_and_a_second_run_changes_nothing(
    shared, folder, monkeypatch, portion
):
    monkeypatch.setattr(importer, "PORTION", portion)
    name = f"Torn {portion}"
    rows = (
        "no,account,stage,closed,value\n"
        f"{name}-1,{name},open,,1\n{name}-2,{name},open,,5\n{name}-1,{name} B,open,,2\n{name}-3,{name},open,,7\n"
    )
    counts = folder.load(shared, DEALS, rows)
    assert counts["deal"] == {"created": 3, "unchanged": 1}
    assert [(warning.line, warning.record, warning.message) for warning in folder.report.warnings] == [
        (2, "deal", "line 4 says something else of the same record; the last one counts")
    ]
    found = {deal["name"]: deal for deal in deals(shared, name)}
    before, known = deals(shared, name), events(shared)
    assert folder.load(shared, DEALS, rows)["deal"] == {"unchanged": 4}
    assert (deals(shared, name), events(shared)) == (before, known)
    assert {deal["expectedAmount"]["amount"] for deal in found.values()} == {"2.00", "5.00", "7.00"}


def test_a_name_that_several_have_rejects_the_row(shared, folder):
    both = """
        [[record]]
        type = "User"
        key = { system = "twins", column = "no" }
        [record.fields]
        name = "name"
        """
    folder.load(shared, both, "no,name\n1,Twin\n2,twin\n")
    mapping = SIMPLE + '    owner = { by = "name", column = "owner" }\n'
    assert folder.load(shared, mapping, "name,owner\nTwins 1,Twin\n") == {"customer": {"rejected": 1}}
    assert folder.rejected()[0][2].startswith("owner: 2 users have name 'Twin', such as usr_")


TREE = """
    [[record]]
    type = "Customer"
    key = { system = "tree", column = "name" }
    [record.fields]
    name = "name"
    parent = { by = "name", column = "parent" }
"""


@pytest.mark.parametrize("portion", [500, 2])
def test_a_row_waits_for_what_a_later_row_makes(shared, folder, monkeypatch, portion):
    monkeypatch.setattr(importer, "PORTION", portion)
    stem = f"Tree {portion} "
    tree = [("a", "b"), ("c", "nobody"), ("b", "d"), ("e", "c"), ("f", ""), ("d", "f"), ("g", "h"), ("h", "g")]
    rows = "name,parent\n" + "".join(f"{stem}{one},{stem + parent if parent else ''}\n" for one, parent in tree)
    assert folder.load(shared, TREE, rows) == {"customer": {"created": 4, "rejected": 4}}
    found = customers(shared, stem, "name parent { name }")
    assert {node["name"][-1]: node["parent"] and node["parent"]["name"][-1] for node in found} == {
        "a": "b",
        "b": "d",
        "d": "f",
        "f": None,
    }
    assert [(line, reason.partition(";")[0]) for line, _, reason in folder.rejected()] == [
        (line, f"parent: there is no customer with name '{stem}{parent}'")
        for line, parent in ((3, "nobody"), (5, "c"), (8, "h"), (9, "g"))
    ]
    assert folder.load(shared, TREE, rows) == {"customer": {"unchanged": 4, "rejected": 4}}


DEALS = """
    [[record]]
    type = "Customer"
    name = "account"
    key = { system = "deals", column = "account" }
    [record.fields]
    name = "account"
    [[record]]
    type = "Opportunity"
    name = "deal"
    key = { system = "deals", column = "no" }
    [record.fields]
    name = { template = "Deal {no} of {account}" }
    customer = { record = "account" }
    stage = { by = "key", column = "stage", map = { won = "F", lost = "C", open = "B" }, unmapped = "reject" }
    status = { column = "stage", map = { won = "WON", lost = "LOST", open = "FOLLOWING" } }
    closedOn = "closed"
    wonAt = { column = "closed", when = { stage = "won" } }
    expectedAmount = "value"
    lossReason = { value = "OTHER", when = { stage = "lost" } }
    lossSummary = { value = "Not recorded.", when = { stage = "lost" } }
    [[record]]
    type = "Transaction"
    name = "sale"
    when = { stage = "won" }
    key = { system = "deals", column = "no" }
    [record.fields]
    customer = { record = "account" }
    opportunity = { record = "deal" }
    occurredOn = "closed"
    actualAmount = "value"
"""


def deals(client, stem):
    return client.query(
        """query ($stem: String!) {
            opportunities(where: {customer: {name: {startsWith: $stem}}}, orderBy: [{name: ASC}]) { nodes {
                name outcome stage { key } closedOn wonAt lossReason lossSummary version
                expectedAmount { amount } transactions { nodes { occurredOn actualAmount { amount } version } } } } }""",
        stem=stem,
    )["opportunities"]["nodes"]


def test_won_rows_become_transactions_as_well(shared, folder):
    rows = """
        no,account,stage,closed,value
        d1,Deals A,won,2024-03-05,100.50
        d2,Deals A,lost,2024-04-01,0
        d3,Deals B,open,,75
        """
    assert folder.load(shared, DEALS, rows) == {
        "account": {"created": 2, "unchanged": 1},
        "deal": {"created": 3},
        "sale": {"created": 1},
    }
    assert folder.report.rows == 3
    won = {
        "name": "Deal d1 of Deals A",
        "outcome": "WON",
        "stage": {"key": "F"},
        "closedOn": "2024-03-05",
        "wonAt": "2024-03-05T00:00:00.000Z",
        "lossReason": None,
        "lossSummary": None,
        "version": 1,
        "expectedAmount": {"amount": "100.50"},
        "transactions": {"nodes": [{"occurredOn": "2024-03-05", "actualAmount": {"amount": "100.50"}, "version": 1}]},
    }
    lost, open_ = deals(shared, "Deals")[1:]
    assert deals(shared, "Deals")[0] == won
    assert (lost["outcome"], lost["lossReason"], lost["lossSummary"]) == ("LOST", "OTHER", "Not recorded.")
    assert (lost["closedOn"], lost["transactions"]) == ("2024-04-01", {"nodes": []})
    assert (open_["outcome"], open_["stage"], open_["closedOn"]) == ("OPEN", {"key": "B"}, None)


def test_a_row_goes_through_whole_or_not_at_all(shared, folder):
    # Lines 3 and 5 have no day for the transaction, which is only refused when customer and deal are written; line 4
    # shares the customer of line 3 and is good; line 6 is refused before anything is written.
    rows = """
        no,account,stage,closed,value
        w1,Whole A,won,2024-03-05,10
        w2,Whole B,won,,10
        w3,Whole B,open,,10
        w4,Whole C,won,,10
        w5,Whole C,asleep,,10
        """
    assert folder.load(shared, DEALS, rows) == {
        "account": {"created": 2},
        "deal": {"created": 2, "rejected": 1},
        "sale": {"created": 1, "rejected": 2},
    }
    assert [(line, record, reason.partition(";")[0]) for line, record, reason in folder.rejected()] == [
        (3, "sale", "occurredOn: a new transaction needs it"),
        (5, "sale", "occurredOn: a new transaction needs it"),
        (6, "deal", "status: 'asleep' is none of DRAFT, DISPATCHED, FOLLOWING, WON, EXECUTING, LOST, CLOSED"),
    ]
    assert folder.load(shared, DEALS, rows) == {
        "account": {"unchanged": 2},
        "deal": {"unchanged": 2, "rejected": 1},
        "sale": {"unchanged": 1, "rejected": 2},
    }
    assert [node["name"] for node in customers(shared, "Whole")] == ["Whole A", "Whole B"]
    assert [node["name"] for node in deals(shared, "Whole")] == ["Deal w1 of Whole A", "Deal w3 of Whole B"]


def test_rows_of_which_nothing_is_made_are_counted(shared, folder):
    mapping = SIMPLE.replace("key =", "when = { name = true }\n    key =")
    assert folder.load(shared, mapping, 'name,x\n"",1\nLeft,2\n') == {"customer": {"created": 1}}
    assert (folder.report.rows, folder.report.left_out) == (2, 1)


# Second runs, broken runs, dry runs


def test_a_second_run_changes_nothing_and_a_third_what_differs(shared, folder):
    rows = "no,account,stage,closed,value\ns1,Second A,won,2024-03-05,10\ns2,Second A,lost,2024-03-06,0\ns3,Second B,open,,7\n"
    folder.load(shared, DEALS, rows)
    before, known = deals(shared, "Second"), events(shared)
    assert folder.load(shared, DEALS, rows) == {
        "account": {"unchanged": 3},
        "deal": {"unchanged": 3},
        "sale": {"unchanged": 1},
    }
    assert deals(shared, "Second") == before
    assert events(shared) == known
    changed = rows.replace("won,2024-03-05,10", "won,2024-03-05,12")
    assert folder.load(shared, DEALS, changed) == {
        "account": {"unchanged": 3},
        "deal": {"updated": 1, "unchanged": 2},
        "sale": {"updated": 1},
    }
    after = deals(shared, "Second")
    assert after[1:] == before[1:]
    assert (after[0]["version"], after[0]["expectedAmount"]) == (2, {"amount": "12.00"})


class Stumbling(Plugin):
    name, version, api = "stumbling", "1.0", ">=1,<2"
    stumbles = True

    @hookimpl
    def before_commit(self, ctx, changes):
        if self.stumbles and any(record.name.endswith(" 7") for record in changes.created("Customer")):
            raise RuntimeError("a stone in the way")


def test_a_broken_run_leaves_whole_portions_and_is_run_again(crm, folder, monkeypatch):
    monkeypatch.setattr(importer, "PORTION", 3)
    plugin = Stumbling()
    client = crm(plugin)
    rows = "name\n" + "".join(f"Stone {number}\n" for number in range(10))
    with pytest.raises(ImportStopped, match=r"(?s)a stone in the way.*stopped after 6 of 10 rows, which are done"):
        folder.load(client, SIMPLE, rows)
    assert len(customers(client, "Stone")) == 6
    plugin.stumbles = False
    assert folder.load(client, SIMPLE, rows) == {"customer": {"created": 4, "unchanged": 6}}
    assert [node["version"] for node in customers(client, "Stone", "version")] == [1] * 10


def test_a_dry_run_writes_nothing_and_reports_the_same(crm, folder, monkeypatch):
    monkeypatch.setattr(importer, "PORTION", 2)
    client = crm(reporting_currency="EUR")
    rows = """
        no,account,stage,closed,value
        y1,Dry A,won,2024-03-05,10
        y2,Dry B,won,,10
        y3,Dry B,open,,10
        y4,Dry A,open,,10
        y5,Dry A,gone,,10
        """
    known = events(client)
    tried = folder.load(client, DEALS, rows, dry_run=True)
    refused = folder.rejected()
    assert customers(client, "Dry") == []
    assert events(client) == known
    assert folder.load(client, DEALS, rows) == tried
    assert folder.rejected() == refused
    assert [line for line, _, _ in refused] == [3, 6]
    assert [node["name"] for node in customers(client, "Dry")] == ["Dry A", "Dry B"]


def test_the_author_is_the_import(shared, folder):
    folder.load(shared, SIMPLE, "name\nAuthored\n")
    assert customers(shared, "Authored", "createdBy updatedBy") == [{"createdBy": "import", "updatedBy": "import"}]


# The rejects file


def test_the_rejects_file_has_the_row_as_it_was_and_can_be_imported(shared, folder):
    mapping = '[source]\ndelimiter = ";"\n' + dedent(SIMPLE) + 'foundedYear = "year"\n'
    rows = 'name;year;note\n"Reject; ""one""";soon;"two\nlines"\nReject two;1999;\nReject three;later;x\nReject four;1999\nReject five;1;2;3\n'
    assert folder.load(shared, mapping, rows) == {"customer": {"created": 1, "rejected": 2}}
    assert folder.report.rejected == 4
    with (folder.path / "rejects.csv").open(newline="") as file:
        found = list(csv.reader(file, delimiter=";"))
    year = "foundedYear: '{}' is not a number written as 1234.5; fix it"
    columns = "the row has {} columns, but the first line names 3; fix the row"
    assert found == [
        ["rejected_line", "rejected_record", "rejected_reason", "name", "year", "note"],
        ["2", "customer", year.format("soon"), 'Reject; "one"', "soon", "two\nlines"],
        ["5", "customer", year.format("later"), "Reject three", "later", "x"],
        ["6", "", columns.format(2), "Reject four", "1999"],
        ["7", "", columns.format(4), "Reject five", "1", "2", "3"],
    ]
    fixed = (folder.path / "rejects.csv").read_text().replace("soon", "1980").replace("later", "1990")
    fixed = "\n".join(line for line in fixed.split("\n") if "Reject f" not in line)
    assert folder.load(shared, mapping, fixed) == {"customer": {"created": 2}}
    assert folder.rejected() == []
    fields = customers(shared, "Reject", "name foundedYear")
    assert [node["foundedYear"] for node in fields] == [1990, 1999, 1980]


def test_what_a_hook_refuses_is_rejected_with_its_reason(crm, folder):
    class Strict(Plugin):
        name, version, api = "strict", "1.0", ">=1,<2"

        @hookimpl
        def validate(self, ctx, changes):
            for record in changes.created("Customer"):
                if "bad" in record.name:
                    yield UserError("NO", "name: we do not want them", ("name",), record)
                if "odd" in record.name:
                    yield UserError("ODD", "name: is odd", ("name",), record, warning=True)

    client = crm(Strict)
    assert folder.load(client, SIMPLE, "name\ngood\nbad\nodd\n") == {"customer": {"created": 2, "rejected": 1}}
    assert folder.rejected() == [(3, "customer", "name: we do not want them (says strict)")]
    (warned,) = folder.report.warnings
    assert (warned.line, warned.record, warned.message) == (4, "customer", "name: is odd (says strict)")


# JSON Lines, keys, plugins' fields


def test_json_lines(shared, folder):
    mapping = """
        [[record]]
        type = "Customer"
        key = { system = "lines", column = "id" }
        [record.fields]
        name = "who.name"
        city = "who.place.city"
        employeeCount = "staff"
        annualRevenue = "revenue"
        needs = "needs"
        doNotContact = "quiet"
        country = { value = "Norway", when = { needs = true, staff = "5", quiet = "true" } }
        """
    rows = """
        {"id": 1, "who": {"name": "Lines 1", "place": {"city": "Oslo"}}, "staff": 5, "revenue": 0.10, "needs": ["a", "b"], "quiet": true}
        {"id": 2, "who": {"name": "Lines 2"}, "staff": null}

        {"id": 3, "who": {"name": "Lines 3"}
        ["Lines 4"]
        {"id": 5, "who": {"name": ["Lines", "5"]}, "staff": NaN}
        {"id": 6, "who": {"name": ["Lines", "6"]}}
        """
    rows += f'{{"id": 8, "who": {{"name": {"[" * 2000}{"]" * 2000}}}}}\n'
    assert folder.load(shared, mapping, rows, "source.jsonl") == {"customer": {"created": 2, "rejected": 1}}
    fields = "name city country employeeCount needs doNotContact annualRevenue { amount }"
    assert customers(shared, "Lines", fields) == [
        {
            "name": "Lines 1",
            "city": "Oslo",
            "country": "Norway",
            "employeeCount": 5,
            "needs": ["a", "b"],
            "doNotContact": True,
            "annualRevenue": {"amount": "0.10"},
        },
        {
            "name": "Lines 2",
            "city": None,
            "country": None,
            "employeeCount": None,
            "needs": [],
            "doNotContact": False,
            "annualRevenue": None,
        },
    ]
    reasons = {line: reason for line, _, reason in folder.rejected()}
    assert reasons.keys() == {4, 5, 6, 7, 8}
    assert reasons[8] == "the line is nested too deep; fix the line"
    assert reasons[4].startswith("the line is not JSON")
    assert reasons[5] == "the line is not a JSON object; write { … }"
    assert "NaN is not a number" in reasons[6]
    assert reasons[7] == "name: ['Lines', '6'] is not a single value; only a field that is a list takes several"


def test_records_are_found_by_id(shared, folder):
    folder.load(shared, SIMPLE, "name\nBy id\n")
    id = customers(shared, "By id", "id")[0]["id"]
    mapping = """
        [[record]]
        type = "Customer"
        key = { by = "id" }
        [record.fields]
        id = "id"
        city = "city"
        """
    rows = f"id,city\n{id},Oslo\ncus_01h455vb4pex5vsknk084sn02q,Bergen\nnonsense,Narvik\n,Bodø\n"
    assert folder.load(shared, mapping, rows) == {"customer": {"updated": 1, "rejected": 3}}
    assert customers(shared, "By id", "city") == [{"city": "Oslo"}]
    reasons = {line: reason for line, _, reason in folder.rejected()}
    assert "name: a new customer needs it" in reasons[3]
    assert "'nonsense' is not an id of a customer" in reasons[4]
    assert reasons[5].startswith("id: is empty in this row, and the record is found by it")


class Stars(Facet, of="Customer", plugin="starring"):
    count: int = 0


class Starring(Plugin):
    name, version, api = "starring", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.stars", Stars.count, "Stars given.", writable=True)


def test_fields_of_plugins_are_mapped_like_any_other(crm, folder):
    client = crm(Starring)
    mapping = SIMPLE + '    stars = { column = "stars", map = { "***" = 3 } }\n'
    assert folder.load(client, mapping, "name,stars\nStarred,***\n") == {"customer": {"created": 1}}
    assert folder.load(client, mapping, "name,stars\nStarred,***\n") == {"customer": {"unchanged": 1}}
    assert customers(client, "Starred", "stars") == [{"stars": 3}]


def test_a_place_too_many_is_refused_by_the_option_that_rounds_it_half_to_even_and_reports_it(shared, folder):
    mapping = """
        [[record]]
        type = "Customer"
        key = { system = "rounding", column = "no" }
        [record.fields]
        name = "name"
        annualRevenue = { column = "revenue", currency = "USD" }
        """
    rows = """
        no,name,revenue
        1,Rounding 1,16.448
        2,Rounding 2,2.125
        3,Rounding 3,1e+05
        ,,
        """
    shared.create("ExchangeRate", currency="USD", rate="1", validFrom="2000-01-01")
    folder.load(shared, mapping, rows)
    message = "16.448 has more than the 2 decimal places of USD; fix it, or write round = true"
    assert message in folder.rejected()[0][2]
    folder.load(shared, mapping.replace('currency = "USD"', 'currency = "USD", round = true'), rows)
    found = customers(shared, "Rounding", "annualRevenue { amount }")
    assert [node["annualRevenue"]["amount"] for node in found] == ["16.45", "2.12", "100000.00"]
    assert [warning.message for warning in folder.report.warnings] == [
        "annualRevenue: 16.448 USD was rounded to 16.45",
        "annualRevenue: 2.125 USD was rounded to 2.12",
    ]


def test_a_second_delimiter_in_the_first_line_is_named_where_a_column_is_not_found(shared, folder):
    with pytest.raises(ConfigurationError) as refused:
        folder.load(shared, SIMPLE, "no;name,region\n1,x\n")
    message = "columns are separated by ',', and 'no;name' has ';' besides: fix the first line, or write `delimiter = "
    assert message + '";"` under [source]' in refused.value.message


def test_a_quote_that_is_not_closed_is_named_with_its_line(shared, folder):
    with pytest.raises(ConfigurationError) as refused:
        folder.load(shared, SIMPLE, 'no,name\n1,x\n2,"y\n3,z\n')
    assert refused.value.message.endswith(
        'the row that begins in line 3 is not CSV: it has a quote (") that is opened and not closed; close it, or write '
        '"" for a quote in a text'
    )


def test_a_wrong_delimiter_is_named(shared, folder):
    with pytest.raises(ConfigurationError, match=r"first line has no ',', but ';'; write `delimiter = \";\"`"):
        folder.load(shared, SIMPLE, "no;name\n1;x\n")


STEPS = """
    [[record]]
    type = "Opportunity"
    key = { system = "steps", column = "id" }
    at = "moved"
    [record.fields]
    name = "id"
    stage = { by = "key", column = "stage" }
    openedOn = "opened"
"""


def test_steps_are_logged_in_order_as_of_their_moment_once_and_never_against_the_log(shared, folder):
    rows = """
        id,stage,moved,opened
        s1,F,2025-03-14T10:00:00Z,2025-01-05
        s1,A,2025-01-05T09:00:00Z,2025-01-05
        s1,C,2025-02-03T09:00:00Z,2025-01-05
        s1,,,2025-01-05
        s2,B,2025-02-10T09:00:00Z,2025-02-10
    """
    (counts,) = folder.load(shared, STEPS, rows).values()
    assert (counts["created"], counts["rejected"]) == (2, 1)
    assert folder.rejected()[0][2] == (
        "at: is empty in this row; say when it happened, or leave such rows out with `when`"
    )
    log = """{ opportunities(where: {name: {in: ["s1", "s2"]}}, orderBy: [{name: ASC}]) { nodes { status wonAt
        transitions { nodes { fromStage { key } toStage { key } movedAt } } } } }"""
    first, _ = shared.query(log)["opportunities"]["nodes"]
    assert (first["status"], first["wonAt"]) == ("WON", "2025-03-14T10:00:00.000Z")
    steps = [
        (step["fromStage"] and step["fromStage"]["key"], step["toStage"]["key"], step["movedAt"][:10])
        for step in first["transitions"]["nodes"]
    ]
    assert steps == [(None, "A", "2025-01-05"), ("A", "C", "2025-02-03"), ("C", "F", "2025-03-14")]
    before = events(shared)
    (again,) = folder.load(shared, STEPS, rows).values()
    assert again == {"unchanged": 4, "rejected": 1}
    (late,) = folder.load(shared, STEPS, "id,stage,moved,opened\ns1,D,2025-02-20T09:00:00Z,2025-01-05\n").values()
    assert (late, events(shared)) == ({"rejected": 1}, before)
    assert folder.rejected()[0][2] == (
        "at: 2025-02-20 09:00 is before the latest step of the opportunity, of 2025-03-14 10:00 to WON, and the log shows "
        "something else for it; import steps in order, and before the opportunity as it is now"
    )
    with pytest.raises(ConfigurationError, match="at: only opportunities have steps"):
        folder.load(shared, SIMPLE.replace("[record.fields]", 'at = "name"\n    [record.fields]'), "name\nx\n")
