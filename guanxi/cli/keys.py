"""The command `guanxi keys`: API keys, by which integrations sign in."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from core.base.errors import InputError
from core.base.sentences import sentence
from core.records.vocabulary import UserRole
from guanxi.cli.asking import ask, moment
from guanxi.cli.console import err, naming, out

commands = typer.Typer(help="Create, list, rotate and revoke API keys.", no_args_is_help=True)

_KEY = "apiKey { id start name role expiresAt overlapUntil revokedAt }"
_CREATE = f"""mutation ($input: CreateApiKeyInput!) {{
  createApiKey(input: $input) {{ {_KEY} secret userErrors {{ message }} }}
}}"""
_ROTATE = f"""mutation ($input: RotateApiKeyInput!) {{
  rotateApiKey(input: $input) {{ {_KEY} secret userErrors {{ message }} }}
}}"""
_REVOKE = f"""mutation ($input: RevokeApiKeyInput!) {{
  revokeApiKey(input: $input) {{ {_KEY} userErrors {{ message }} }}
}}"""
_LIST = """query ($after: String, $where: ApiKeyWhere) {
  apiKeys(first: 1000, after: $after, where: $where) {
    pageInfo { hasNextPage endCursor }
    nodes { id start name role scopes user { name } createdAt lastUsedAt expiresAt revokedAt }
  }
}"""

_WhichKey = Annotated[str, typer.Argument(help="Its id, or how it begins, as in gx_4m7t0c2k9x.")]


@commands.command(epilog="Example: guanxi keys create --name 'web shop' --role OPPORTUNITY_ADMINISTRATOR")
def create(
    name: Annotated[str, typer.Option(help="What it is for.")],
    role: Annotated[UserRole, typer.Option(case_sensitive=False, help="The role whose permissions it has.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="A permission to which it is narrowed, such as Customer.read; may be repeated."),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Id of the user as whom it sees what its role sees of a person or team.")
    ] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, help="Days for which it is accepted.")] = None,
) -> None:
    """Create an API key and print it, this once. From the first one on, every request must carry a key or token."""
    given: dict[str, Any] = {"name": name, "role": role.value, "scopes": scope, "userId": user}
    if expires_in_days is not None:
        given["expiresAt"] = datetime.now().astimezone() + timedelta(days=expires_in_days)
    _show(ask(_CREATE, {"input": given}))


@commands.command(name="list", epilog="Example: guanxi keys list")
def list_keys(
    revoked: Annotated[bool, typer.Option("--revoked", help="List those that were revoked, too.")] = False,
) -> None:
    """List the API keys: what each is for, what it may do, and when it was last used; never the keys themselves."""
    table = Table(naming("key"), "id", "name", "role", "narrowed to", "user", "created", "last used", "ends", box=None)
    for key in _keys(None if revoked else {"revokedAt": {"isNull": True}}):
        table.add_row(
            key["start"],
            key["id"],
            escape(key["name"]),
            key["role"],
            escape(", ".join(key["scopes"])),
            escape(key["user"]["name"]) if key["user"] else "",
            moment(key["createdAt"]),
            moment(key["lastUsedAt"]) or "never",
            f"revoked {moment(key['revokedAt'])}" if key["revokedAt"] else moment(key["expiresAt"]),
        )
    if not out.is_terminal:  # a pipe has no width: a key stays one line, as grep wants it
        out.width = 300
    out.print(table)


@commands.command(epilog="Example: guanxi keys rotate gx_4m7t0c2k9x")
def rotate(
    key: _WhichKey,
    overlap_minutes: Annotated[
        int, typer.Option(min=0, max=43_200, help="Minutes for which the present key is still accepted.")
    ] = 1440,
) -> None:
    """Replace an API key and print the new one, this once; the present one is accepted for a while longer."""
    _show(ask(_ROTATE, {"input": {"id": _id_of(key), "overlapMinutes": overlap_minutes}}))


@commands.command(epilog="Example: guanxi keys revoke gx_4m7t0c2k9x")
def revoke(key: _WhichKey) -> None:
    """Revoke an API key for good; within five seconds no server accepts it."""
    revoked = ask(_REVOKE, {"input": {"id": _id_of(key)}})["apiKey"]
    out.print(f"revoked: {revoked['start']}, {escape(revoked['name'])}")


def _show(answer: Any) -> None:
    """The key alone on standard output, so that a script can keep it; the rest on standard error."""
    key = answer["apiKey"]
    out.print(answer["secret"], markup=False)
    until = f", until {moment(key['expiresAt'])}" if key["expiresAt"] else ""
    err.print(f"{key['id']}, role {key['role']}{until}. Keep it now: it is stored as a hash and not shown again.")
    if key["overlapUntil"]:
        err.print(f"The key before it is accepted until {moment(key['overlapUntil'])}.")


def _keys(where: Any) -> list[Any]:
    found: list[Any] = []
    after = None
    while True:
        page = ask(_LIST, {"after": after, "where": where})
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def _id_of(key: str) -> str:
    """The id of a key that is named by it, or by how the key begins.

    Raises:
        InputError: there is none.
    """
    if not key.startswith("gx_"):
        return key
    start = "_".join(key.split("_")[:2])
    found = _keys({"start": {"eq": start}})
    if not found:
        raise InputError(sentence("no API key begins with {start}; see `guanxi keys list --revoked`", start=start))
    return str(found[0]["id"])
