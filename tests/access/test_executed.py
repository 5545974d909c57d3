"""One of each kind of the matrix's cells, executed: each path and each mutation, by who may, who may not, and nobody.

The questions are those of the matrix, made from the catalog; each kind takes the first of them that tells something.
"""

import re
from collections.abc import Iterator

from graphql import get_named_type, is_required_input_field

from core.access.permissions import DEFAULTS, Right
from core.base.actors import Actor, ActorKind
from core.records.vocabulary import UserRole
from tests.access.paths import Paths, Question

PARTNER = UserRole.PARTNER
MUTATIONS = {
    "create": Right.CREATE,
    "update": Right.CHANGE,
    "delete": Right.DELETE,
    "restore": Right.DELETE,
    "destroy": Right.DESTROY,
}
#: What the matrix, which has no records, asks for by id.
_UNKNOWN = re.compile(r"[a-z]+_0{26}")
#: Of each kind so many are looked at until one is found about which there is something to be seen.
MOST = 40


def questions(paths: Paths) -> Iterator[Question]:
    """All questions, with one use each, so that a condition is met by something."""
    yield from paths.selections
    for path in paths.uses:
        for use in path.uses:
            yield path.asked([use])


def by_path(paths, wanted) -> dict[str, list[Question]]:
    found: dict[str, list[Question]] = {}
    for question in questions(paths):
        of_path = found.setdefault(question.path, [])
        if len(of_path) < MOST and wanted(question):
            of_path.append(question)
    return found


def is_empty(value) -> bool:
    """Whether there is nothing in an answer: no row, no count, no value."""
    if isinstance(value, dict):
        return all(map(is_empty, value.values()))
    return all(map(is_empty, value)) if isinstance(value, list) else not value


def test_each_path_is_executed_by_who_may_who_may_not_and_who_owns_nothing(house):
    app = house.client.app
    paths, owned = Paths(app.catalog, app.assembled.graphql), app.catalog.ownerships
    nobody = house.client.acting_as(
        house.user("Nob", "ACCOUNT_MANAGER", None, None), {"*.read:own", "personal", "credit", "value"}
    )
    every = {question.path for question in questions(paths)}

    # What relations that are asked about lead to.
    for whose in ("ann", "par"):
        customer, contact = house.customers[whose], house.contacts[whose]
        house.client.create("Customer", name="Below", parentId=customer, ownerId=getattr(house, whose))
        house.client.create("Contact", name="Below", customerId=customer, reportsToId=contact)

    def by_id(question: Question, whose: str) -> str:
        """Its text, about a record that is there."""
        ids = {"Customer": house.customers, "Contact": house.contacts, "Opportunity": house.opportunities}
        return _UNKNOWN.sub(ids[question.record][whose] if question.record in ids else "", question.text)

    # Who may is answered; who owns nothing, and may ask as much, finds nothing there.
    tried = by_path(paths, lambda one: one.record in owned and all(name in owned for name in one.reads))
    told = set()
    for path, asked in tried.items():
        for question in asked:
            text = by_id(question, "ann")
            if not is_empty(house.asks("adm").query(text)):
                told.add(path)
                assert is_empty(nobody.query(text)), text
                break
    assert told == every, every - told

    # Who lacks a permission is refused what needs it, and nothing of it is in the answer.
    refused = set()
    for path, (question, *_) in ((path, asked) for path, asked in by_path(paths, _needs_permission).items() if asked):
        answer = house.asks("par").execute(by_id(question, "par"))
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}, question.text
        assert not question.uses or answer["data"] is None or is_empty(answer["data"]), question.text
        refused.add(path)
    assert refused == every, every - refused


def _needs_permission(question: Question) -> bool:
    """Whether it is about a field that partners may not see, of a record that they may."""
    shown = [one.field for one in question.shown if one.field is not None]
    return any(
        one.permission in ("personal", "credit", "value") for one in (*shown, *(use.field for use in question.uses))
    )


def test_each_kind_of_mutation_is_executed_by_who_may_and_who_may_not(house):
    app = house.client.app
    fields = app.assembled.graphql.mutation_type.fields
    access = app.services.access(Actor("par", ActorKind.USER, PARTNER.value, DEFAULTS[PARTNER]))
    for prefix, right in MUTATIONS.items():
        count = 0
        for record in app.catalog.records.values():
            name = f"{prefix}{record.name}"
            if name not in fields:
                continue
            kind = get_named_type(fields[name].args["input"].type)
            required = [key for key, one in kind.fields.items() if is_required_input_field(one)]
            if not {*required} <= {"id", "name"} or access.may(record.name, right) or count == 3:
                continue
            given = {"id": f"{record.prefix}_{'0' * 26}", "name": f"By {prefix}"}
            text = f"mutation ($input: {kind.name}!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
            input = {key: given[key] for key in required}
            (error,) = house.asks("par").execute(text, input=input)["errors"]
            assert error["extensions"]["code"] == "FORBIDDEN", text
            codes = [one["code"] for one in house.asks("adm").query(text, input=input)[name]["userErrors"]]
            assert codes == ([] if prefix == "create" else ["NOT_FOUND"]), text
            count += 1
        assert count, prefix
