"""The page on monitoring: its examples work, and its metrics and log fields are all there are."""

import json
import re
import subprocess
import time

import pytest

from core.base.settings import Settings
from guanxi.metrics import OWN, SHARED
from tests.outages.served import migrated, served
from tests.snippets import ROOT, snippets
from tests.warm import python

PAGE = (ROOT / "docs" / "monitoring.md").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('docs') / 'crm.db'}"
    migrated(url)
    with served(url, python=python()) as running:
        running.until_ready()
        yield running


def test_examples_print_what_the_page_says(server):
    for text, expected in zip(
        snippets("docs/monitoring.md", "sh"), snippets("docs/monitoring.md", "text"), strict=True
    ):
        asked = text.replace("http://127.0.0.1:8000", server.address.removesuffix("/graphql"))
        done = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == expected


def test_a_line_has_the_fields_that_the_page_names(server):
    (example,) = map(json.loads, snippets("docs/monitoring.md", "json"))
    body = '{"query":"mutation Make { createCustomer(input: {name: \\"Ann\\"}) { customer { id } } }"}'
    command = ["curl", "-s", server.address, "-H", "content-type: application/json", "-d", body]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    end = time.monotonic() + 30
    # A line is written once the answer is on its way.
    while '"guanxi.request"' not in server.log:
        assert time.monotonic() < end
        time.sleep(0.05)
    lines = [json.loads(line) for line in server.log.splitlines()]
    (line,) = [line for line in lines if line["logger"] == "guanxi.request"]
    assert line.keys() == example.keys()
    assert {**line, "time": 0, "ms": 0, "request_id": 0, "statements": 0, "cost": 0} == {
        **example,
        "time": 0,
        "ms": 0,
        "request_id": 0,
        "statements": 0,
        "cost": 0,
    }


def test_every_metric_is_on_the_page_and_no_other():
    rows = dict(re.findall(r"^\| `guanxi_(\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))
    made = {figure.name + ("_total" if figure.kind == "counter" else ""): figure for figure in (*OWN, *SHARED)}
    assert rows.keys() == made.keys()
    for name, labels in rows.items():
        assert re.findall(r"`(\w+)`", labels) == [*made[name].labels]


def test_every_setting_on_the_page_is_one():
    named = set(re.findall(r"GUANXI_(\w+)", PAGE))
    assert named and {name.lower() for name in named} <= Settings.model_fields.keys()
