"""The views of the page: each shows what the API answers, and what is done there is done by the API."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.page.conftest import filled, site
from tests.schema.serve.test_panels import SOUND, showing
from tests.shares import EXHAUSTIVE

UNDER_WAY = "{status: {notIn: [LOST, CLOSED]}}"
STAGES = f"""{{ stages {{ id name
  opportunitiesAggregate(where: {UNDER_WAY}) {{ count }}
  opportunities(first: 20, where: {UNDER_WAY}, orderBy: [{{expectedCloseDate: ASC}}]) {{
    nodes {{ id name customer {{ id name }} expectedAmount {{ amount }} }} }} }} }}"""
WHERE = "query ($id: ID!) { opportunity(id: $id) { version stage { name } customerId } }"
CUSTOMER = """query ($id: ID) { customer(id: $id) { version name industry creditScore
  contacts { nodes { name reportsTo { name } } } opportunities { totalCount } timeline { totalCount } } }"""
UPDATE = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
  customer { id } userErrors { message } } }"""
MOVE = "mutation ($input: MoveOpportunityInput!) { moveOpportunity(input: $input) { userErrors { message } } }"
HOLD = "mutation ($input: PlaceCreditHoldInput!) { placeCreditHold(input: $input) { userErrors { message } } }"


def lane(page, number):
    return page.locator(".lane").nth(number)


def cards(page, number):
    return lane(page, number).locator(".card")


def card(page, id):
    return page.locator(f'.card[data-id="{id}"]')


def stage_of(demo, id):
    return demo.ask(WHERE, id=id)["opportunity"]["stage"]["name"]


def count(page, number):
    return int(lane(page, number).locator(".count").inner_text().replace(",", ""))


def test_the_board_shows_each_stage_as_the_api_answers(demo):
    stages = demo.ask(STAGES)["stages"]
    with demo.visit() as page:
        for number, stage in enumerate(stages):
            assert lane(page, number).get_by_role("heading", level=2).inner_text() == stage["name"]
            assert count(page, number) == stage["opportunitiesAggregate"]["count"]
            shown = cards(page, number).locator("h3").all_inner_texts()
            assert shown == [one["name"] for one in stage["opportunities"]["nodes"]]
        first = stages[0]["opportunities"]["nodes"][0]
        amount = int(float(first["expectedAmount"]["amount"]))
        expect(card(page, first["id"])).to_contain_text(f"CN¥{amount:,}")
        expect(card(page, first["id"]).get_by_role("link")).to_have_text(first["customer"]["name"])
        # The others come as one scrolls.
        total = stages[-1]["opportunitiesAggregate"]["count"]
        assert total > 20
        while cards(page, 5).count() < total:
            before = cards(page, 5).count()
            cards(page, 5).last.scroll_into_view_if_needed()
            expect(cards(page, 5)).not_to_have_count(before)
        assert len({one.get_attribute("data-id") for one in cards(page, 5).all()}) == total


def test_a_card_is_moved_by_mouse_by_menu_and_by_key(demo):
    with demo.visit() as page:
        id = cards(page, 0).first.get_attribute("data-id")
        names = page.locator(".lane h2").all_inner_texts()
        before = count(page, 0), count(page, 1)
        card(page, id).drag_to(lane(page, 1))
        expect(cards(page, 1).and_(card(page, id))).to_be_visible()
        expect(lane(page, 0).locator(".count")).to_have_text(str(before[0] - 1))
        expect(lane(page, 1).locator(".count")).to_have_text(str(before[1] + 1))
        expect(card(page, id)).not_to_have_class(re.compile("moving"))
        assert stage_of(demo, id) == names[1]
        card(page, id).focus()
        page.keyboard.press("Shift+ArrowRight")
        expect(page.get_by_role("status")).to_contain_text(names[2])
        expect(card(page, id)).to_be_focused()
        assert stage_of(demo, id) == names[2]
        # Where it belongs among cards that are not loaded yet, it is shown first.
        card(page, id).locator(".more").click()
        page.locator("#stages").get_by_role("button", name=names[5]).click()
        expect(page.get_by_role("status")).to_contain_text(names[5])
        expect(cards(page, 5).first).to_have_attribute("data-id", id)
        card(page, id).locator(".more").click()
        page.locator("#stages").get_by_role("button", name=names[3]).click()
        expect(page.get_by_role("status")).to_contain_text(names[3])
        assert stage_of(demo, id) == names[3]
        # Keys without Shift choose another card, and Enter opens its customer.
        card(page, id).focus()
        page.keyboard.press("ArrowLeft")
        expect(lane(page, 2).locator(".card:focus")).to_have_count(1)
        page.keyboard.press("ArrowDown")
        assert lane(page, 2).locator(".card:focus").get_attribute("data-id") != cards(page, 2).first.get_attribute(
            "data-id"
        )
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"#/customers/cus_"))


