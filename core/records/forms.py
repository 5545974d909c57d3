"""Forms of text: how e-mail addresses, telephone numbers and links are checked, and by what they are compared.

A text is stored as typed; its folded companion holds what two spellings of the same thing have in common.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from core.base.calendar import zone_of
from core.base.errors import InputError
from core.base.pinyin import VERSION as PINYIN_VERSION
from core.base.pinyin import pinyin_key
from core.base.sentences import sentence
from core.base.text import fold

#: As many texts of each form are kept with what was found of them; the same one is checked, then compared.
_MOST_KEPT = 4096


class MalformedError(InputError):
    """A text that does not have the form its field asks for, though nothing depends on it."""


class TextForm:
    """Any text: compared regardless of case and width.

    Attributes:
        has_spellings: the same thing is typed in several ways, so a filter compares what was typed as well.
    """

    has_spellings = False

    def check(self, text: str, region: str) -> None:
        """Refuses a text that does not have the form.

        Args:
            text: as typed.
            region: two-letter code of the country whose telephone numbers are typed without a country code.

        Raises:
            InputError: it does not; the message says how to write it.
        """

    def key(self, text: str, region: str) -> str:
        """What texts that mean the same have in common, whatever the form of this one."""
        return fold(text)

    def keys(self, text: str, region: str) -> Sequence[str]:
        """The keys that somebody who types this may mean."""
        return (self.key(text, region),)

    def part(self, text: str) -> str:
        """A part of a text as it would be found in a key."""
        return fold(text)

    def version(self, region: str) -> str:
        """What keys depend on besides the text; empty for nothing."""
        return ""

    @property
    def is_checked(self) -> bool:
        """Whether it refuses any text."""
        return type(self).check is not TextForm.check


class EmailForm(TextForm):
    """An e-mail address, checked by its syntax alone; its case does not count, nor how its domain is encoded."""

    def check(self, text: str, region: str) -> None:
        if _email(text) is None:
            raise MalformedError(
                sentence("{text!r} is not an e-mail address; write it like name@example.com", text=text)
            )

    def key(self, text: str, region: str) -> str:
        return _email(text) or fold(text)


class PhoneForm(TextForm):
    """A telephone number, compared in international form; one without a country code is of the region."""

    has_spellings = True

    def check(self, text: str, region: str) -> None:
        if _phone(text, region) is None:
            raise MalformedError(
                sentence(
                    "{text!r} is not a telephone number in {region}; write it with its country code, such as "
                    "+86 10 1234 5678",
                    text=text,
                    region=region,
                )
            )

    def key(self, text: str, region: str) -> str:
        return _phone(text, region) or self.part(text)

    def keys(self, text: str, region: str) -> Sequence[str]:
        key, digits = self.key(text, region), self.part(text)
        # Many leave out the plus sign.
        return tuple(dict.fromkeys((key, f"+{digits.lstrip('+')}"))) if digits.isdigit() else (key,)

    def version(self, region: str) -> str:
        return region

    def part(self, text: str) -> str:
        plain = fold(text)
        kept = "".join(letter for letter in plain if letter.isdigit() or letter == "+")
        return plain if not kept or any(letter.isalpha() for letter in plain) else kept


class NameForm(TextForm):
    """A name, which can be sorted by pinyin as well."""

    def __init__(self, *, is_person: bool = False) -> None:
        self._is_person = is_person

    def sort_key(self, text: str, region: str) -> str:
        """What it sorts by, in pinyin."""
        return pinyin_key(text, is_person=self._is_person)

    def sort_version(self, region: str) -> str:
        """What its sort keys depend on."""
        return PINYIN_VERSION


class LinkForm(TextForm):
    """What pages make a link of: a web address, with or without its scheme, or a mailto address."""

    def check(self, text: str, region: str) -> None:
        if not _is_link(text):
            raise InputError(
                sentence(
                    "{text!r} is not a link; write it like https://example.com or mailto:name@example.com", text=text
                )
            )


class ZoneForm(TextForm):
    """The name of a time zone."""

    def check(self, text: str, region: str) -> None:
        try:
            zone_of(text)
        except ValueError:
            raise InputError(
                sentence("{text!r} is not a time zone; give one such as Europe/Berlin, Asia/Shanghai or UTC", text=text)
            ) from None


TEXT = TextForm()
NAME = NameForm()
PERSON_NAME = NameForm(is_person=True)
EMAIL = EmailForm()
PHONE = PhoneForm()
LINK = LinkForm()
TIME_ZONE = ZoneForm()

#: Addresses that the library finds valid for certain, and changes nothing of but their case; nearly all there are.
_PLAIN_EMAIL = re.compile(
    r"(?=.{3,254}\Z)(?=[^@]{1,64}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,63}",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_LABEL = 63


@lru_cache(_MOST_KEPT)
def _email(text: str) -> str | None:
    """An e-mail address as it is compared; None for what is not one."""
    if _PLAIN_EMAIL.fullmatch(text) and all(len(part) <= _LONGEST_LABEL for part in text.split("@")[1].split(".")):
        return text.lower()
    # To load it takes longer than most commands.
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return None
    return fold(found.normalized) if "." in found.domain else None


@lru_cache(_MOST_KEPT)
def _phone(text: str, region: str) -> str | None:
    """A telephone number in international form, with its extension; None for what is not one."""
    # To load it takes longer than most commands.
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse

    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    if not is_possible_number(number):
        return None
    extension = f"x{number.extension}" if number.extension else ""
    return format_number(number, PhoneNumberFormat.E164) + extension


_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"[^:/?#]+\.[^:/?#]+:\d+(?:[/?#].*)?", re.DOTALL)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def _is_link(text: str) -> bool:
    # Browsers leave out line breaks, and so find schemes that are not there to be read.
    if _SPACE.search(text) or text.startswith(("/", "\\")):
        return False
    scheme = _SCHEME.match(text)
    if scheme is None or _HOST_AND_PORT.fullmatch(text):
        return "." in re.split(r"[/?#]", text, maxsplit=1)[0] and "\\" not in text and ":" not in text.split(".")[0]
    if scheme[1].lower() == "mailto":
        return _email(text[scheme.end() :].partition("?")[0]) is not None
    try:
        return scheme[1].lower() in ("http", "https") and bool(urlsplit(text).hostname)
    except ValueError:
        return False
