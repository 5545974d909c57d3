"""A small world in which much conflicts, and the mutations that are made in it at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations_with_replacement
from typing import Any

from guanxi import FixedClock
from guanxi.testing import Client, Rival
from plugins.credit_scoring import CreditScoring
from plugins.forecasting import Forecasting
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering

PLUGINS = (CreditScoring, Forecasting, SatisfactionSurveys, ValueTiering)
SETTINGS: Mapping[str, Any] = {
    "reporting_currency": "EUR",
    "plugins": {
        "credit_scoring": {"control": "BLOCK", "group_control": "BLOCK"},
        "satisfaction_surveys": {"cool_down_days": 30},
    },
}
#: Columns that are random.
LEFT_OUT = ("satisfaction_surveys_survey_token.token_hash",)

_TARGETS = ("delete", "restore", "destroy")
_SURVEY_TARGETS = ("openSurvey", "closeSurvey")
_UPSERTED = "created updated unchanged failed results { status }"


def clock() -> FixedClock:
    """A clock that stands still at noon of 15 June 2025."""
    return FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC))


def money(amount: int, currency: str = "EUR") -> dict[str, str]:
    """An amount as input."""
    return {"amount": str(amount), "currency": currency}


def operation(field: str, **input: Any) -> Rival:
    """A mutation that is answered by what is wrong with it, and by outcomes of rows."""
    type_ = f"{field[:1].upper()}{field[1:]}Input"
    if field.startswith(_TARGETS) and field != "deleteCustomer":
        type_ = "TargetInput"
    elif field in _SURVEY_TARGETS:
        type_ = "SurveyTargetInput"
    selection = _UPSERTED if field.startswith("upsert") else ""
    text = f"mutation ($input: {type_}!) {{ {field}(input: $input) {{ {selection} userErrors {{ code }} }} }}"
    return Rival(text, {"input": input})


@dataclass(frozen=True, eq=False)
class Listed:
    """A mutation of the list: its name, what it is about, and itself. Those about one thing are pairs of the suite."""

    name: str
    about: frozenset[str]
    operation: Rival


def fill(client: Client) -> list[Listed]:
    """Enters the world and returns the list."""
    ids = _entered(client)
    return [Listed(name, frozenset(about.split()), made) for name, (about, made) in _listed(ids).items()]


def pairs(listed: list[Listed], *, every: bool = False) -> list[tuple[Listed, Listed]]:
    """The pairs of the list: those about one thing, each with itself included; or every pair."""
    return [(one, other) for one, other in combinations_with_replacement(listed, 2) if every or one.about & other.about]


def neighbours(listed: list[Listed]) -> list[tuple[Listed, Listed]]:
    """Fewer pairs: each mutation with the one that follows in the list and is about the same thing."""
    things = sorted({thing for one in listed for thing in one.about})
    of_thing = [[one for one in listed if thing in one.about] for thing in things]
    return list(dict.fromkeys((one, alike[place - 1]) for alike in of_thing for place, one in enumerate(alike)))


def _made(client: Client, made: Rival, selection: str = "") -> Any:
    text = made.text.replace("userErrors { code }", f"{selection} userErrors {{ message }}")
    ((answer),) = client.query(text, **made.variables).values()
    assert not answer["userErrors"], answer["userErrors"]
    return answer


def _entered(client: Client) -> dict[str, Any]:
    ids: dict[str, Any] = {
        "stages": {stage["key"]: stage["id"] for stage in client.query("{ stages { id key } }")["stages"]}
    }

    def create(key: str, record: str, **input: Any) -> None:
        ids[key] = client.create(record, "id", **input)["id"]

    create("manager", "User", name="Vera")
    create("user", "User", name="Udo", managerId=ids["manager"])
    create("other_user", "User", name="Otto")
    create("north", "Team", name="North")
    create("south", "Team", name="South")
    create("a", "Customer", name="Anna", email="anna@a.example", ownerId=ids["user"])
    create("b", "Customer", name="Bert", email="bert@b.example", number="7")
    create("c", "Customer", name="Cora", externalIds=[{"system": "erp", "value": "c"}])
    create("gone", "Customer", name="Gone", externalIds=[{"system": "erp", "value": "new"}])
    _made(client, operation("deleteCustomer", id=ids["gone"]))
    limit = {"creditLimit": money(100), "creditLimitReason": "known"}
    _made(client, operation("updateCustomer", id=ids["a"], **limit))
    create("dora", "Contact", name="Dora", customerId=ids["a"])
    create("emil", "Contact", name="Emil", customerId=ids["a"])
    for key in ("o1", "o2"):
        create(
            key,
            "Opportunity",
            name=key,
            customerId=ids["a"],
            ownerId=ids["user"],
            stageId=ids["stages"]["B"],
            expectedAmount=money(60),
            expectedCloseDate="2025-06-30",
        )
    create("group", "Customer", name="Group", **limit)
    for key in ("sister", "brother"):
        create(key, "Customer", name=key, parentId=ids["group"])
        deal = {"customerId": ids[key], "stageId": ids["stages"]["B"], "expectedAmount": money(60)}
        create(f"{key}_deal", "Opportunity", name=f"of {key}", ownerId=ids["user"], **deal)
    create("task", "Task", subject="Call", customerId=ids["a"])
    create("rate", "ExchangeRate", currency="USD", rate="0.9", validFrom="2025-01-01")
    create("sale", "Transaction", customerId=ids["a"], occurredOn="2025-02-01", actualAmount=money(500))
    create("other_sale", "Transaction", customerId=ids["b"], occurredOn="2025-02-01", actualAmount=money(300))
    invoice = {"customerId": ids["a"], "invoicedOn": "2025-02-01", "dueOn": "2025-03-01"}
    create("invoice", "Receivable", number="1", amount=money(20), opportunityId=ids["o1"], **invoice)
    target = {"grain": "MONTH", "periodStart": "2025-06-01", "value": "1000"}
    create("target", "SalesTarget", userId=ids["manager"], **target)
    _made(client, operation("deleteSalesTarget", id=ids["target"]))
    create("assessment", "ValueAssessment", customerId=ids["a"], assessedOn="2025-05-01", brandScore="50")
    submission = _made(
        client,
        operation("submitForecast", userId=ids["user"], periodStart="2025-06-01"),
        "submission { lines { nodes { id category } } }",
    )
    ids["line"] = submission["submission"]["lines"]["nodes"][0]["id"]
    _enter_surveys(client, ids)
    _made(client, operation("recomputeValueTiers"))
    return ids


def _enter_surveys(client: Client, ids: dict[str, Any]) -> None:
    questions = [{"kind": "NPS", "text": "Would you recommend us?"}]
    for key in ("draft", "open", "other"):
        ids[key] = client.create("Survey", "id", title=key, purpose="to know")["id"]
        _made(client, operation("setSurveyQuestions", surveyId=ids[key], questions=questions))
        _made(client, operation("setSurveyAudience", surveyId=ids[key], contacts={}))
    for key in ("open", "other"):
        _made(client, operation("openSurvey", surveyId=ids[key]))
    create = client.create("Survey", "id", title="asked", purpose="to know")["id"]
    _made(client, operation("setSurveyQuestions", surveyId=create, questions=questions))
    _made(client, operation("setSurveyAudience", surveyId=create, customers={"id": {"eq": ids["b"]}}))
    _made(client, operation("openSurvey", surveyId=create))
    ids["token"] = _made(client, operation("inviteToSurvey", surveyId=create), "issued { token }")["issued"][0]["token"]
    ids["asked"] = create
    rated = client.create("Survey", "id", title="rated", purpose="to know")["id"]
    items = [{"kind": "CES", "text": "How easy was it?"}, *questions]
    _made(client, operation("setSurveyQuestions", surveyId=rated, questions=items))
    response = {"surveyId": rated, "customerId": ids["a"], "answeredOn": "2025-05-01", "questionsVersion": 1}
    ids["response"] = client.create("SurveyResponse", "id", **response)["id"]
    ids["items"] = [
        one["id"]
        for one in client.query(
            "query ($id: ID!) { surveyQuestions(where: {surveyId: {eq: $id}}) { nodes { id } } }", id=rated
        )["surveyQuestions"]["nodes"]
    ]
    found = client.query("{ surveyQuestions { nodes { id surveyId } } }")["surveyQuestions"]["nodes"]
    ids["questions"] = {one["surveyId"]: one["id"] for one in found}


def _listed(ids: Mapping[str, Any]) -> dict[str, tuple[str, Rival]]:
    stages = ids["stages"]
    a, b, c, o1, o2 = (ids[key] for key in ("a", "b", "c", "o1", "o2"))
    rate = {"currency": "USD", "rate": "0.95", "validFrom": "2025-06-01"}
    stage = {"key": "G", "position": 7, "winProbability": "100"}
    target = {"grain": "MONTH", "periodStart": "2025-06-01", "userId": ids["manager"]}
    new = {"name": "Nina", "email": "nina@n.example"}
    known = [{"system": "erp", "value": "new"}]
    answer = [{"questionId": ids["questions"][ids["asked"]], "score": "3"}]
    of_open = [{"questionId": ids["questions"][ids["open"]], "score": "9"}]
    invoice = {"customerId": a, "amount": money(30), "invoicedOn": "2025-03-01", "dueOn": "2025-04-01"}
    sale = {"customerId": a, "occurredOn": "2025-03-01"}
    of_year = {"customerId": a, "year": 2025}
    budget = {"year": 2025, "kind": "TIME", "quantity": "1000"}
    assessed = {"customerId": a, "assessedOn": "2025-06-01"}
    payment = {"receivableId": ids["invoice"], "paidOn": "2025-05-01"}
    return {
        "customer moves to a city": ("city", operation("updateCustomer", id=a, city="Bonn")),
        "limit is lowered": (
            "limit",
            operation("updateCustomer", id=a, creditLimit=money(70), creditLimitReason="late"),
        ),
        "credit is judged": (
            "score",
            operation(
                "updateCustomer", id=a, creditFinancialStatus="50", creditReputation="50", creditTransactionRecord="60"
            ),
        ),
        "potential is estimated": ("value", operation("updateCustomer", id=a, potentialValue=money(900))),
        "customer below another": ("customer-tree", operation("updateCustomer", id=a, parentId=b)),
        "the other below a third": ("customer-tree", operation("updateCustomer", id=b, parentId=c)),
        "the third below the first": ("customer-tree", operation("updateCustomer", id=c, parentId=a)),
        "customer is deleted": ("gone city", operation("deleteCustomer", id=a, openOpportunities="DELETE")),
        "customer is deleted, its deals moved": (
            "gone",
            operation("deleteCustomer", id=a, openOpportunities="MOVE", moveOpportunitiesTo=b),
        ),
        "customers are merged": ("gone merge", operation("mergeCustomers", id=a, mergeIds=[b])),
        "they are merged the other way": (
            "merge",
            operation("mergeCustomers", id=b, mergeIds=[a], creditLimitReason="one"),
        ),
        "customer is restored": ("key", operation("restoreCustomer", id=ids["gone"])),
        "customer is destroyed": ("gone", operation("destroyCustomer", id=c)),
        "upsert by e-mail": ("upsert", operation("upsertCustomers", matchBy="EMAIL", items=[new])),
        "upsert by name": ("upsert", operation("upsertCustomers", matchBy="NAME", items=[new])),
        "upsert by external id": (
            "upsert key",
            operation("upsertCustomers", items=[{"name": "Nora", "externalIds": known}]),
        ),
        "create with that external id": ("key", operation("createCustomer", name="Noel", externalIds=known)),
        "upsert of two in one order": (
            "upsert-order",
            operation("upsertCustomers", matchBy="ID", items=[{"id": a, "region": "X"}, {"id": b, "region": "X"}]),
        ),
        "upsert of two in the other": (
            "upsert-order city",
            operation("upsertCustomers", matchBy="ID", items=[{"id": b, "region": "Y"}, {"id": a, "region": "Y"}]),
        ),
        "contact is created": ("gone", operation("createContact", name="Fritz", customerId=c)),
        "user joins the team": ("member", operation("createAccountTeamMember", customerId=a, userId=ids["user"])),
        "the same user is put into it": (
            "member",
            operation(
                "upsertAccountTeamMembers",
                matchBy="CUSTOMER_AND_USER",
                items=[{"customerId": a, "userId": ids["user"], "role": "Partner"}],
            ),
        ),
        "the same user joins it": (
            "member",
            operation("createAccountTeamMember", customerId=a, userId=ids["user"], role="Engineer"),
        ),
        "user with an address": ("address", operation("createUser", name="Nele", email="nele@n.example")),
        "another with the same": ("address", operation("createUser", name="Nora", email="NELE@n.example")),
        "opportunity goes to another customer": ("tie", operation("updateOpportunity", id=o2, customerId=b)),
        "sale of that opportunity": (
            "tie",
            operation(
                "createTransaction",
                customerId=a,
                opportunityId=o2,
                occurredOn="2025-03-01",
                actualAmount=money(1),
            ),
        ),
        "contact reports to another": (
            "contact-tree",
            operation("updateContact", id=ids["dora"], reportsToId=ids["emil"]),
        ),
        "the other reports to it": (
            "contact-tree",
            operation("updateContact", id=ids["emil"], reportsToId=ids["dora"]),
        ),
        "manager below another": ("user-tree", operation("updateUser", id=ids["manager"], managerId=ids["other_user"])),
        "the other below the user": ("user-tree", operation("updateUser", id=ids["other_user"], managerId=ids["user"])),
        "team below another": ("team-tree", operation("updateTeam", id=ids["north"], parentId=ids["south"])),
        "the other below the team": ("team-tree", operation("updateTeam", id=ids["south"], parentId=ids["north"])),
        "won at once": (
            "limit",
            operation("createOpportunity", name="o3", customerId=a, stageId=stages["F"], expectedAmount=money(60)),
        ),
        "it gets an opportunity": ("gone", operation("createOpportunity", name="o5", customerId=a)),
        "opportunity is won": ("limit step", operation("moveOpportunity", id=o1, stageKey="F")),
        "a sister's deal is won": ("group", operation("moveOpportunity", id=ids["sister_deal"], stageKey="F")),
        "a brother's deal is won": ("group", operation("moveOpportunity", id=ids["brother_deal"], stageKey="F")),
        "the brother leaves the group": ("group", operation("updateCustomer", id=ids["brother"], parentId=None)),
        "another is won": ("limit", operation("moveOpportunity", id=o2, stageKey="F")),
        "opportunity grows": ("limit step", operation("updateOpportunity", id=o1, expectedAmount=money(90))),
        "opportunity is committed": (
            "limit step",
            operation("updateOpportunity", id=o1, forecastCategoryOverride="COMMIT"),
        ),
        "another is committed": ("limit", operation("updateOpportunity", id=o2, forecastCategoryOverride="COMMIT")),
        "hold is placed": ("limit hold", operation("placeCreditHold", customerId=a, reason="cheque")),
        "another hold is placed": ("hold", operation("placeCreditHold", customerId=a, reason="rumours")),
        "it is pushed": ("step", operation("updateOpportunity", id=o1, expectedCloseDate="2025-08-31")),
        "it is lost": (
            "step",
            operation("updateOpportunity", id=o1, status="LOST", lossReason="PRICE", lossSummary="too dear"),
        ),
        "it goes back": ("step", operation("moveOpportunity", id=o1, stageKey="C")),
        "it enters a stage": ("stage", operation("moveOpportunity", id=o1, stageKey="E")),
        "it is deleted": ("step", operation("deleteOpportunity", id=o1)),
        "it is destroyed": ("step", operation("destroyOpportunity", id=o1)),
        "it gets a key person": (
            "step",
            operation("createOpportunityContact", opportunityId=o1, contactId=ids["dora"], buyingRole="DECISION_MAKER"),
        ),
        "opportunity without a stage": ("stage", operation("createOpportunity", name="o4")),
        "first stage is deleted": ("stage", operation("deleteStage", id=stages["A"])),
        "stage is created": ("stage", operation("createStage", name="Gain", **stage)),
        "the same stage": ("stage", operation("createStage", name="Gift", **stage)),
        "stage is worth more": ("stage step", operation("updateStage", id=stages["B"], winProbability="41")),
        "stage is deleted": ("stage", operation("deleteStage", id=stages["E"])),
        "rate is created": ("rate", operation("createExchangeRate", **rate)),
        "rate is moved to the same day": (
            "rate",
            operation("updateExchangeRate", id=ids["rate"], validFrom="2025-06-01"),
        ),
        "sale is entered": ("value", operation("createTransaction", actualAmount=money(700), **sale)),
        "sale in dollars": ("rate value", operation("createTransaction", actualAmount=money(10, "USD"), **sale)),
        "sale is corrected": ("value", operation("updateTransaction", id=ids["sale"], actualAmount=money(50))),
        "sale is of another": ("value", operation("updateTransaction", id=ids["sale"], customerId=b)),
        "sale is deleted": ("value", operation("deleteTransaction", id=ids["sale"])),
        "talk with a contact": (
            "talk",
            operation("logInteraction", channel="PHONE", summary="Hello", contactId=ids["dora"]),
        ),
        "talk with a follow-up": (
            "talk",
            operation(
                "logInteraction", channel="EMAIL", summary="Hm", opportunityId=o1, followUp={"subject": "Call back"}
            ),
        ),
        "task is completed": ("task", operation("completeTask", id=ids["task"], outcome="done")),
        "task is changed": ("task", operation("updateTask", id=ids["task"], status="CANCELLED")),
        "target is set": ("target", operation("createSalesTarget", value="1", **target)),
        "target is restored": ("target", operation("restoreSalesTarget", id=ids["target"])),
        "invoice is written": ("score invoice", operation("createReceivable", number="2", opportunityId=o1, **invoice)),
        "invoice is paid": (
            "score invoice",
            operation("updateReceivable", id=ids["invoice"], settledOn="2025-06-01"),
        ),
        "most of it is paid": ("score invoice", operation("createPayment", amount=money(15), **payment)),
        "the rest is paid": ("score invoice", operation("createPayment", amount=money(5), **payment)),
        "more than the rest is paid": ("invoice", operation("createPayment", amount=money(10), **payment)),
        "invoice becomes smaller": ("invoice", operation("updateReceivable", id=ids["invoice"], amount=money(12))),
        "invoice is deleted": ("invoice", operation("deleteReceivable", id=ids["invoice"])),
        "risk is set by hand": (
            "score",
            operation("overrideCreditRisk", customerId=a, risk="HIGH", reason="rumours"),
        ),
        "credit is reviewed": ("score", operation("reviewCredit", customerId=a, note="fine")),
        "all are evaluated": ("score", operation("evaluateCredit")),
        "purchases of a year are entered": ("year", operation("createPurchaseTotal", total=money(900), **of_year)),
        "others of the same year": ("year", operation("createPurchaseTotal", total=money(800), **of_year)),
        "target of the year is set": ("year", operation("createCustomerTarget", targetRevenue=money(5), **of_year)),
        "another of the same year": (
            "year",
            operation("createCustomerTarget", targetShare="5", kind="SHARE_OF_WALLET", **of_year),
        ),
        "target by class": (
            "year value",
            operation("createCustomerTarget", targetRevenue=money(5), customerId=b, year=2025),
        ),
        "hours are budgeted": ("budget", operation("createResourceBudget", **budget)),
        "the same hours are": ("budget", operation("createResourceBudget", **budget)),
        "customer is assessed": ("assessment", operation("createValueAssessment", brandScore="80", **assessed)),
        "customer is assessed again": ("assessment", operation("createValueAssessment", brandScore="20", **assessed)),
        "assessment is deleted": ("assessment", operation("deleteValueAssessment", id=ids["assessment"])),
        "customer is lost": (
            "assessment city",
            operation("updateCustomer", id=a, relationshipClass="LOST", lostReason="Moved away"),
        ),
        "tiers are recomputed": ("value", operation("recomputeValueTiers")),
        "tier is set by hand": ("value", operation("overrideValueTier", customerId=a, tier="SMALL", reason="so")),
        "user submits": ("forecast", operation("submitForecast", userId=ids["user"], periodStart="2025-06-01")),
        "manager submits": ("forecast", operation("submitForecast", userId=ids["manager"], periodStart="2025-06-01")),
        "line is adjusted": ("forecast", operation("adjustForecast", lineId=ids["line"], amount="5", reason="hope")),
        "snapshot is taken": ("forecast", operation("takePipelineSnapshot", name="now")),
        "survey is opened": ("survey", operation("openSurvey", surveyId=ids["draft"])),
        "survey turns anonymous": ("survey", operation("updateSurvey", id=ids["draft"], isAnonymous=True)),
        "survey is closed": ("invite", operation("closeSurvey", surveyId=ids["open"])),
        "survey invites": ("invite", operation("inviteToSurvey", surveyId=ids["open"])),
        "another invites": ("invite", operation("inviteToSurvey", surveyId=ids["other"])),
        "survey is answered": ("answer", operation("answerSurvey", token=ids["token"], answers=answer)),
        "answer is entered": (
            "answer",
            operation("recordSurveyResponse", surveyId=ids["asked"], customerId=b, answers=answer),
        ),
        "another answer is entered": (
            "answer invite",
            operation("recordSurveyResponse", surveyId=ids["open"], customerId=b, answers=of_open),
        ),
        **{
            f"question {place} is answered": (
                "response",
                operation("createSurveyAnswer", responseId=ids["response"], questionId=question, score="6"),
            )
            for place, question in enumerate(ids["items"], 1)
        },
        "results are recomputed": ("answer", operation("recomputeSatisfaction")),
    }
