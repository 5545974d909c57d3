"""The scripts of the page: their types, their length, and their words in both languages."""

import json
import re
import shutil
import subprocess

import pytest

from tests.snippets import ROOT

STATIC = ROOT / "guanxi" / "page" / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
OPTIONS = (
    "--noEmit --allowJs --checkJs --strict --target es2023 --module esnext --moduleResolution bundler "
    "--resolveJsonModule --lib es2023,dom,dom.iterable,dom.asynciterable"
)
WORDS = json.loads((STATIC / "words.json").read_text())


def test_the_types_of_the_scripts_are_right():
    folder = ROOT / "conformance" / "node_modules" / "typescript" / "bin"
    found = shutil.which("tsc") or shutil.which("tsc", path=folder)
    if found is None or shutil.which("node") is None:
        pytest.skip("no TypeScript; `npm install -g typescript`, or `python -m conformance`, which installs it")
    done = subprocess.run([found, *OPTIONS.split(), *SCRIPTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_scripts_are_few_lines():
    assert sum(len(script.read_text().splitlines()) for script in SCRIPTS) < 2000


def test_no_script_makes_elements_of_text():
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?://(?!www\.w3\.org)"
    )
    for script in SCRIPTS:
        assert not forbidden.findall(script.read_text()), script.name


def test_each_text_is_there_in_both_languages_and_used():
    code = "".join(script.read_text() for script in SCRIPTS)
    for key, texts in WORDS.items():
        assert len(texts) == 2 and all(texts), key
        names = [set(re.findall(r"\{(\w+)\}", text)) for text in texts]
        assert names[0] == names[1], key
        # Some are named in parts, as `field.${name}`.
        group, _, name = key.partition(".")
        beginning = f"{group}.{name.rstrip('0123456789')}" if name[-1].isdigit() else f"{group}."
        assert f'"{key}"' in code or f"`{beginning}${{" in code, f"{key} is not used"
