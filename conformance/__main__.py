"""Tries a running server with what others make for GraphQL: `python -m conformance`.

It needs node, npm and `pip install -e '.[conformance]'`, and installs the rest into its own folder. The server has the
sample data, in a folder that is removed afterwards. `--write` puts the table into docs/conformance.md.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from graphql import build_client_schema, get_introspection_query, print_schema

from conformance.server import running

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs" / "conformance.md"


@dataclass(frozen=True)
class Tool:
    """One of those who try.

    Attributes:
        name: as it calls itself.
        packages: whose versions are shown, of npm unless `is_python`.
        what: it tries.
        commands: run in order; the last one's output is what counts.
        is_reporting: it prints a line of JSON per check; otherwise it is one check, passed if every command ends well.
    """

    name: str
    packages: Sequence[str]
    what: str
    commands: Sequence[Sequence[str]]
    is_reporting: bool = True
    is_python: bool = False


def _client(script: str) -> Sequence[str]:
    return "node", f"clients/{script}.mjs"


RELAY = ("npx", "relay-compiler", "relay.config.json")
CODEGEN = ("npx", "graphql-codegen", "--config", "codegen/codegen.json")
TADA = ("npx", "gql.tada", "generate-output")
ESLINT = ("npx", "eslint", "--max-warnings", "0", "schema.graphql")

TOOLS = (
    Tool("graphql-http", ["graphql-http"], "GraphQL over HTTP: all its audits", [_client("audits")]),
    Tool(
        "graphql-schema-linter",
        ["graphql-schema-linter"],
        "names, descriptions, Relay's types",
        [("npx", "graphql-schema-linter", "schema.graphql")],
        is_reporting=False,
    ),
    Tool(
        "graphql-eslint",
        ["@graphql-eslint/eslint-plugin"],
        "its recommended rules, those of Relay",
        [ESLINT],
        is_reporting=False,
    ),
    Tool(
        "Apollo Client",
        ["@apollo/client", "graphql-ws"],
        "pages in its cache, changes, conflicts, deletions, errors, subscriptions",
        [_client("apollo")],
    ),
    Tool(
        "urql and graphcache",
        ["@urql/core", "@urql/exchange-graphcache", "graphql-ws"],
        "the same",
        [_client("urql")],
    ),
    Tool(
        "Relay",
        ["relay-compiler", "relay-runtime", "graphql-ws"],
        "the same, `@connection`, `@deleteRecord`, `@deleteEdge`, `node`",
        [RELAY, _client("relay")],
    ),
    Tool(
        "graphql-request",
        ["graphql-request", "graphql-sse"],
        "pages, changes, conflicts, errors, subscriptions as server-sent events",
        [_client("request")],
    ),
    Tool(
        "GraphQL Code Generator",
        ["@graphql-codegen/cli", "@graphql-codegen/client-preset", "typescript"],
        "a program compiles by the types made, and a wrong one does not",
        [CODEGEN, ("npx", "tsc", "-p", ".")],
        is_reporting=False,
    ),
    Tool(
        "gql.tada",
        ["gql.tada", "typescript"],
        "the same",
        [TADA, ("npx", "tsc", "-p", "tada")],
        is_reporting=False,
    ),
    Tool(
        "examples/sync.ts",
        ["typescript"],
        "it compiles, and what it sends twice is written once",
        [("npx", "tsc", "-p", "sync"), _client("sync")],
    ),
    Tool(
        "gql for Python",
        ["gql"],
        "pages, errors, documents checked by the schema, subscriptions",
        [(sys.executable, "python_client.py")],
        is_python=True,
    ),
)


def main() -> int:
    """Runs the tools named, or all of them; returns how many found something."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=f"some of: {', '.join(tool.name for tool in TOOLS)}")
    parser.add_argument("--write", action="store_true", help="put the table into docs/conformance.md")
    asked = parser.parse_args()
    known = {tool.name: tool for tool in TOOLS}
    if unknown := [name for name in asked.tools if name not in known]:
        parser.error(f"no tool is called {', '.join(unknown)}; known are {', '.join(known)}")
    subprocess.run(
        ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"], cwd=FOLDER, check=True
    )
    rows, failures = [], 0
    with running() as url:
        (FOLDER / "schema.graphql").write_text(_schema(url))
        for tool in [known[name] for name in asked.tools] or TOOLS:
            checks = list(_checks(tool, url))
            faults = [(name, why) for name, why in checks if why is not None]
            failures += bool(faults)
            rows.append(
                f"| {tool.name} | {_versions(tool)} | {tool.what} | {len(checks) - len(faults)} of {len(checks)} |"
            )
            print(rows[-1], flush=True)
            for name, why in faults:
                print(f"    {name}: {why}")
    if asked.write:
        _write(rows)
    return failures


def _schema(url: str) -> str:
    """The schema as the server tells it."""
    body = json.dumps({"query": get_introspection_query(input_value_deprecation=True)}).encode()
    request = Request(url, body, {"content-type": "application/json"})
    with urlopen(request) as answer:
        return print_schema(build_client_schema(json.load(answer)["data"]))


def _checks(tool: Tool, url: str) -> Iterator[tuple[str, str | None]]:
    """Each check by its name, and what it found if anything."""
    said = ""
    for command in tool.commands:
        given = [*command, url] if tool.is_python else command
        done = subprocess.run(given, cwd=FOLDER, env={**os.environ, "GUANXI_URL": url}, capture_output=True, text=True)
        said = done.stdout
        if done.returncode:
            yield " ".join(command), (said + done.stderr).strip()[-2_000:]
            return
    if not tool.is_reporting:
        yield tool.what, None
        return
    found: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
    for check in found:
        yield check["name"], check["why"]
    if not found:
        yield tool.what, "it reported nothing"


def _versions(tool: Tool) -> str:
    return ", ".join(f"{package} {_version(tool, package)}" for package in tool.packages)


def _version(tool: Tool, package: str) -> str:
    if tool.is_python:
        return version(package)
    found: str = json.loads((FOLDER / "node_modules" / package / "package.json").read_text())["version"]
    return found


def _write(rows: Sequence[str]) -> None:
    """Replaces the table of the page and its date."""
    head = "| Tool | Versions | What it tries | Passed |\n|---|---|---|---:|\n"
    day = datetime.now(UTC).date().isoformat()
    table = f"<!-- results -->\nOf {day}:\n\n{head}" + "\n".join(rows) + "\n<!-- end of results -->"
    page = PAGE.read_text()
    PAGE.write_text(re.sub(r"<!-- results -->.*<!-- end of results -->", lambda _: table, page, flags=re.DOTALL))


if __name__ == "__main__":
    sys.exit(main())
