"""Mutations of tests, each in one line: what is asked, and the payload that came back."""

from typing import Any

from guanxi.testing import Client

ERRORS = "userErrors { code message field plugin } warnings { code message field plugin }"


def payload(client: Client, action: str, record: str, ask: str = "id version", **given: Any) -> dict[str, Any]:
    """The payload of a mutation of one record, with the record itself under `record`."""
    if (action, record) == ("create", "Interaction"):
        action = "log"
    kind = f"{action.capitalize()}{record}Input"
    if action in ("delete", "restore", "destroy") and kind != "DeleteCustomerInput":
        kind = "TargetInput"
    one = record[0].lower() + record[1:]
    text = f"mutation ($input: {kind}!) {{ done: {action}{record}(input: $input) {{ record: {one} {{ {ask} }} {ERRORS} }} }}"
    answer: dict[str, Any] = client.query(text, input=given)["done"]
    return answer


def made(client: Client, record: str, ask: str = "id version", **given: Any) -> dict[str, Any]:
    """A new record."""
    return _taken(payload(client, "create", record, ask, **given))


def changed(client: Client, record: str, id: str, ask: str = "id version", **given: Any) -> dict[str, Any]:
    """A record after a change that was taken."""
    return _taken(payload(client, "update", record, ask, id=id, **given))


def _taken(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["userErrors"] == []
    found: dict[str, Any] = answer["record"]
    return found


def done(client: Client, action: str, record: str, id: str, **given: Any) -> dict[str, Any]:
    """The payload of a deletion, restoration or destruction that was taken."""
    answer = payload(client, action, record, id=id, **given)
    assert answer["userErrors"] == []
    return answer


def refusal(client: Client, action: str, record: str, **given: Any) -> dict[str, Any]:
    """The one error for which a mutation was refused."""
    answer = payload(client, action, record, **given)
    (error,) = answer["userErrors"]
    # Of a conflict the record is answered as somebody else has left it.
    assert answer["record"] is None or error["code"] == "CONFLICT"
    assert error["plugin"] is None
    return {name: error[name] for name in ("code", "message", "field")}


def upserted(
    client: Client, plural: str, items: list[dict[str, Any]], ask: str = "id", **options: Any
) -> dict[str, Any]:
    """The payload of an upsert, with the records themselves under `record`."""
    one = {"opportunities": "opportunity"}.get(plural, plural.removesuffix("s"))
    name = plural[0].upper() + plural[1:]
    answer: dict[str, Any] = client.query(
        f"""mutation ($input: Upsert{name}Input!) {{ done: upsert{name}(input: $input) {{
            created updated unchanged failed {ERRORS}
            results {{ index status record: {one} {{ {ask} }} }} }} }}""",
        input={"items": items, **options},
    )["done"]
    return with_rows(answer)


def with_rows(answer: dict[str, Any]) -> dict[str, Any]:
    """The payload of an upsert with the errors and warnings of each row also under its result, fields as in the row."""
    for place, result in enumerate(answer["results"]):
        way = ["items", str(place)]
        for kind in {"userErrors", "warnings"} & answer.keys():
            found = [error for error in answer[kind] if error["field"][:2] == way]
            result[kind] = [{**error, "field": error["field"][2:] or None} for error in found]
    return answer


def read(client: Client, record: str, id: str, ask: str) -> dict[str, Any] | None:
    """A living record by its id."""
    one = record[0].lower() + record[1:]
    found: dict[str, Any] | None = client.query(f"query ($id: ID!) {{ found: {one}(id: $id) {{ {ask} }} }}", id=id)[
        "found"
    ]
    return found
