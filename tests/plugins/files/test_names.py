"""Names under which files are saved: laws that hold for any name, and the header that proposes one."""

import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugins.files.names import LONGEST, disposition, safe_name


@given(st.text(max_size=400))
@example("e\u200b\u0301" * 90)
@example("a" * 300 + "." + "b" * 19)
@example("." * 300)
@example(" con .txt")
@example("é" * 89 + " .é.pdf")
def test_a_safe_name_is_one_on_any_system_and_stays_what_it_is(name):
    safe = safe_name(name)
    assert safe_name(safe) == safe
    assert safe and len(safe.encode()) <= LONGEST
    assert not set(safe) & set('<>:"/\\|?*')
    assert all(unicodedata.category(char)[0] != "C" for char in safe)
    assert safe.strip(". ") == safe
    assert safe.split(".")[0].rstrip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    header = disposition(name)
    assert header.isascii() and header.startswith("attachment; ") and "\n" not in header
    assert unquote(header.rpartition("''")[2]) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("offer.pdf", "offer.pdf"),
        ("报价 2025.pdf", "报价 2025.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("CON.txt", "_CON.txt"),
        (" . ", "file"),
        ("x" * 300 + ".pdf", "x" * (LONGEST - 4) + ".pdf"),
    ],
)
def test_what_becomes_of_names(name, safe):
    assert safe_name(name) == safe