def test_a_refusal_is_shown_at_the_card_which_returns(demo):
    with demo.visit() as page:
        id = cards(page, 4).first.get_attribute("data-id")
        here = lane(page, 4).get_by_role("heading", level=2).inner_text()
        demo.ask(HOLD, input={"customerId": demo.ask(WHERE, id=id)["opportunity"]["customerId"], "reason": "Unpaid."})
        card(page, id).focus()
        page.keyboard.press("Shift+ArrowRight")
        note = card(page, id).locator(".note")
        expect(note).to_contain_text("hold")
        expect(cards(page, 4).and_(card(page, id))).to_be_visible()
        assert stage_of(demo, id) == here
        note.get_by_role("button").click()
        expect(note).to_have_count(0)


def test_a_card_that_somebody_changed_is_not_moved_unseen(demo):
    with demo.visit() as page:
        # As if what others do were not heard of.
        context = page.context
        context.route(
            "**/graphql",
            lambda route: route.abort() if "event-stream" in route.request.headers["accept"] else route.continue_(),
        )
        page.reload()
        id = cards(page, 1).first.get_attribute("data-id")
        stages = demo.ask("{ stages { id name } }")["stages"]
        demo.ask(MOVE, input={"id": id, "stageId": stages[3]["id"]})
        card(page, id).focus()
        page.keyboard.press("Shift+ArrowRight")
        expect(card(page, id).locator(".note")).to_contain_text("version")
        expect(cards(page, 3).and_(card(page, id))).to_be_visible()
        assert stage_of(demo, id) == stages[3]["name"]


def test_others_see_a_move_at_once(demo):
    with demo.visit() as page, demo.visit() as other:
        id = cards(page, 2).first.get_attribute("data-id")
        expect(card(other, id)).to_be_visible()
        card(page, id).drag_to(lane(page, 3))
        expect(cards(other, 3).and_(card(other, id))).to_have_class(re.compile("changed"))
        expect(cards(other, 2).and_(card(other, id))).to_have_count(0)
        count = demo.ask(STAGES)["stages"][3]["opportunitiesAggregate"]["count"]
        for one in (page, other):
            expect(lane(one, 3).locator(".count")).to_have_text(str(count))


def test_customers_are_filtered_ordered_searched_and_scrolled(demo):
    total = demo.ask("{ customers { totalCount } }")["customers"]["totalCount"]
    with demo.visit("customers") as page:
        rows = page.locator("tbody tr")
        expect(page.locator(".heading")).to_contain_text(f"{total} customers")
        while rows.count() < total:
            before = rows.count()
            page.locator("p.rest").scroll_into_view_if_needed()
            expect(rows).not_to_have_count(before)
        assert len({row.get_attribute("data-id") for row in rows.all()}) == total
        page.get_by_label("Industry", exact=True).select_option("Energy")
        query = """{ customers(first: 100, where: {industry: {eq: "Energy"}}, orderBy: [{currentValue: DESC}]) {
          nodes { name } } }"""
        names = [node["name"] for node in demo.ask(query)["customers"]["nodes"]]
        expect(rows).to_have_count(len(names))
        page.get_by_role("button", name="Current value").click()
        expect(page.locator("th[aria-sort=descending]")).to_have_text(re.compile("Current value"))
        expect(page.locator("tbody th")).to_have_text(names)
        # What was chosen is still chosen after a look elsewhere.
        page.locator("tbody a").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(names[0])
        page.go_back()
        expect(page.locator("tbody th")).to_have_text(names)
        page.get_by_role("button", name="Reset").click()
        expect(page.locator(".heading")).to_contain_text(f"{total} customers")
        page.get_by_label("Search customers").fill("brigde stone food")
        expect(rows.first).to_contain_text("Stone Bridge Foods")
        assert rows.count() < 10


