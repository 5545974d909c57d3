"""Amounts of records: converted at the rate of their own day, frozen, compared and summed in one currency."""

from datetime import UTC, datetime

import pytest

from core.base.ids import new_id
from guanxi import FixedClock
from tests.writes import changed, done, made, payload, read, refusal, upserted

MONEY = "{ amount currency reportingAmount }"


@pytest.fixture(scope="module")
def client(module_crm):
    client = module_crm(clock=FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC)))
    for currency, rate, day in (
        ("USD", "7", "2025-01-01"),
        ("USD", "7.2", "2025-06-01"),
        ("EUR", "8", "2025-01-01"),
        ("JPY", "0.04865", "2025-01-01"),
        ("KWD", "23.456789", "2025-01-01"),
    ):
        made(client, "ExchangeRate", currency=currency, rate=rate, validFrom=day)
    return client


@pytest.fixture(scope="module")
def buyer(client):
    return made(client, "Customer", name="Buyer")["id"]


def sale(client, buyer: str, amount: str, currency: str | None, day: str = "2025-06-10") -> dict:
    money = {"amount": amount} if currency is None else {"amount": amount, "currency": currency}
    return made(
        client,
        "Transaction",
        f"id actualAmount {MONEY}",
        customerId=buyer,
        occurredOn=day,
        actualAmount=money,
    )


def shown(client, id: str, record: str = "Transaction", field: str = "actualAmount") -> list[str]:
    found = read(client, record, id, f"{field} {MONEY}")
    assert found is not None
    return list(found[field].values())


# Conversion


def test_an_amount_without_a_currency_is_in_the_reporting_currency(client, buyer):
    assert sale(client, buyer, "12.5", None)["actualAmount"] == {
        "amount": "12.50",
        "currency": "CNY",
        "reportingAmount": "12.50",
    }


@pytest.mark.parametrize(
    ("day", "reporting"),
    [("2025-01-01", "700.00"), ("2025-05-31", "700.00"), ("2025-06-01", "720.00"), ("2025-06-15", "720.00")],
)
def test_an_amount_is_converted_at_the_rate_of_the_records_own_day(client, buyer, day, reporting):
    assert sale(client, buyer, "100", "USD", day)["actualAmount"]["reportingAmount"] == reporting


def test_an_amount_whose_rate_is_not_known_is_refused_with_the_remedy(client, buyer):
    error = refusal(
        client,
        "create",
        "Transaction",
        customerId=buyer,
        occurredOn="2024-12-31",
        actualAmount={"amount": "100", "currency": "USD"},
    )
    assert error == {
        "code": "RATE_UNKNOWN",
        "field": ["actualAmount"],
        "message": "actualAmount: 100.00 USD: no rate from USD to CNY is known on 2024-12-31; create one with createExchangeRate, valid from that day or earlier",
    }


def test_an_amount_that_is_too_large_once_it_is_converted_is_refused(client, buyer):
    error = refusal(
        client,
        "create",
        "Transaction",
        customerId=buyer,
        occurredOn="2025-06-10",
        actualAmount={"amount": "999999999999", "currency": "USD"},
    )
    assert (error["code"], error["field"]) == ("INVALID", ["actualAmount"])
    assert "7199999999992.80 CNY is larger than this system can store" in error["message"]


def test_what_was_converted_once_stays_as_it_is(client):
    customer = made(client, "Customer", name="Frozen")["id"]
    rate = made(client, "ExchangeRate", currency="CHF", rate="8", validFrom="2025-01-01")["id"]
    id = sale(client, customer, "100", "CHF", "2025-02-01")["id"]
    assert shown(client, id) == ["100.00", "CHF", "800.00"]
    made(client, "ExchangeRate", currency="CHF", rate="9", validFrom="2025-01-15")
    changed(client, "ExchangeRate", rate, rate="10")
    changed(client, "Transaction", id, description="Paid late.")
    changed(client, "Transaction", id, actualAmount={"amount": "100.00", "currency": "CHF"})
    assert shown(client, id) == ["100.00", "CHF", "800.00"]
    changed(client, "Transaction", id, actualAmount={"amount": "200", "currency": "CHF"})
    assert shown(client, id) == ["200.00", "CHF", "1800.00"]
    done(client, "delete", "Transaction", id)
    done(client, "restore", "Transaction", id)
    assert shown(client, id) == ["200.00", "CHF", "1800.00"]


