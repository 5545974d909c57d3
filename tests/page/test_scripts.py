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
TYPESCRIPT = "typescript@5.9.3"
WORDS = json.loads((STATIC / "words.json").read_text())


@pytest.fixture
def tsc(request):
    """TypeScript's compiler; npm gets it once, where there is npm and something to get it from."""
    if found := shutil.which("tsc"):
        return found
    if shutil.which("npm") is None:
        pytest.skip("no npm to get TypeScript by; install node")
    folder = request.config.cache.mkdir("typescript")
    found = folder / "node_modules" / ".bin" / "tsc"
    if not found.exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, TYPESCRIPT]
        done = subprocess.run(command, capture_output=True, check=False, timeout=120)
        if done.returncode:
            pytest.skip(f"npm cannot get {TYPESCRIPT}; `npm install -g typescript` where it can")
    return found


def test_the_types_of_the_scripts_are_right(tsc):
    done = subprocess.run([tsc, *OPTIONS.split(), *SCRIPTS], capture_output=True, text=True, check=False)
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
