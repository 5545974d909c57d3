"""Names that any system can save a file under, and the header that proposes one."""

import re
import unicodedata
from urllib.parse import quote

#: Of bytes in UTF-8; more than 255 no file system takes.
LONGEST = 180
#: Longer endings are not the kind of a file.
_LONGEST_ENDING = 20
_NAMELESS = "file"
#: What separates folders, or means something to a system or a shell.
_UNSAFE = re.compile(r'[<>:"/\\|?*]')
#: Windows takes these for devices, with any ending.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|\s|$)", re.IGNORECASE)
#: Control characters, surrogates, unassigned ones, and those that change the direction of what follows.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def safe_name(name: str) -> str:
    """A name that any system can save a file under, as near to the given one as possible; the same for itself."""
    text = "".join(char for char in unicodedata.normalize("NFC", name) if unicodedata.category(char) not in _HIDDEN)
    # What is taken out may leave letters and accents side by side that are one.
    text = unicodedata.normalize("NFC", _UNSAFE.sub("_", text))
    text = " ".join(text.split()).strip(". ")
    if _DEVICE.match(text):
        text = f"_{text}"
    return _shortened(text) or _NAMELESS


def _shortened(text: str) -> str:
    """At most so many bytes of it, with its ending."""
    if len(text.encode()) <= LONGEST:
        return text
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending.encode()) > _LONGEST_ENDING:
        stem, dot, ending = text, "", ""
    left = LONGEST - len(f"{dot}{ending}".encode())
    return f"{stem.encode()[:left].decode(errors='ignore').rstrip('. ')}{dot}{ending}"


def disposition(name: str) -> str:
    """The value of `Content-Disposition` that has a browser save what it gets, never show it (RFC 6266)."""
    safe = safe_name(name)
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", safe)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
