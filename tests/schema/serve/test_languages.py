"""Messages and labels in the caller's language, and catalogues that have all of them."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from string import Formatter

import orjson
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from graphql import GraphQLEnumType

from core.access.permissions import Right
from core.base.languages import TRANSLATIONS
from core.base.sentences import Sentence, noun
from core.host.folders import folder_of
from core.host.host import discover
from core.log.events import Action
from guanxi import Plugin, UserError, create_app, hookimpl, load_settings, sentence
from guanxi.testing import app_with
from schema.serve.negotiation import language_of
from schema.serve.panel_checks import checked_panels
from schema.types.builder import python_enum

ROOT = TRANSLATIONS.parent.parent
FOLDERS = (
    ROOT / "core",
    ROOT / "schema",
    *sorted(folder for folder in (ROOT / "plugins").iterdir() if folder.is_dir()),
)
#: What makes messages, of a text that comes first.
SAID = {"sentence", "term", "template"}
#: What takes a message that clients read.
ERRORS = {
    "UserError",
    "InputError",
    "MalformedError",
    "_NoValueError",
    "TooManyGroupsError",
    "RefusedAddressError",
    "NotFoundError",
    "ForbiddenError",
    "ConflictError",
    "ErasedError",
    "UnavailableError",
    "UnauthenticatedError",
    "RateLimitedError",
    "BadRequest",
    "problem",
    "doubt",
    "refuse",
    "_refusal",
    "_Faulty",
}


@pytest.fixture(scope="module")
def speaking():
    with app_with() as client:
        yield client


def asked(client, query, language=None, **variables):
    """Status, headers and answer."""
    headers = {"content-type": "application/json"} | ({} if language is None else {"accept-language": language})
    status, sent, body = client.post(orjson.dumps({"query": query, "variables": variables}), headers)
    return status, sent, orjson.loads(body)


# Which language


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-hans-cn", "zh-Hans"),
        ("ZH-HANS", "zh-Hans"),
        ("zh-SG,en;q=0.9", "zh-Hans"),
        ("zh-TW,zh;q=0.8,en;q=0.5", "zh-Hans"),
        ("zh-TW,en;q=0.5", "en"),
        ("en-GB,zh;q=0.9", "en"),
        ("en;q=0.2, zh-CN;q=0.7", "zh-Hans"),
        ("de, fr;q=0.9", "en"),
        ("zh;q=0, *", "en"),
        ("*", "en"),
        ("", "en"),
        ("zz-!!, ;;q=, zh", "zh-Hans"),
    ],
)
def test_a_client_is_answered_in_the_language_it_likes_best(header, tag):
    assert language_of(header, ["en", "zh-Hans"]) == tag


# What is said in it

REFUSED = """mutation { one: createCustomer(input: {name: " "}) { userErrors { code message field params } }
    many: upsertCustomers(input: {matchBy: NAME, items: [{name: "A"}, {name: "B", city: " "}]}) {
        userErrors { message field } } }"""


def test_errors_are_in_the_language_of_the_caller_and_their_codes_and_values_are_not(speaking):
    _, sent, found = asked(speaking, REFUSED, "zh-CN")
    assert (sent["content-language"], sent["vary"]) == ("zh-Hans", "Accept, Accept-Language")
    (error,) = found["data"]["one"]["userErrors"]
    assert error == {
        "code": "INVALID",
        "message": "name：不能为空；请填写文本",
        "field": ["name"],
        "params": {"field": "name"},
    }
    (error,) = found["data"]["many"]["userErrors"]
    assert error == {"message": "city：不能为空；请填写 null 或文本", "field": ["items", "1", "city"]}
    gone = "opp_01h455vb4pex5vsknk084sn02q"
    delete = f'mutation {{ it: deleteOpportunity(input: {{id: "{gone}"}}) {{ userErrors {{ message params }} }} }}'
    said = [asked(speaking, delete, language) for language in ("zh", None)]
    assert [one["data"]["it"]["userErrors"][0]["message"] for _, _, one in said] == [
        f"id：没有商机 '{gone}'",
        f"id: there is no opportunity '{gone}'",
    ]
    assert said[1][1]["content-language"] == "en"
    ids = 'id: "cus_01h455vb4pex5vsknk084sn02q", mergeIds: ["cus_01h455vb4pex5vsknk084sn02r"]'
    merge = f"mutation {{ it: mergeCustomers(input: {{{ids}}}) {{ userErrors {{ message }} }} }}"
    (error,) = asked(speaking, merge, "zh")[2]["data"]["it"]["userErrors"]
    assert error["message"] == "id：没有客户 'cus_01h455vb4pex5vsknk084sn02q'；请填写未删除记录的 id"


def test_what_does_not_have_the_form_of_its_field_is_said_in_it_with_what_was_given(speaking):
    text = """mutation { it: createCustomer(input: {name: "A", email: "a@", phone: "12"}) {
        userErrors { message params } } }"""
    assert asked(speaking, text, "zh")[2]["data"]["it"]["userErrors"] == [
        {
            "message": "email：'a@' 不是电子邮箱地址；请写成 name@example.com 的形式",
            "params": {"field": "email", "text": "a@"},
        },
        {
            "message": "phone：'12' 不是 CN 的电话号码；请带国家代码书写，例如 +86 10 1234 5678",
            "params": {"field": "phone", "text": "12", "region": "CN"},
        },
    ]


def test_errors_of_requests_are_too(speaking):
    _, _, found = asked(speaking, "{ customers(first: 1, last: 1) { totalCount } }", "zh")
    assert found["errors"][0]["message"] == "first 与 last：请只填写其中一个"
    _, _, found = asked(speaking, '{ vocabulary(name: "Nope") { value } }', "zh")
    assert found["errors"][0]["message"] == "name：没有枚举 'Nope'；请填写枚举名，例如 CustomerStatus"
    status, sent, body = speaking.post(b"{", {"content-type": "application/json", "accept-language": "zh"})
    assert (status, sent["content-language"]) == (400, "zh-Hans")
    assert orjson.loads(body)["errors"][0]["message"] == "请求体不是 JSON"


def test_an_answer_that_is_repeated_is_in_the_language_of_who_asks_again(speaking):
    rows = 'matchBy: NAME, items: [{name: "Kept"}, {name: "Not", city: " "}], idempotencyKey: "k"'
    text = f"mutation {{ it: upsertCustomers(input: {{{rows}}}) {{ created userErrors {{ message }} }} }}"
    first, again = (asked(speaking, text, language)[2]["data"]["it"] for language in ("en", "zh"))
    assert first == {"created": 1, "userErrors": [{"message": "city: it must not be empty; give null, or a text"}]}
    assert again == {"created": 1, "userErrors": [{"message": "city：不能为空；请填写 null 或文本"}]}


VOCABULARY = "query ($name: String!) { vocabulary(name: $name) { value label description order } }"


def test_a_vocabulary_lists_the_values_of_an_enumeration(speaking):
    def listed(name, language):
        return asked(speaking, VOCABULARY, language, name=name)[2]["data"]["vocabulary"]

    assert listed("Attitude", "zh")[0] == {"value": "SUPPORT", "label": "支持", "description": "支持我们。", "order": 0}
    assert [one["label"] for one in listed("Channel", "en")][:5] == ["Phone", "E-mail", "Social", "Chat", "SMS"]
    events = {one["value"]: (one["label"], one["description"]) for one in listed("EventType", "zh")}
    assert events["CUSTOMER_CREATED"] == ("客户已创建", "客户：记录已创建。")
    assert events["OPPORTUNITY_STAGE_CHANGED"] == ("商机阶段变动", "商机进入了另一阶段。")
    assert listed("EventType", "en")[0]["label"][0].isupper()


def test_what_has_no_translation_is_said_in_english():
    class Odd(Plugin):
        """Has an opinion without a translation."""

        name, version, api = "odd", "1", ">=1,<2"

        @hookimpl
        def validate(self, ctx, changes):
            for change in changes.of("Customer"):
                yield UserError("ODD", sentence("that is {how}", how="odd"), ("name",), change.record)

    with app_with(Odd) as client:
        text = 'mutation { it: createCustomer(input: {name: "A"}) { userErrors { message params plugin } } }'
        _, _, found = asked(client, text, "zh")
        assert found["data"]["it"]["userErrors"] == [
            {"message": "that is odd", "params": {"how": "odd"}, "plugin": "odd"}
        ]


# The catalogues


def places(text: str) -> set[str]:
    """The places for values in a text, as they are formatted."""
    parsed = Formatter().parse(text)
    return {f"{name}!{conversion}:{form}" for _, name, form, conversion in parsed if name is not None}


@lru_cache
def calls(folder: Path) -> list[tuple[str, str, list[ast.expr]]]:
    """The calls in code that matter here: name, place and arguments."""
    return [
        (name, f"{file}:{node.lineno}", node.args)
        for file in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and (name := getattr(node.func, "id", getattr(node.func, "attr", ""))) in SAID | ERRORS
    ]


def extracted(*folders: Path) -> set[str]:
    """The texts of messages in code."""
    return {
        given[0].value
        for folder in folders
        for name, _, given in calls(folder)
        if name in SAID and given and isinstance(given[0], ast.Constant)
    }


def needed(app, owner: str) -> Iterator[tuple[str | None, str]]:
    """Context and text of what the core or a plugin says apart from its messages."""
    for record in app.catalog.records.values():
        if record.owner == owner:
            yield None, noun(record.name).template
    for checked in checked_panels(app.host, app.assembled.graphql):
        if checked.plugin == owner:
            panel = checked.panel
            yield from ((None, text) for text in (panel.title, panel.description, *panel.values) if text)
    if owner == "core":
        yield from ((None, word.lower()) for word in (*Right, *Action) if word is not Action.PUBLISHED)
    for name, kind in app.assembled.graphql.type_map.items():
        enum = python_enum(kind) if isinstance(kind, GraphQLEnumType) else None
        # Keys by which rows are matched are for programs.
        if enum is None or name.endswith("MatchKey"):
            continue
        for value in enum:
            events = [plugin.name for plugin in app.host.plugins if value in plugin.events]
            module = enum.__module__.split(".")
            belongs = module[1] if module[0] == "plugins" else "core"
            if owner == (events[0] if name == "EventType" and events else belongs):
                if not isinstance(value.label, Sentence):
                    yield name, value.label
                if not isinstance(value.description, Sentence) and name != "SearchType":
                    yield None, value.description


def read(file: Path) -> dict[tuple[str | None, str], str]:
    with file.open("rb") as opened:
        catalogue: Catalog = read_po(opened, abort_invalid=True)
    return {(entry.context, str(entry.id)): str(entry.string) for entry in catalogue if entry.id}


def spelled(missing) -> str:
    """What is missing, as it is put into a catalogue."""
    return "\n\n".join(
        (f'msgctxt "{context}"\n' if context else "") + f'msgid {orjson.dumps(text).decode()}\nmsgstr ""'
        for context, text in sorted(missing, key=lambda one: (one[0] or "", one[1]))
    )


def test_every_text_is_translated_once_with_the_same_values_and_nothing_else():
    app = create_app(load_settings(database_url="sqlite:///unused.db"), discover())
    folders = {"core": (ROOT / "core", ROOT / "schema")} | {
        plugin.name: (folder_of(plugin, "translations").parent,) for plugin in app.host.plugins
    }
    core = read(TRANSLATIONS / "zh_Hans.po")
    for owner, code in folders.items():
        file = code[0] / "translations" / "zh_Hans.po"
        known = read(file)
        wanted = {(None, text) for text in extracted(*code)} | set(needed(app, owner))
        if owner != "core":
            wanted -= core.keys()
        missing, unused = wanted - known.keys(), known.keys() - wanted
        assert not missing, f"add to {file}:\n\n{spelled(missing)}"
        assert not unused, f"remove from {file}: {unused}"
        for (_, text), said in known.items():
            assert said and places(text) == places(said), f"{file}: {text!r} is {said!r}"


def test_what_clients_read_is_a_sentence():
    """Otherwise nobody could translate it: the message of an error is no literal, nor what another error says."""
    for name, place, given in (call for folder in FOLDERS for call in calls(folder)):
        for one in given if name in ERRORS else ():
            is_text = isinstance(one, ast.Constant) and isinstance(one.value, str) and " " in one.value
            is_text |= isinstance(one, ast.Call) and getattr(one.func, "id", "") == "str"
            assert not is_text and not isinstance(one, ast.JoinedStr | ast.BinOp), f"{place}: write sentence(…)"
