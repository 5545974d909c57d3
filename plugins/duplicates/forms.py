"""Normal forms: what two spellings of one name, address or number have in common. Texts only, no database."""

import re
from collections.abc import Sequence
from functools import lru_cache

from guanxi.texts import HAN, plain, syllables, words


def _listed(text: str) -> list[str]:
    return text.split()


#: Legal forms at the end of a company's name, as words: of the countries that most trade comes from.
_LEGAL = frozenset(
    _listed(
        """
    ab ag aps as asa bhd bv bvba cic co company corp corporation cv doo eeig eg eirl eood et eurl gbr ges
    gesellschaft gmbh gmbhcokg hb incorporated inc kabushiki kaisha kb kda kft kg kgaa
    kk kommanditgesellschaft lda limitada limited llc llp lp ltd ltda mbh nl nv nyrt oao od oe og ohg ood ooo
    oy oyj pao plc pjsc private pt pte pty pvt rt sa sab sae saoc sarl sas sasu sc sca scs sdn se sia snc sp
    spa spol spj spk spzoo srl sro ssa tbk tmi uab ug unlimited vof wll zao zrt ao as
    """
    )
)
#: Those that begin a name, such as PT Telkom and OOO Gazprom, or Russian and Ukrainian ones.
_LEADING = frozenset(_listed("the pt ooo oao zao pao ao tov tzov cv firma"))
#: Words between a name and its legal form.
_JOINING = frozenset(_listed("and und et y e i of de des da do the"))
#: What a name is cut off from, at its end.
_ENDING = _LEGAL | _JOINING
#: Chinese, Japanese and Korean legal forms, longest first; what they leave is the name with its city and trade.
_HAN_LEGAL = re.compile(
    "股份有限责任公司|有限责任公司|有限責任公司|股份有限公司|集团有限公司|集團有限公司|控股有限公司|有限合伙企业|"
    "有限公司|有限会社|株式会社|合同会社|合資会社|責任公司|责任公司|总公司|總公司|分公司|集团|集團|公司|厂|廠"
)
#: A single letter after another is part of an abbreviation: `S. A.`, `G m b H`.
_INITIALS = re.compile(r"\b(?:\w[.\s]+){1,}\w\b\.?")
_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґўђјљњћџѓќѕ",
        _listed(
            """
    a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch . y . e yu ya i yi ye g u dj j lj nj c dz gj
    kj dz
    """
        ),
        strict=True,
    )
)
_GREEK = dict(
    zip("αβγδεζηθικλμνξοπρσςτυφχψω", _listed("a v g d e z i th i k l m n x o p r s s t y f ch ps o"), strict=True)
)
_LETTERS = str.maketrans({letter: "" if latin == "." else latin for letter, latin in (_CYRILLIC | _GREEK).items()})
#: Where everybody may have an address, so that its domain says nothing of whom it belongs to.
_PUBLIC_DOMAINS = frozenset(
    _listed(
        """
    126.com 139.com 163.com 189.cn aliyun.com aol.com foxmail.com free.fr gmail.com gmx.at gmx.de gmx.net
    googlemail.com hotmail.co.uk hotmail.com hotmail.de hotmail.fr icloud.com laposte.net libero.it live.com
    mail.com mail.ru me.com msn.com naver.com orange.fr outlook.com proton.me protonmail.com qq.com sina.cn
    sina.com sohu.com t-online.de tutanota.com vip.qq.com web.de yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de
    yahoo.fr yandex.ru yeah.net ymail.com
    """
    )
)
_NUMBER, _SHORTEST_NUMBER = 8, 6
#: So many texts are kept with their normal form: of one record it is asked for with each that it is compared to.
_MOST_KEPT = 4096
_TITLES = frozenset(_listed("mr mrs ms miss dr prof herr frau hr fr mme mlle sir jr sr ii iii dipl ing phd md mba"))
_SHORT_STREETS = {
    "st": "street", "str": "street", "rd": "road", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "ln": "lane",
    "dr": "drive", "crt": "court", "ct": "court", "cct": "circuit", "cres": "crescent", "pl": "place", "tce": "terrace",
    "hwy": "highway", "sq": "square", "pde": "parade", "gr": "grove", "strasse": "street", "lu": "road",
}  # fmt: skip


