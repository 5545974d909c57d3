"""References of settings, commands, errors and roles, made from the code: `python docs/references.py` writes them."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from typer.main import get_command

from core.access.declarations import Permission
from core.access.permissions import DEFAULTS, NAMES, grant
from core.base.settings import IssuerSettings, Settings
from core.records.vocabulary import UserRole
from guanxi.cli.commands import cli

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"

#: What a client does about each code of a payload's `userErrors` and `warnings`.
USER_ERRORS = {
    "ABOVE_WHOLE": "A warning: we alone sold more than the customer is said to have bought from everybody.",
    "ALREADY_ANSWERED": "The invitation was answered before; the earlier answers stand, and these are not stored.",
    "ALREADY_EXISTS": "Another living record has what only one may have; change that one, or give another value.",
    "ALREADY_OPEN": "It is already open; nothing has to be done.",
    "AMBIGUOUS": "Several records match the row; match by id.",
    "ANONYMOUS": "The survey is anonymous, so the answer cannot name or find a person.",
    "CANNOT_MERGE": "What belongs to the records does not go together; the message says what to change first.",
    "CANNOT_UNMERGE": "The merge can no longer be undone; the message says why.",
    "CONFLICT": "Someone else was first; read the record again and repeat the change.",
    "CREDIT_HOLD": "The customer is on credit hold; have it released, or give an override.",
    "CREDIT_LIMIT_EXCEEDED": "The customer's exposure would exceed its limit; lower the amount or give an override.",
    "CYCLE": "A chain of parents would close; give another parent.",
    "DELETED": "The record is deleted; restore it first.",
    "DUPLICATE": "It is likely there already; look at that one, merge them, or say `allowDuplicates: true`.",
    "EXTERNAL_ID_TAKEN": "Another living record has that external id; leave it out, or change that record.",
    "FORBIDDEN": "Your role does not allow it with this record or field; ask somebody whose role does.",
    "HIGH_CREDIT_RISK": "The customer's credit is at risk; give an override if the change is wanted all the same.",
    "IMMUTABLE": "It can no longer change; make a new one.",
    "INVALID": "The value is not possible; the message says what is.",
    "LEFT_OUT": "A warning: there may be only one like it, so the one of the merged record was deleted.",
    "MERGED": "The record was merged into another; use that one, or undo the merge by `unmerge`.",
    "NOT_DELETED": "Only a deleted record can be restored.",
    "NOT_FOUND": "Nothing has that id; give one that exists.",
    "NOT_MEASURED": "A warning: nothing is known that these customers could be ranked by.",
    "NOT_ON_HOLD": "The customer is not on credit hold.",
    "NOT_OPEN": "It no longer accepts that; the message says what to do first.",
    "NOT_OVERRIDDEN": "Nothing was set by hand that could be taken back.",
    "NOT_POSSIBLE": "The data does not allow it yet; the message says what is missing.",
    "NOT_RESTORED": "A warning: it changed since the merge, so undoing that left it as it is.",
    "NO_CHANNEL": "No plugin sends messages by this channel; configure or install one that does.",
    "NO_RESPONDENTS": "Nobody is in the audience; widen it.",
    "OUT_OF_ORDER": "It comes before what it must follow; give a later moment.",
    "RATE_UNKNOWN": "No exchange rate of that day is known; create one.",
    "LEFT_BY_PLUGIN": "A warning: rows that a removed plugin left referred to what was destroyed, and were removed or "
    "lost their reference.",
    "IMPLAUSIBLE": "Possible but implausible; a warning, or refused where GUANXI_PLAUSIBILITY is REFUSE.",
    "ADJUSTMENT_KEPT": "A warning: what a manager adjusted of the submission before still holds.",
    "IN_FUTURE": "What has happened cannot be in the future; give a day or moment that is past.",
    "NOT_CURRENT": "The submission was replaced by a later one; adjust the latest one.",
    "ON_HOLD": "The customer is on credit hold already; release that first.",
    "OTHER_CUSTOMER": "The records belong to different customers; give those of one.",
    "REFERRED_TO": "Other records refer to it; move or delete them first.",
    "REJECTED": "A plugin refused the change without a code of its own.",
    "REQUIRED": "A value is needed; give one.",
    "STAGE_WINS": "The stage wins the opportunity; leave the status out, or give an earlier stage.",
    "STATUS_STEP": "That step between statuses does not exist; the message lists those that do.",
    "TAKEN": "Another living record has that value; give another.",
    "TOKEN_INVALID": "The token is unknown, used or expired.",
    "TOO_FEW_RESPONDENTS": "Too few people would answer for an anonymous survey; widen the audience.",
    "UNDELIVERABLE": "The server that sends does not take a message for this address; correct it.",
    "WON_TOO_EARLY": "The stage cannot be won from; move the opportunity first.",
}

#: What a client does about each `extensions.code` of a top-level error.
REQUEST_ERRORS = {
    "BAD_REQUEST": "The HTTP request is not a GraphQL request; the status and message say why.",
    "BAD_USER_INPUT": "An argument is not valid; the message names it and the remedy.",
    "CONFLICT": "The idempotency key was used for another request; use a new one.",
    "DOCUMENT_NOT_FOUND": "The server has no document of that hash (status 400); the message says what to do.",
    "ERASED": "Personal data was erased, also what it had been before; nobody has it any longer.",
    "FORBIDDEN": "The caller may not see or use it.",
    "GRAPHQL_PARSE_FAILED": "The document is not GraphQL.",
    "GRAPHQL_VALIDATION_FAILED": "The document or its variables do not fit the schema.",
    "INTERNAL_SERVER_ERROR": "A fault of the server; its log has the request's id.",
    "LIMIT_EXCEEDED": "The request asks for more than one request may; `extensions.limit` names the setting.",
    "NOT_FOUND": "Nothing has that id.",
    "OUTCOME_UNKNOWN": "The database was lost while a change was being committed, and cannot be asked whether it was "
    "(status 503, without `Retry-After`). Look for it, or send it again with the `idempotencyKey` it had.",
    "PLUGIN_ERROR": "A plugin failed; `extensions.plugin` names it, and the server's log has the request's id.",
    "REJECTED": "A plugin refuses; the message says why.",
    "TOO_MANY_REQUESTS": "Too many requests without a key from one address; wait as `Retry-After` says, or send a key.",
    "UNAUTHENTICATED": "The request does not prove who asks (status 401); send a valid key or token.",
    "TIMEOUT": "A statement took longer than it may and was cancelled; ask for less, or filter by an indexed field.",
    "UNAVAILABLE": "The database, or what proves who asks, cannot be used now: it is down, full, read-only or busy "
    "(status 503). Nothing was written, unless the error is about a field of a payload; send it again after "
    "`Retry-After`. Where that header is missing, another field of the same request may have been written.",
}

_CALLS = {"UserError", "problem", "refuse"}
_CODE = re.compile(r"[A-Z][A-Z_]+")


def settings() -> str:
    """The page of settings."""
    lines = [
        "# Settings",
        "",
        "Environment variables, or lines of a file `.env` in the working directory. An unknown name stops the start.",
        "",
        "## The core",
        "",
        *_table("GUANXI_", Settings),
        "",
        "## An issuer of tokens",
        "",
        "Under a name of your choice; [security](../security.md) has an example.",
        "",
        *_table("GUANXI_ISSUERS__NAME__", IssuerSettings),
    ]
    for point in sorted(entry_points(group="guanxi.plugins"), key=lambda point: point.name):
        if point.value.startswith("plugins."):
            plugin = point.load()
            title = plugin.name.replace("_", " ").capitalize()
            lines += ["", f"## {title}", "", *_table(f"GUANXI_PLUGINS__{plugin.name.upper()}__", plugin.settings)]
    return _page(lines)


def _table(prefix: str, model: type[BaseModel]) -> Iterator[str]:
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    for name, field in model.model_fields.items():
        default = "" if field.is_required() else field.get_default(call_default_factory=True)
        shown = default.model_dump(mode="json") if isinstance(default, BaseModel) else default
        text = "" if shown in ("", {}, []) else f"`{_plain(shown)}`"
        yield f"| `{prefix}{name.upper()}` | {text} | {(field.description or '').replace('|', '/')} |"


def _plain(value: Any) -> str:
    is_plain = not isinstance(value, dict | list | tuple)
    text = str(getattr(value, "value", value)) if is_plain else json.dumps(value, default=str)
    return text.replace("|", "/")


def commands() -> str:
    """The page of commands."""
    root = get_command(cli)
    lines = ["# Commands", "", "Errors are one line on standard error, and exit code 1.", ""]
    for path, command in _commands(root, ("guanxi",)):
        context = typer.Context(command, info_name=" ".join(path))
        lines += [f"## `{' '.join(path)}`", "", (command.help or "").replace("\b\n", "").strip(), ""]
        rows = [_option(option, context) for option in command.params if not getattr(option, "hidden", False)]
        if rows:
            lines += ["| option | default | meaning |", "|---|---|---|", *rows, ""]
    return _page(lines)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", {})
    if not children:
        yield path, command
    for name, child in children.items():
        yield from _commands(child, (*path, name))


def _option(option: Any, context: Any) -> str:
    name = option.name.upper() if option.param_type_name == "argument" else ", ".join(option.opts)
    default = option.get_default(context)
    shown = "" if default in (None, False) or callable(default) else f"`{_plain(default)}`"
    return f"| `{name}` | {shown} | {' '.join((option.help or '').split()).replace('|', '/')} |"


def errors() -> str:
    """The page of errors."""
    lines = [
        "# Errors",
        "",
        "A message always names the field, the value and the remedy. Rely on the codes; messages may be reworded.",
        "`params` of a user error has the values of its message by name, for a message of your own.",
        "",
        "## In `userErrors` and `warnings` of a payload",
        "",
        "What a user can fix, or is warned about. `field` is the path to the input field, `plugin` says who refuses.",
        "",
        "| code | what to do |",
        "|---|---|",
        *(f"| `{code}` | {meaning} |" for code, meaning in sorted(USER_ERRORS.items())),
        "",
        "## In `extensions.code` of a top-level error",
        "",
        "| code | what it means |",
        "|---|---|",
        *(f"| `{code}` | {meaning} |" for code, meaning in sorted(REQUEST_ERRORS.items())),
    ]
    return _page(lines)


def roles() -> str:
    """The page of roles and permissions."""
    declared = [
        (point.name, one)
        for point in sorted(entry_points(group="guanxi.plugins"), key=lambda point: point.name)
        if point.value.startswith("plugins.")
        for one in getattr(point.load()(), "register_permissions", tuple)()
        if isinstance(one, Permission)
    ]
    lines = [
        "# Roles",
        "",
        "What each role may do by default. [Access control](../access.md) says how permissions are written.",
        "",
        "| role | records | names |",
        "|---|---|---|",
    ]
    for role, permissions in DEFAULTS.items():
        is_all = role is UserRole.ADMINISTRATOR
        names = sorted(one for one in permissions if grant(one) is None)
        names += sorted(one.name for _, one in declared if is_all or role in one.roles)
        grants = sorted(one for one in permissions if grant(one) is not None)
        lines.append(f"| `{role}` | {_listed(grants)} | {_listed(names)} |")
    lines += ["", "## Names", "", "| name | of | what it allows |", "|---|---|---|"]
    lines += [f"| `{name}` | the core | {text} |" for name, text in NAMES.items()]
    for plugin, one in declared:
        also = f" With it come {_listed(one.grants)}." if one.grants else ""
        lines.append(f"| `{one.name}` | {plugin} | {one.description}{also} |")
    return _page(lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def user_error_codes() -> dict[str, set[str]]:
    """Every code that the code gives a user error, with the files that do."""
    found: dict[str, set[str]] = defaultdict(set)
    for package in ("core", "schema", "guanxi", "plugins"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _CALLS:
                    for argument in node.args[:2]:
                        for part in ast.walk(argument) if not isinstance(argument, ast.JoinedStr) else ():
                            value = part.value if isinstance(part, ast.Constant) else None
                            if isinstance(value, str) and _CODE.fullmatch(value):
                                found[value].add(str(path.relative_to(ROOT)))
    return dict(found)


def _page(lines: list[str]) -> str:
    note = "<!-- Generated by `python docs/references.py`; a test keeps it current. -->"
    head, *rest = lines
    return "\n".join([head, "", note, *rest]).rstrip() + "\n"


PAGES = {"settings": settings, "commands": commands, "errors": errors, "roles": roles}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / f"{name}.md").write_text(page())
