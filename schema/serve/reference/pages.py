"""The pages of the schema: an index, a page per type, and what a search finds."""

import json
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import quote

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    ast_from_value,
    print_ast,
)

from core.base.languages import Language
from core.base.sentences import Sentence, sentence
from core.records.record import CORE
from schema.catalog.catalog import Catalog
from schema.serve.reference.examples import examples
from schema.serve.reference.origins import Origins, fields_of

#: So many results of a search, and so many users of a type, are shown.
_MOST = 200

_STYLE = """
:root { color-scheme: light dark; --paper: light-dark(#f7f6f3, #15171a); --sheet: light-dark(#fff, #1d2024);
  --ink: light-dark(#1f2328, #e8e6e1); --soft: light-dark(#5d636b, #a3a8af); --line: light-dark(#e2dfd8, #30343a);
  --accent: light-dark(#0b6b5f, #58c4b0); --tint: light-dark(#e1f1ee, #17332f); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: center;
  padding: .75rem max(1rem, 50vw - 31rem); background: var(--paper); border-bottom: 1px solid var(--line); }
header a:first-child { color: var(--ink); font-weight: 700; }
header form { flex: 1 1 16rem; display: flex; gap: .5rem; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem 1rem 4rem; }
input { flex: 1; min-width: 6rem; }
input, button { min-height: 2.5rem; padding: 0 .75rem; color: inherit; font: inherit;
  background: var(--sheet); border: 1px solid light-dark(#8c8f94, #70757c); border-radius: 8px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); } a:not(:hover, :focus) { text-decoration: none; }
h1 { margin: 1rem 0 .5rem; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .75rem; font-size: 1.125rem; } h3 { margin: 1rem 0 .25rem; font-size: 1rem; }
h1 small, .from { color: var(--soft); font-size: .8rem; font-weight: normal; }
.from { color: var(--ink); padding: .1rem .5rem; background: var(--tint); border-radius: 1rem; white-space: nowrap; }
code, pre { font: .9em/1.5 ui-monospace, monospace; } code { overflow-wrap: anywhere; }
dt code:first-child { font-weight: 700; }
pre, dl, main > ul, main > details { margin: .75rem 0; padding: .75rem 1.25rem; background: var(--sheet);
  border: 1px solid var(--line); border-radius: 10px; } pre { overflow: auto; }
main > ul { list-style: none; } main > ul > li { padding: .25rem 0; } summary { cursor: pointer; }
dt { padding-top: .75rem; scroll-margin-top: 5rem; } dt:target { color: var(--accent); }
dd { margin: 0; padding: .1rem 0 .75rem; color: var(--soft); }
dd:not(:last-child) { border-bottom: 1px solid var(--line); }
dd ul { margin: .25rem 0; padding-left: 1.25rem; }
.names { columns: 15rem; padding-left: 0; list-style: none; }
"""
_DIGEST = b64encode(sha256(_STYLE.encode()).digest()).decode()
#: Nothing runs on them, and the search is the only form.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_KINDS = {
    GraphQLObjectType: sentence("object"),
    GraphQLInputObjectType: sentence("input"),
    GraphQLEnumType: sentence("enumeration"),
    GraphQLScalarType: sentence("scalar"),
    GraphQLInterfaceType: sentence("interface"),
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """What can be found: a type, or one of its fields or values."""

    kind: str
    name: str
    owner: str
    description: str

    @property
    def label(self) -> str:
        return f"{self.kind}.{self.name}" if self.name else self.kind