def test_both_values_of_a_conflict_are_shown_and_one_is_chosen(demo):
    with demo.visit("customers") as page:
        row = page.locator("tbody tr").first
        id = row.get_attribute("data-id")

        def edit(value):
            row.get_by_role("button", name="Edit Industry").click()
            page.locator(".editor input").fill(value)
            page.keyboard.press("Enter")

        def industry():
            return demo.ask(CUSTOMER, id=id)["customer"]["industry"]

        edit("Mining")
        expect(row.get_by_role("button", name="Edit Industry: Mining")).to_be_focused()
        assert industry() == "Mining"
        # Somebody changes another field: nothing has to be decided.
        demo.ask(UPDATE, input={"id": id, "city": "Hamburg"})
        edit("Shipping")
        expect(row).to_contain_text("Shipping")
        for choice, theirs, chosen in ((".theirs", "Retail", "Retail"), (".mine", "Energy", "Finance")):
            demo.ask(UPDATE, input={"id": id, "industry": theirs})
            edit("Finance")
            expect(page.locator(".editor .mine")).to_contain_text("Finance")
            expect(page.locator(".editor .theirs")).to_contain_text(theirs)
            page.locator(f".editor {choice}").click()
            expect(row).to_contain_text(chosen)
            assert industry() == chosen
        edit("x" * 300)
        expect(page.locator(".editor .problem")).to_contain_text("industry")
        page.keyboard.press("Escape")
        expect(page.locator(".editor")).to_have_count(0)


def test_a_customer_is_shown_with_people_scores_and_timeline(demo):
    query = '{ customer(externalId: {system: "demo", value: "customer-0"}) { id } }'
    id = demo.ask(query)["customer"]["id"]
    customer = demo.ask(CUSTOMER, id=id)["customer"]
    with demo.visit(f"customers/{id}") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text(customer["name"])
        expect(page.get_by_role("region", name="Credit score").locator(".big")).to_have_text(customer["creditScore"])
        assert page.get_by_role("region", name="Credit score").locator(".reasons li").count() > 0
        people = page.get_by_role("region", name="People").first
        for contact in customer["contacts"]["nodes"]:
            boss = (
                people.locator("li", has=page.locator(f'> .person:has-text("{contact["reportsTo"]["name"]}")'))
                if contact["reportsTo"]
                else people
            )
            expect(boss.locator(".person", has_text=contact["name"]).first).to_be_visible()
        events = page.get_by_role("region", name="Timeline").locator("li")
        before = events.count()
        page.get_by_role("region", name="Timeline").get_by_role("button").click()
        expect(events).not_to_have_count(before)
        more = page.get_by_role("region", name="Opportunities").get_by_role("button")
        expect(more).to_be_visible(visible=customer["opportunities"]["totalCount"] > 8)
    for strange in ("cus_01h455vb4pex5vsknk084sn02q", "%"):
        with demo.visit(f"customers/{strange}") as page:
            expect(page.get_by_role("heading", level=1)).to_contain_text("no such customer")


def test_what_is_due_is_counted_and_a_task_completed(demo):
    query = """query ($today: Date!, $user: ID!) { tasks(orderBy: [{dueOn: ASC}], first: 1,
      where: {status: {in: [OPEN, IN_PROGRESS]}, dueOn: {lte: $today}}) { totalCount nodes { id } }
      mine: tasks(where: {status: {in: [OPEN, IN_PROGRESS]}, dueOn: {lte: $today}, assigneeId: {eq: $user}}) { totalCount }
      receivables(where: {isReminderDue: {eq: true}}) { totalCount } }"""
    user = demo.ask("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    with demo.visit("due") as page:
        today = page.evaluate("new Date().toLocaleDateString('sv')")
        due = demo.ask(query, today=today, user=user)
        tasks = page.get_by_role("region", name="Tasks")
        expect(tasks.get_by_role("heading")).to_have_text(f"Tasks {due['tasks']['totalCount']}")
        reminders = page.get_by_role("region", name="Payment reminders to send")
        expect(reminders.get_by_role("heading")).to_contain_text(f" {due['receivables']['totalCount']}")
        page.get_by_label("Mine only").check()
        expect(tasks.get_by_role("heading")).to_have_text(f"Tasks {due['mine']['totalCount']}")
        expect(page.get_by_label("Mine only")).to_be_focused()
        page.get_by_label("Mine only").uncheck()
        first = due["tasks"]["nodes"][0]["id"]
        tasks.locator(f'[data-id="{first}"]').get_by_role("button").click()
        expect(tasks.get_by_role("heading")).to_have_text(f"Tasks {due['tasks']['totalCount'] - 1}")
        task = demo.ask("query ($id: ID!) { task(id: $id) { status } }", id=first)["task"]
        assert task["status"] == "DONE"


def test_who_sees_less_is_shown_less(demo):
    with demo.visit("customers", "PARTNER") as page:
        expect(page.locator(".heading")).to_contain_text(re.compile(r"^Customers\s*\d customers"))
        page.locator("tbody a").first.click()
        expect(page.locator(".missing summary")).to_be_visible()
        page.locator(".missing summary").click()
        expect(page.locator(".missing")).to_contain_text("Customer.creditScore")
        expect(page.get_by_role("region", name="Satisfaction")).to_be_visible()
        expect(page.get_by_role("region", name="Credit score")).to_have_count(0)
        # What is not even asked any more is still named.
        page.go_back()
        page.locator("tbody a").last.click()
        expect(page.locator(".missing")).to_contain_text("Customer.creditScore")
        # Receivables are nothing for partners; the rest of what is due is shown.
        page.goto(f"{demo.url}/#/due")
        expect(page.get_by_role("region", name="Tasks")).to_be_visible()
        expect(page.get_by_role("region", name="Payment reminders to send")).to_have_count(0)
        page.goto(f"{demo.url}/#/board")
        expect(page.locator(".heading")).to_contain_text(re.compile(r"^Board\s*\d open"))


#: Light and dark, wide and narrow, English and Chinese, each with each other in half as many; all of them exhaustively.
LOOKS = [(dark, width, language) for dark in (False, True) for width in (1280, 360) for language in ("en-GB", "zh-CN")]


def check(page):
    """Nobody is kept out, and nothing is wider than the window."""
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in serious]
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{page.url} is wider than the window by {overflow}"


