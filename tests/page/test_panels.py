"""The panels of plugins in a real browser: each draws what the API answers to its query, and nothing else."""

from datetime import date

from playwright.sync_api import expect

from tests.schema.serve.test_panels import PANELS, values


def number(value):
    plain = value["amount"] if isinstance(value, dict) else value
    return None if plain is None else float(plain)


def period(today, months=3):
    """The dates that the page gives, by name."""
    place = today.year * 12 + today.month - months
    return {"from": str(date(place // 12, place % 12 + 1, 1)), "to": str(today), "today": str(today)}


def drawn(panel, data):
    """The numbers of a chart, series by series."""
    if panel["kind"] == "MATRIX":
        return [sorted(one for row in data[0]["z"] for one in row if one is not None)]
    if panel["kind"] == "POINTS":
        return [sorted(one for trace in data for one in trace[axis] if one is not None) for axis in "xy"]
    if panel["kind"] == "FUNNEL":
        return [data[0]["x"]]
    return [trace["x"] if trace.get("orientation") == "h" else trace["y"] for trace in data]


def expected(panel, answer):
    """The same by the answer of the API."""
    found = [[number(one) for path in series["paths"] for one in values(answer, path)] for series in panel["series"]]
    if panel["kind"] in ("MATRIX", "POINTS"):
        return [sorted(one for one in series if one is not None) for series in found]
    if panel["kind"] == "FUNNEL":
        return found[:1]
    if panel["kind"] == "WATERFALL":
        start, steps, end = found
        return [[*start, *(one for one in steps if one), *end]]
    return found


def test_each_panel_draws_what_the_api_answers(demo):
    today = date.fromisoformat(demo.ask("{ viewer { now } }")["viewer"]["now"][:10])
    panels = demo.ask(PANELS)["panels"]
    charts = 0
    with demo.visit("panels") as page:
        for panel in panels:
            card = page.locator(f"#panel-{panel['plugin']}-{panel['name']}")
            card.scroll_into_view_if_needed()
            expect(card).not_to_have_attribute("aria-busy", "true")
            given = {name: period(today)[name] for name in panel["given"]}
            answer = demo.ask(panel["query"], **panel["variables"], **given)
            wanted = expected(panel, answer)
            if not any(one for series in wanted for one in series):
                expect(card).to_contain_text("Nothing in this period yet")
            elif panel["kind"] == "NUMBERS":
                shown = [one.split()[0] for one in card.locator("dd:nth-of-type(1)").all_inner_texts()]
                assert [float(one.replace(",", "")) for one in shown] == [one for (one,) in wanted]
            else:
                charts += 1
                assert drawn(panel, card.locator(".chart").evaluate("chart => chart.data")) == wanted, panel["name"]
        # Another period is asked for anew, and a record that is drawn leads to its page.
        page.get_by_label("Period").select_option("1")
        card = page.locator("#panel-credit_scoring-exposure")
        card.scroll_into_view_if_needed()
        card.get_by_text("As a table").click()
        card.get_by_role("link").first.click()
        page.wait_for_url("**/#/customers/cus_*")
    assert charts > 9


def test_a_name_is_drawn_as_it_is_and_makes_no_link(demo):
    query = "{ customers(first: 1, orderBy: [{creditExposure: DESC}]) { nodes { id name } } }"
    (customer,) = demo.ask(query)["customers"]["nodes"]
    rename = (
        "mutation ($id: ID!, $name: String!) { updateCustomer(input: {id: $id, name: $name}) { userErrors { code } } }"
    )
    name = "<a href='//a.eu'>A</a> &lt;"
    demo.ask(rename, id=customer["id"], name=name)
    try:
        with demo.visit("panels") as page:
            card = page.locator("#panel-credit_scoring-exposure")
            card.scroll_into_view_if_needed()
            expect(card.locator("svg .ytick").first).to_have_text(f"{name[:25]}…")
            expect(card.locator("svg a")).to_have_count(0)
    finally:
        demo.ask(rename, id=customer["id"], name=customer["name"])


def test_who_may_not_see_what_a_panel_is_about_is_told_so(demo):
    with demo.visit("panels", "PARTNER") as page:
        card = page.locator("#panel-value_tiering-pyramid")
        card.scroll_into_view_if_needed()
        expect(card).to_contain_text("value")
        expect(card.locator(".chart")).to_have_count(0)