def latin(text: str, *, is_person: bool = False) -> list[str]:
    """The words of a text in Latin letters without accents: Chinese in pinyin, Cyrillic and Greek letter by letter."""
    found = []
    for place, word in enumerate(words(text)):
        if HAN.match(word):
            read = syllables(word, is_person=is_person and place == 0)
            # Of a person the surname is a word and the rest another, as they are in a Latin spelling.
            found += [read[0], "".join(read[1:])] if is_person and len(read) > 1 else ["".join(read)]
        else:
            found.append(word.translate(_LETTERS))
    return [word for word in found if word]


@lru_cache(_MOST_KEPT)
def company_words(name: str) -> Sequence[str]:
    """What a company's name is made of without its legal form: `Müller & Söhne GmbH` becomes `muller sohne`."""
    bare = _HAN_LEGAL.sub(" ", plain(name)).strip() or plain(name)
    bare = _INITIALS.sub(lambda found: re.sub(r"[.\s]", "", found[0]) + " ", bare)
    found = latin(bare)
    return tuple(_without_forms(found))


def _without_forms(found: Sequence[str]) -> list[str]:
    rest = list(found)
    while len(rest) > 1 and rest[-1] in _ENDING:
        rest.pop()
    while len(rest) > 1 and rest[0] in _LEADING:
        rest.pop(0)
    return [word for place, word in enumerate(rest) if place == 0 or word not in _JOINING]


def is_chinese(name: str) -> bool:
    """Whether a name is written in Chinese, where no letter can be mistyped."""
    return not name.isascii() and HAN.search(name) is not None


@lru_cache(_MOST_KEPT)
def person_words(name: str) -> Sequence[str]:
    """The names of a person without titles: `Dr. Anne-Marie Ø'Hara` becomes `anne marie o hara`."""
    found = latin(name, is_person=True)
    return tuple([word for word in found if word not in _TITLES] or found)


@lru_cache(_MOST_KEPT)
def street_words(street: str) -> Sequence[str]:
    """A street and its number, with the usual abbreviations spelled out."""
    spelled = re.sub(r"str(?:asse|aße)?\b", " street", plain(street)) if "str" in plain(street) else street
    return tuple(_SHORT_STREETS.get(word, word) for word in latin(spelled))


def domain_of(email: str | None) -> str | None:
    """The domain of an address by which its owner is known; None for those at which everybody may have one."""
    domain = (email or "").rpartition("@")[2].strip().lower()
    return domain if domain and domain not in _PUBLIC_DOMAINS else None


def site_of(website: str | None) -> str | None:
    """The domain of a web site: `https://www.acme.com/de` becomes `acme.com`."""
    if not website:
        return None
    host = re.split(r"[/?#:]", _address(website).split("@")[-1], maxsplit=1)[0].removeprefix("www.")
    return host if "." in host and host not in _PUBLIC_DOMAINS else None


def page_of(profile: str | None) -> str | None:
    """A page in social media: `https://www.linkedin.com/in/Anna-Berg/?trk=x` becomes `linkedin.com/in/anna-berg`."""
    page = re.split(r"[?#]", _address(profile or ""), maxsplit=1)[0].removeprefix("www.").rstrip("/")
    # The name of a network alone is nobody's page.
    return page if "/" in page or page.startswith("@") else None


def handle_of(name: str | None) -> str | None:
    """A name in chats: `@Anna_Berg` becomes `anna_berg`."""
    return (name or "").strip().lower().removeprefix("@") or None


def _address(text: str) -> str:
    """An address without what says how to get there."""
    return re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().lower())


@lru_cache(_MOST_KEPT)
def place_words(place: str) -> str:
    """The words of a city or region."""
    return " ".join(latin(place))


@lru_cache(_MOST_KEPT)
def code(text: str | None) -> str | None:
    """A number of an office or a postal code by its letters and digits alone."""
    found = "".join(re.findall(r"[^\W_]+", plain(text or "")))
    return found or None


def phone_ending(phone: str | None) -> str | None:
    """The end of a telephone number, which is the same with and without its country code."""
    if not phone:
        return None
    digits = "".join(filter(str.isdigit, plain(phone).partition("x")[0]))
    return digits[-_NUMBER:] if len(digits) >= _SHORTEST_NUMBER else None