@pytest.mark.parametrize(("dark", "width", "language"), LOOKS if EXHAUSTIVE else [LOOKS[0], LOOKS[7]])
def test_it_can_be_used_by_everybody(demo, dark, width, language):
    id = demo.ask("{ customers(first: 1) { nodes { id } } }")["customers"]["nodes"][0]["id"]
    with demo.visit(dark=dark, width=width, language=language) as page:

        def show(route, part):
            page.goto(f"{demo.url}/#/{route}")
            page.locator(part).first.wait_for()

        for route, part in {
            "board": ".card",
            f"customers/{id}": ".person",
            "panels": ".panel:not([aria-busy])",
        }.items():
            show(route, part)
            check(page)
        show("customers", "tbody tr")
        page.locator("td .value").first.click()
        check(page)
        show("due", ".lines")
        page.locator("[popovertarget=settings]").click()
        check(page)


def test_language_and_appearance_are_kept(demo):
    with demo.visit("due") as page:
        page.locator("[popovertarget=settings]").click()
        page.get_by_text("中文").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("待办")
        page.locator("[popovertarget=settings]").click()
        page.get_by_text("深色").click()
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("待办")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 26)"
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()


@pytest.fixture(scope="module")
def mills(browser, tmp_path_factory):
    """A database with one customer, and a key of an administrator and of a partner."""

    def roles(client):
        return [(role, {"name": role, "role": role}) for role in ("PARTNER", "ADMINISTRATOR")]

    def prepare(client):
        client.create("Customer", name="Harbour Mills", region="North")

    url = f"sqlite:///{tmp_path_factory.mktemp('mills')}/crm.db"
    return url, filled(url, [], prepare, roles)


def test_one_logs_in_and_stays_where_one_was_and_no_plugin_is_needed(browser, mills):
    url, keys = mills
    with site(url, [], keys, browser) as bare, bare.visit("customers", None) as page:
        check(page)
        page.get_by_label("API key or token").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).not_to_be_empty()
        page.get_by_label("API key or token").fill(keys["ADMINISTRATOR"])
        page.keyboard.press("Enter")
        expect(page.locator("tbody th")).to_have_text(["Harbour Mills"])
        page.locator("tbody a").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Harbour Mills")
        expect(page.locator(".score")).to_have_count(0)
        page.get_by_role("link", name="Due").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Due")
        # Its session ends: the page asks for a key, and goes on where it was.
        page.context.clear_cookies()
        page.get_by_role("link", name="Customers").click()
        page.get_by_label("API key or token").fill(keys["ADMINISTRATOR"])
        page.keyboard.press("Enter")
        expect(page.locator("tbody th")).to_have_text(["Harbour Mills"])
        page.locator("[popovertarget=settings]").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API key or token")).to_be_focused()
        page.reload()
        expect(page.get_by_label("API key or token")).to_be_visible()


def test_an_open_server_lets_one_in_shows_panels_of_any_plugin_and_what_others_see(browser, mills):
    url, keys = mills
    with (
        site(url, [showing(SOUND)], keys, browser, trusts_loopback=True) as one,
        one.visit("panels", None) as page,
    ):
        card = page.locator("#panel-shows-regions")
        expect(card.get_by_role("heading")).to_have_text("Customers by region")
        expect(card).not_to_have_attribute("aria-busy", "true")
        assert card.locator(".chart").evaluate("chart => chart.data[0].y") == [1]
        page.locator("[popovertarget=settings]").click()
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("API key or token").fill(keys["PARTNER"])
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Customers").click()
        expect(page.locator("main")).to_contain_text("0 customers")
        page.locator("[popovertarget=settings]").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("tbody th")).to_have_text(["Harbour Mills"])
