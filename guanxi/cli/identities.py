"""The command `guanxi identities`: which user somebody is who signs in by a token."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from core.base.errors import InputError
from core.base.sentences import sentence
from guanxi.cli.asking import ask, moment
from guanxi.cli.console import naming, out

commands = typer.Typer(help="Link those who sign in by tokens to users.", no_args_is_help=True)

_LINK = """mutation ($input: LinkIdentityInput!) {
  linkIdentity(input: $input) { userIdentity { id user { id name } } userErrors { message } }
}"""
_UNLINK = """mutation ($input: UnlinkIdentityInput!) {
  unlinkIdentity(input: $input) { userErrors { message } }
}"""
_LIST = """query ($after: String) {
  userIdentities(first: 1000, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id issuer subject user { id name } createdAt createdBy }
  }
}"""
_USERS = """query ($email: String) { users(where: {email: {eq: $email}}) { nodes { id } } }"""


@commands.command(epilog="Example: guanxi identities link https://sign-in.example 00u1a ann@example.com")
def link(
    issuer: Annotated[str, typer.Argument(help="The issuer, as its tokens name it in `iss`; or plugin:NAME.")],
    subject: Annotated[str, typer.Argument(help="The person, as the issuer names them in `sub`.")],
    user: Annotated[str, typer.Argument(help="The user that person is: its id or e-mail address.")],
) -> None:
    """Link somebody whom an issuer of tokens knows to the user that person is."""
    given = {"issuer": issuer, "subject": subject, "userId": _user_id(user)}
    linked = ask(_LINK, {"input": given})["userIdentity"]
    out.print(f"{linked['id']}: {escape(subject)} is {escape(linked['user']['name'])} ({linked['user']['id']})")


@commands.command(name="list", epilog="Example: guanxi identities list")
def list_identities() -> None:
    """List who is linked to which user, when that was done and by whom."""
    table = Table(naming("id"), "issuer", "subject", "user", "linked", "by", box=None)
    after, more = None, True
    while more:
        page = ask(_LIST, {"after": after})
        for one in page["nodes"]:
            user = f"{escape(one['user']['name'])} ({one['user']['id']})" if one["user"] else "deleted"
            row = (one["id"], escape(one["issuer"]), escape(one["subject"]), user)
            table.add_row(*row, moment(one["createdAt"]), one["createdBy"])
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    if not out.is_terminal:  # a pipe has no width: a link stays one line, as grep wants it
        out.width = 300
    out.print(table)


@commands.command(epilog="Example: guanxi identities unlink idn_01h455vb4pex5vsknk084sn02q")
def unlink(id: Annotated[str, typer.Argument(help="Id of the link.")]) -> None:
    """Remove such a link; the person can no longer sign in by it."""
    ask(_UNLINK, {"input": {"id": id}})
    out.print("removed")


def _user_id(user: str) -> str:
    """The id of a user that is named by it, or by the only address that has it.

    Raises:
        InputError: there is none, or more than one.
    """
    if "@" not in user:
        return user
    found = ask(_USERS, {"email": user})["nodes"]
    if len(found) != 1:
        raise InputError(
            sentence("{user}: {value} users have this address; give the id of one", user=user, value=len(found) or "no")
        )
    return str(found[0]["id"])