class Pages:
    """The pages of one app in one language.

    Attributes:
        names: the types there is a page of.
    """

    def __init__(
        self, schema: GraphQLSchema, catalog: Catalog, origins: Origins, language: Language, *, graphiql: bool
    ) -> None:
        self._schema = schema
        self._catalog = catalog
        self._origins = origins
        self._language = language
        self._graphiql = graphiql
        self.names = sorted(name for name in schema.type_map if not name.startswith("__"))

    # Pages

    def index(self) -> str:
        """The page with which to begin."""
        place = _Place("schema/", "")
        about, _, conventions = (self._schema.description or "").partition("\n\n")
        roots = self._origins.roots
        records = sorted(self._catalog.records.values(), key=lambda record: record.name)
        shown = {*self._roots, *self._catalog.records}
        rest: dict[Sentence, list[str]] = defaultdict(list)
        for name in self.names:
            if name not in shown:
                rest[_kind(self._schema.type_map[name])].append(name)
        body = [
            f"<h1>{self._said(sentence('Schema'))}</h1>",
            _prose(about),
            f"<details><summary>{self._said(sentence('Conventions'))}</summary>{_prose(conventions)}</details>",
            self._heading(sentence("Operations")),
            _list(f"{place.type(root.name)} {_inline(root.description)}" for root in roots),
            self._heading(sentence("Records")),
            _list(
                f"{place.type(record.name)} {self._from(record.owner)} {_inline(record.description)}"
                for record in records
            ),
            *self._plugins(place),
        ]
        for kind, names in rest.items():
            title = f"{self._said(kind)} ({len(names)})"
            links = _list((place.type(name) for name in names), "names")
            body.append(f"<details><summary>{title}</summary>{links}</details>")
        return self._page(place, self._said(sentence("Schema")), body)

    def type(self, name: str) -> str:
        """The page of a type."""
        place = _Place("", "../")
        kind = self._schema.type_map[name]
        badges = f"<small>{self._said(_kind(kind))}</small> {self._from(self._origins.of_type(name))}"
        body = [f"<h1>{escape(name)} {badges}</h1>", _prose(kind.description or "")]
        if getattr(kind, "is_one_of", False):
            body.append(f"<p>{self._said(sentence('Exactly one of these is to be given.'))}</p>")
        if isinstance(kind, GraphQLEnumType):
            body.append(self._heading(sentence("Values")))
            values = kind.values.items()
            body.append(_definitions((value, "", _inline(given.description)) for value, given in values))
        record = self._catalog.records.get(name)
        if record is not None:
            title = f"<summary>{self._said(sentence('Examples'))}</summary>"
            body.append(f"<details>{title}{''.join(self._examples(place, record))}</details>")
        if fields_of(kind):
            body.append(self._heading(sentence("Fields")))
            body.append(_definitions(self._field(place, kind, *field) for field in fields_of(kind).items()))
        users = self._origins.users.get(name, [])
        if users:
            links = [place.field(user, field) for user, field in users[:_MOST]]
            links += [f"… {len(users) - _MOST}"] if len(users) > _MOST else []
            body += [self._heading(sentence("Where it is used")), _list(links, "names")]
        return self._page(place, name, body)

    def found(self, text: str) -> str:
        """What a search finds: types and fields, by words of their names, their descriptions and their plugins."""
        place = _Place("schema/", "")
        words = text.lower().split()
        ranked = [(rank, entry) for entry in self._entries if (rank := self._rank(entry, words)) is not None]
        ranked.sort(key=lambda found: (found[0], len(found[1].label), found[1].label))
        rows = _list(
            f"{place.field(entry.kind, entry.name) if entry.name else place.type(entry.kind)} "
            f"{self._from(entry.owner)} {_inline(entry.description)}"
            for _, entry in ranked[:_MOST]
        )
        found = sentence("{count:,} found for {text}", count=len(ranked), text=text)
        return self._page(place, text, [f"<h1>{self._said(found)}</h1>", rows], text)

    def refusal(self, message: str, *, below: bool) -> str:
        """A page that says why there is none."""
        place = _Place("", "../") if below else _Place("schema/", "")
        said = self._language.said(message)
        log_in = f'<a href="{place.up}../">{self._said(sentence("Log in at the page, then come back."))}</a>'
        title = self._said(sentence("Schema"))
        return self._page(place, title, [f"<h1>{title}</h1>", f"<p>{_inline(said)}</p>", f"<p>{log_in}</p>"])

    # Parts

    @cached_property
    def _entries(self) -> Sequence[_Entry]:
        found = []
        for name in self.names:
            kind = self._schema.type_map[name]
            found.append(_Entry(name, "", self._origins.of_type(name), kind.description or ""))
            for field, given in fields_of(kind).items():
                found.append(_Entry(name, field, self._origins.of_field(kind, given), given.description or ""))
            if isinstance(kind, GraphQLEnumType):
                owner = self._origins.of_type(name)
                found += [_Entry(name, one, owner, value.description or "") for one, value in kind.values.items()]
        return found

    def _rank(self, entry: _Entry, words: Sequence[str]) -> int | None:
        """How far an entry is from what is sought; None where a word is missing."""
        label, text = entry.label.lower(), f"{entry.owner} {entry.description}".lower()
        if not all(word in label or word in text for word in words):
            return None
        name = (entry.name or entry.kind).lower()
        # What is made of records, such as their filters and inputs, comes after the records and the operations.
        rank = 0 if entry.kind in self._catalog.records or entry.kind in self._roots else 2
        if name == "".join(words):
            return rank
        if any(name.startswith(word) for word in words):
            return rank + 1
        return rank + 2 if all(word in label for word in words) else rank + 3

    @cached_property
    def _roots(self) -> frozenset[str]:
        return frozenset(root.name for root in self._origins.roots)

    def _plugins(self, place: "_Place") -> Iterator[str]:
        """What each plugin adds to the records of others, and which records it brings."""
        if self._catalog.versions:
            yield self._heading(sentence("Plugins"))
        for plugin, version in self._catalog.versions.items():
            records = self._catalog.records.values()
            own = [place.type(record.name) for record in records if record.owner == plugin]
            added = [
                place.field(record.name, field.name)
                for record in records
                for field in record.fields.values()
                if field.owner == plugin and record.owner != plugin
            ]
            operations = [
                place.field(root.name, name)
                for root in self._origins.roots
                for name, field in root.fields.items()
                if self._origins.of_field(root, field) == plugin
            ]
            links = _list([*own, *added, *operations], "names")
            yield f"<details><summary>{escape(plugin)} {escape(version)}</summary>{links}</details>"

    def _field(self, place: "_Place", kind: GraphQLNamedType, name: str, given: Any) -> tuple[str, str, str]:
        """A field as a term, what stands behind it, and its explanation."""
        arguments = getattr(given, "args", {})
        default = ""
        if getattr(given, "default_value", Undefined) is not Undefined:
            default = f" = {_literal(given)}"
        owner = self._origins.of_field(kind, given)
        whose = "" if owner == self._origins.of_type(kind.name) else self._from(owner)
        behind = f"<code>: {place.types(str(given.type))}{default}</code> {whose}"
        parts = [_inline(given.description)]
        if given.deprecation_reason:
            parts.append(f"<p><b>{self._said(sentence('Deprecated'))}</b>: {_inline(given.deprecation_reason)}</p>")
        if arguments:
            parts.append(
                _list(
                    f"<code>{escape(argument)}: {place.types(str(one.type))}</code> {_inline(one.description)}"
                    for argument, one in arguments.items()
                )
            )
        return name, behind, "".join(parts)

    def _examples(self, place: "_Place", record: Any) -> Iterator[str]:
        for example in examples(self._schema, record):
            yield f"<h3>{self._said(example.title)}</h3><pre>{escape(example.text)}</pre>"
            if example.variables:
                yield f"<pre>{escape(json.dumps(example.variables, indent=2))}</pre>"
            if self._graphiql:
                address = f"{place.up}../graphql#query={quote(example.text)}"
                yield f'<p><a href="{address}">{self._said(sentence("Open it in GraphiQL"))}</a></p>'

    def _page(self, place: "_Place", title: str, body: Iterable[str], searched: str = "") -> str:
        search = self._said(sentence("Search"))
        links = [
            f'<a href="{place.up}../">guanxi</a>',
            f'<a href="{place.up}schema">{self._said(sentence("Schema"))}</a>',
        ]
        if self._graphiql:
            links.append(f'<a href="{place.up}../graphql">GraphiQL</a>')
        return (
            f'<!doctype html><html lang="{self._language.tag}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width"><title>{escape(title)} · guanxi</title>'
            f"<style>{_STYLE}</style><header>{' '.join(links)}"
            f'<form action="{place.up}schema" role="search"><input type="search" name="search" aria-label="{search}" '
            f'value="{escape(searched)}"><button>{search}</button></form></header><main>{"".join(body)}</main></html>'
        )

    def _heading(self, text: Sentence) -> str:
        return f"<h2>{self._said(text)}</h2>"

    def _from(self, owner: str) -> str:
        """Which plugin something comes from; nothing for the core."""
        return "" if owner == CORE else f'<span class="from">{escape(owner)}</span>'

    def _said(self, text: Sentence) -> str:
        return escape(self._language.said(text))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page is, for links relative to it, whatever path the server is below.

    Attributes:
        types_at: leads to the pages of types.
        up: leads to the folder of `/graphql/schema`.
    """

    types_at: str
    up: str

    def type(self, name: str) -> str:
        """A link to the page of a type."""
        return f'<a href="{self.types_at}{name}">{name}</a>'

    def field(self, kind: str, name: str) -> str:
        """A link to a field on the page of its type."""
        return f'<a href="{self.types_at}{kind}#{name}">{kind}.{name}</a>'

    def types(self, spelled: str) -> str:
        """A type as it is spelled, its name a link."""
        return re.sub(r"\w+", lambda name: self.type(name.group()), spelled)


def _kind(kind: GraphQLNamedType) -> Sentence:
    """What a type is called."""
    return next(said for made, said in _KINDS.items() if isinstance(kind, made))


def _list(items: Iterable[str], kind: str = "") -> str:
    rows = "".join(f"<li>{item}</li>" for item in items)
    return f'<ul class="{kind}">{rows}</ul>' if kind else f"<ul>{rows}</ul>"


def _definitions(items: Iterable[tuple[str, str, str]]) -> str:
    rows = (f'<dt id="{name}"><code>{name}</code>{behind}</dt><dd>{text}</dd>' for name, behind, text in items)
    return f"<dl>{''.join(rows)}</dl>"


def _inline(text: str | None) -> str:
    """A text on one line, code between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join((text or "").split())))


def _prose(text: str) -> str:
    """A text of paragraphs and lists."""
    found = []
    for block in text.split("\n\n"):
        before, *items = re.split(r"(?:^|\n)- ", block)
        found.append(f"<p>{_inline(before)}</p>" if before.strip() else "")
        found.append(_list(map(_inline, items)) if items else "")
    return "".join(found)


def _literal(given: Any) -> str:
    node = ast_from_value(given.default_value, given.type)
    return escape(print_ast(node)) if node is not None else "null"