def test_a_change_of_the_currency_alone_converts_anew(client, buyer):
    id = sale(client, buyer, "100", "USD")["id"]
    changed(client, "Transaction", id, actualAmount={"amount": "100", "currency": "EUR"})
    assert shown(client, id) == ["100.00", "EUR", "800.00"]
    changed(client, "Transaction", id, actualAmount={"amount": "100"})
    assert shown(client, id) == ["100.00", "CNY", "100.00"]


def test_a_corrected_day_converts_anew_at_the_rate_of_that_day(client, buyer):
    id = sale(client, buyer, "100", "USD", "2025-06-10")["id"]
    assert shown(client, id) == ["100.00", "USD", "720.00"]
    changed(client, "Transaction", id, occurredOn="2025-05-10", grossAmount={"amount": "110", "currency": "USD"})
    assert shown(client, id) == ["100.00", "USD", "700.00"]
    assert shown(client, id, field="grossAmount") == ["110.00", "USD", "770.00"]
    refused = payload(client, "update", "Transaction", id=id, occurredOn="2024-12-31")["userErrors"]
    assert [(error["code"], error["field"]) for error in refused] == [
        ("RATE_UNKNOWN", ["grossAmount"]),
        ("RATE_UNKNOWN", ["actualAmount"]),
    ]
    assert shown(client, id) == ["100.00", "USD", "700.00"]


def test_to_another_currency_and_back_gives_what_was_there_though_days_have_passed(crm):
    clock = FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC))
    client = crm(clock=clock)
    made(client, "ExchangeRate", currency="USD", rate="7", validFrom="2025-01-01")
    made(client, "ExchangeRate", currency="EUR", rate="8", validFrom="2025-01-01")
    made(client, "ExchangeRate", currency="USD", rate="9", validFrom="2025-07-01")
    buyer = made(client, "Customer", name="Buyer")["id"]
    dollars, euros = ({"amount": "100", "currency": currency} for currency in ("USD", "EUR"))
    bought = sale(client, buyer, "100", "USD", "2025-06-10")["id"]
    deal = made(client, "Opportunity", name="Deal", expectedAmount=dollars)["id"]
    clock.moment = datetime(2025, 8, 1, 12, tzinfo=UTC)
    for record, id, field in (("Transaction", bought, "actualAmount"), ("Opportunity", deal, "expectedAmount")):
        changed(client, record, id, **{field: euros})
        assert shown(client, id, record, field) == ["100.00", "EUR", "800.00"]
        changed(client, record, id, **{field: dollars})
        assert shown(client, id, record, field) == ["100.00", "USD", "700.00"]
    # The day it is decided is another day.
    changed(client, "Opportunity", deal, status="LOST", lossReason="PRICE", lossSummary="Too dear.")
    assert shown(client, deal, "Opportunity", "expectedAmount") == ["100.00", "USD", "900.00"]
    changed(client, "Opportunity", deal, status="FOLLOWING")
    assert shown(client, deal, "Opportunity", "expectedAmount") == ["100.00", "USD", "700.00"]


def test_an_amount_of_a_record_without_a_day_of_its_own_belongs_to_the_day_it_is_entered(client):
    id = made(client, "Customer", name="Rich", annualRevenue={"amount": "100", "currency": "USD"})["id"]
    assert shown(client, id, "Customer", "annualRevenue") == ["100.00", "USD", "720.00"]
    assert changed(client, "Customer", id, "annualRevenue { amount }", annualRevenue=None) == {"annualRevenue": None}


def test_an_amount_of_an_opportunity_belongs_to_the_day_it_arose_or_was_decided(client):
    amount = {"amount": "100", "currency": "USD"}
    early = made(client, "Opportunity", name="Early", openedOn="2025-02-01", expectedAmount=amount)["id"]
    assert shown(client, early, "Opportunity", "expectedAmount") == ["100.00", "USD", "700.00"]
    late = made(client, "Opportunity", name="Late", expectedAmount=amount)["id"]
    assert shown(client, late, "Opportunity", "expectedAmount") == ["100.00", "USD", "720.00"]
    past = made(
        client,
        "Opportunity",
        name="Past",
        openedOn="2024-01-01",
        closedOn="2025-03-01",
        status="LOST",
        lossReason="PRICE",
        lossSummary="Too dear.",
        expectedAmount=amount,
    )["id"]
    assert shown(client, past, "Opportunity", "expectedAmount") == ["100.00", "USD", "700.00"]


