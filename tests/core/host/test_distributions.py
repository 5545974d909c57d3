"""Another distribution that provides a package of our name would mix with ours: the start is refused, and says whose."""

import pytest

from core.host import distributions
from guanxi import ConfigurationError, create_app, load_settings


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution by what its metadata say."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name="intruder", **texts):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        for file, text in texts.items():
            (info / {"record": "RECORD", "declared": "top_level.txt"}[file]).write_text(text)

    yield make
    distributions._strangers.cache_clear()


def start(tmp_path):
    create_app(load_settings(database_url=f"sqlite:///{tmp_path}/crm.db"), plugins=[])


@pytest.mark.parametrize(
    ("package", "texts"),
    [
        ("core", {"record": "intruder/__init__.py,,\ncore/__init__.py,sha256=x,3\n"}),
        ("core", {"record": "core/data/things.json,,\n"}),
        ("schema", {"record": "schema.py,sha256=x,3\n"}),
        ("schema", {"record": "schema.cpython-311-x86_64-linux-gnu.so,sha256=x,3\n"}),
        ("plugins", {"declared": "plugins\n", "record": "__editable__.intruder-1.0.pth,,\n"}),
    ],
    ids=["package", "namespace", "module", "extension", "editable"],
)
def test_a_distribution_with_a_package_of_our_name_is_refused(install, tmp_path, package, texts):
    install(**texts)
    with pytest.raises(ConfigurationError) as caught:
        start(tmp_path)
    assert caught.value.message == (
        f"the distribution 'intruder' also has a package named {package!r}; uninstall it, or use a virtual environment "
        "of its own for guanxi"
    )


@pytest.mark.parametrize(
    "texts",
    [
        {"record": "intruder/core/__init__.py,,\ncores/__init__.py,,\ncore.txt,,\nintruder-1.0.data/core/x.py,,\n"},
        {"declared": "intruder\n", "record": "core/left.py,,\n"},
        {},
    ],
    ids=["like names", "declares others", "says nothing"],
)
def test_others_are_none_of_our_business(install, tmp_path, texts):
    install(**texts)
    start(tmp_path)


def test_ours_is_not_a_stranger_to_itself(install, tmp_path):
    install("Guanxi", record="core/__init__.py,,\nschema/__init__.py,,\nplugins/__init__.py,,\n")
    start(tmp_path)
