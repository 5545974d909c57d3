"""Languages other than English in which messages and labels are said, by gettext catalogues.

A catalogue is a file `translations/LOCALE.po` of the core or of a plugin. It is read as it is, without compiling it,
once somebody asks in its language.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from core.base.sentences import translated

#: The catalogue of the core, whose languages are those that an app speaks.
TRANSLATIONS = Path(__file__).parent.parent / "translations"


class Language:
    """One language.

    Attributes:
        tag: its BCP 47 tag.
    """

    def __init__(self, tag: str, catalogues: Sequence[Path] = ()) -> None:
        """Names it.

        Args:
            tag: its BCP 47 tag.
            catalogues: the files that may have its texts, of which the first that has one counts; none for English.
        """
        self.tag = tag
        self._catalogues = catalogues

    def said(self, message: str) -> str:
        """A message in this language, in English as far as it has no translation."""
        return translated(message, lambda text: self._texts.get(("", text), text)) if self._catalogues else message

    def label(self, enumeration: str, label: str) -> str:
        """The label of a value of an enumeration."""
        return self._texts.get((enumeration, label)) or self.said(label)

    @cached_property
    def _texts(self) -> Mapping[tuple[str, str], str]:
        """Translations by context and English text."""
        # It takes as long to import as to read them, and most processes read none.
        from babel.messages.pofile import read_po

        found: dict[tuple[str, str], str] = {}
        for file in self._catalogues:
            if file.is_file():
                with file.open("rb") as opened:
                    catalogue = read_po(opened, abort_invalid=True)
                for entry in catalogue:
                    if entry.id and entry.string:
                        found.setdefault((entry.context or "", str(entry.id)), str(entry.string))
        return found


ENGLISH = Language("en")


def languages(plugins: Sequence[Path]) -> dict[str, Language]:
    """The languages of an app by tag, English first.

    Args:
        plugins: the folders of its plugins' catalogues, which need not be there.
    """
    known = sorted(file.stem for file in TRANSLATIONS.glob("*.po"))
    return {ENGLISH.tag: ENGLISH} | {
        (tag := name.replace("_", "-")): Language(tag, [folder / f"{name}.po" for folder in (TRANSLATIONS, *plugins)])
        for name in known
    }