def test_a_row_whose_rate_is_not_known_leaves_the_others_of_its_batch(client, buyer):
    rows = [
        {"customerId": buyer, "occurredOn": "2025-06-10", "actualAmount": {"amount": "1", "currency": currency}}
        for currency in ("USD", "GBP", "EUR")
    ]
    answer = upserted(client, "transactions", rows, matchBy="ID")
    assert [result["status"] for result in answer["results"]] == ["CREATED", "FAILED", "CREATED"]
    assert answer["results"][1]["userErrors"][0]["code"] == "RATE_UNKNOWN"


# Places


@pytest.mark.parametrize(
    ("amount", "currency", "shown_amount", "reporting"),
    [
        ("1000", "JPY", "1000", "48.65"),
        ("1.234", "KWD", "1.234", "28.95"),
        ("-1.5", "EUR", "-1.50", "-12.00"),
        ("0", "USD", "0.00", "0.00"),
    ],
)
def test_amounts_have_the_places_of_their_currency(client, buyer, amount, currency, shown_amount, reporting):
    id = sale(client, buyer, amount, currency)["id"]
    assert shown(client, id) == [shown_amount, currency, reporting]


def test_sums_have_the_places_of_each_currency(client):
    customer = made(client, "Customer", name="Traveller")["id"]
    for amount, currency in (("1000", "JPY"), ("500", "JPY"), ("1.234", "KWD"), ("0.001", "KWD"), ("2.50", "CNY")):
        sale(client, customer, amount, currency)
    found = client.query(
        """query ($id: ID!) { transactionsAggregate(where: {customer: {id: {eq: $id}}}) { count
            sum { actualAmount { total { amount currency } perCurrency { amount currency reportingAmount } } }
            avg { actualAmount { amount currency } } min { actualAmount { amount currency } }
            max { actualAmount { amount } } } }""",
        id=customer,
    )["transactionsAggregate"]
    # 48.65 + 24.33 (24.325 rounded up) + 28.95 + 0.02 + 2.50
    assert found == {
        "count": 5,
        "sum": {
            "actualAmount": {
                "total": {"amount": "104.45", "currency": "CNY"},
                "perCurrency": [
                    {"amount": "2.50", "currency": "CNY", "reportingAmount": "2.50"},
                    {"amount": "1500", "currency": "JPY", "reportingAmount": "72.98"},
                    {"amount": "1.235", "currency": "KWD", "reportingAmount": "28.97"},
                ],
            }
        },
        "avg": {"actualAmount": {"amount": "20.89", "currency": "CNY"}},
        "min": {"actualAmount": {"amount": "0.02", "currency": "CNY"}},
        "max": {"actualAmount": {"amount": "48.65"}},
    }


# Filters, orders, sums


@pytest.fixture(scope="module")
def mixed(client):
    customer = made(client, "Customer", name="Mixed")["id"]
    for amount, currency in (("100", "USD"), ("800", "CNY"), ("95", "EUR"), ("10", "USD"), ("10", "CNY")):
        sale(client, customer, amount, currency)
    return customer


def amounts(client, customer: str, where: str = "", order: str = "ASC") -> list[str]:
    found = client.query(
        f"""query ($id: ID!) {{ transactions(where: {{customer: {{id: {{eq: $id}}}} {where}}},
            orderBy: [{{actualAmount: {order}}}]) {{ nodes {{ actualAmount {{ amount currency }} }} }} }}""",
        id=customer,
    )["transactions"]["nodes"]
    return ["{amount} {currency}".format(**node["actualAmount"]) for node in found]


def test_amounts_of_several_currencies_are_ordered_by_what_they_are_worth(client, mixed):
    assert amounts(client, mixed) == ["10.00 CNY", "10.00 USD", "100.00 USD", "95.00 EUR", "800.00 CNY"]
    assert amounts(client, mixed, order="DESC")[0] == "800.00 CNY"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('{gte: "720"}', ["100.00 USD", "95.00 EUR", "800.00 CNY"]),
        ('{eq: "720"}', ["100.00 USD"]),
        ('{gt: "720", lt: "800"}', ["95.00 EUR"]),
        ('{in: ["10", "72"]}', ["10.00 CNY", "10.00 USD"]),
        ('{gte: "10", currency: "USD"}', ["10.00 USD", "100.00 USD"]),
        ('{gt: "10", currency: "USD"}', ["100.00 USD"]),
        ('{eq: "10", currency: "CNY"}', ["10.00 CNY"]),
        ('{currency: "EUR"}', ["95.00 EUR"]),
        ('{currency: "JPY"}', []),
        ('{gt: "71.995", lte: "72.001"}', ["10.00 USD"]),
        ("{isNull: true}", []),
    ],
)
def test_amounts_are_compared_in_the_reporting_currency_unless_one_is_named(client, mixed, condition, found):
    assert amounts(client, mixed, f"actualAmount: {condition}") == found


def test_sums_never_mix_currencies(client, mixed):
    found = client.query(
        """query ($id: ID!) { customer(id: $id) { transactionsAggregate {
            sum { actualAmount { total { amount currency } perCurrency { amount currency } } } } } }""",
        id=mixed,
    )["customer"]["transactionsAggregate"]["sum"]["actualAmount"]
    assert found == {
        "total": {"amount": "2362.00", "currency": "CNY"},
        "perCurrency": [
            {"amount": "810.00", "currency": "CNY"},
            {"amount": "95.00", "currency": "EUR"},
            {"amount": "110.00", "currency": "USD"},
        ],
    }


def test_f6_profit_is_actual_amount_less_cost_in_the_reporting_currency(client, buyer):
    money = {"amount": "100", "currency": "USD"}
    known = made(
        client,
        "Transaction",
        "profit { amount currency }",
        customerId=buyer,
        occurredOn="2025-06-10",
        actualAmount=money,
        cost={"amount": "500"},
    )
    assert known == {"profit": {"amount": "220.00", "currency": "CNY"}}
    assert made(
        client, "Transaction", "profit { amount }", customerId=buyer, occurredOn="2025-06-10", actualAmount=money
    ) == {"profit": None}


# Rates


@pytest.mark.parametrize(
    ("currency", "said"),
    [
        ("XXX", "currency: 'XXX' is not a current ISO 4217 currency code, such as CNY, EUR or USD"),
        ("usd", "currency: 'usd' does not fit: write three capital letters, such as USD"),
        ("CNY", "currency: amounts are reported in CNY, which needs no rate; give a foreign currency"),
    ],
)
def test_a_rate_is_of_a_foreign_currency(client, currency, said):
    error = refusal(client, "create", "ExchangeRate", currency=currency, rate="7", validFrom="2025-01-01")
    assert error == {"code": "INVALID", "field": ["currency"], "message": said}


def test_a_currency_has_one_rate_a_day(client):
    first = made(client, "ExchangeRate", currency="SEK", rate="0.7", validFrom="2025-01-01")["id"]
    again = {"currency": "SEK", "rate": "0.8", "validFrom": "2025-01-01"}
    assert refusal(client, "create", "ExchangeRate", **again) == {
        "code": "ALREADY_EXISTS",
        "field": ["validFrom"],
        "message": f"validFrom: {first} is the rate of SEK from 2025-01-01 on already; change that one",
    }
    second = made(client, "ExchangeRate", **{**again, "validFrom": "2025-02-01"})["id"]
    assert refusal(client, "update", "ExchangeRate", id=second, validFrom="2025-01-01")["code"] == "ALREADY_EXISTS"
    changed(client, "ExchangeRate", second, rate="0.9")
    done(client, "delete", "ExchangeRate", first)
    made(client, "ExchangeRate", **again)
    assert refusal(client, "restore", "ExchangeRate", id=first)["code"] == "ALREADY_EXISTS"
    rows = [{"id": new_id("xrt"), "currency": "NOK", "rate": rate, "validFrom": "2025-01-01"} for rate in "12"]
    answer = upserted(client, "exchangeRates", rows, matchBy="ID")
    assert [result["status"] for result in answer["results"]] == ["CREATED", "FAILED"]


def test_a_deleted_rate_is_not_used(client, buyer):
    id = made(client, "ExchangeRate", currency="AUD", rate="4", validFrom="2025-01-01")["id"]
    done(client, "delete", "ExchangeRate", id)
    error = refusal(
        client,
        "create",
        "Transaction",
        customerId=buyer,
        occurredOn="2025-06-10",
        actualAmount={"amount": "1", "currency": "AUD"},
    )
    assert error["code"] == "RATE_UNKNOWN"
