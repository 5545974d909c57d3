"""How Chinese sorts in an alphabet: names by the syllables they are read in."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

from core.base.text import fold

#: Changes whenever the same text gets another key, so that stored ones are computed again.
VERSION = "1"

# The unified ideographs, their extensions and compatibility forms, and the number zero.
_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")

# Surnames that are read in another way than the same character is elsewhere.
_SURNAMES = {
    "单": "shan4",
    "仇": "qiu2",
    "区": "ou1",
    "查": "zha1",
    "曾": "zeng1",
    "解": "xie4",
    "任": "ren2",
    "华": "hua4",
    "朴": "piao2",
    "盖": "ge3",
    "覃": "qin2",
    "翟": "zhai2",
    "缪": "miao4",
    "折": "she2",
    "黑": "he4",
    "乜": "nie4",
    "種": "chong2",
    "员": "yun4",
    "召": "shao4",
    "洗": "xian3",
    "燕": "yan1",
    "纪": "ji3",
    "过": "guo1",
    "宁": "ning4",
    "葛": "ge3",
    "哈": "ha3",
    "牟": "mu4",
    "乐": "yue4",
    "么": "yao1",
}


@lru_cache(4096)
def pinyin_key(text: str, *, is_person: bool = False) -> str:
    """What a text sorts by: Chinese by syllable, tone and character, other letters without case and accents.

    Args:
        text: such as 北京 or Ångström.
        is_person: it is a person's name, so that it begins with a surname where it is Chinese.

    Returns:
        Each character as its syllable, its tone by number and itself, such as `bei3北 jing1京`; `angstrom`.
    """
    if text.isascii():
        return text.lower().strip()
    plain = fold(text)
    found, end = [], 0
    for run in _HAN.finditer(plain):
        found += [_bare(plain[end : run.start()]).strip(), _read(run[0], is_person=is_person and run.start() == 0)]
        end = run.end()
    return " ".join(part for part in (*found, _bare(plain[end:]).strip()) if part)


def _bare(text: str) -> str:
    """Letters without their accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _read(characters: str, *, is_person: bool) -> str:
    syllables = _syllables(characters)
    if is_person:
        syllables[0] = _SURNAMES.get(characters[0], syllables[0])
    return " ".join(f"{syllable}{character}" for syllable, character in zip(syllables, characters, strict=True))


def _syllables(characters: str) -> list[str]:
    # To load it takes longer than most commands, and many never see a Chinese name.
    from pypinyin import Style, pinyin

    # A character that nobody knows how to read stands for itself.
    itself: Any = list
    return [str(read) for (read,) in pinyin(characters, Style.TONE3, neutral_tone_with_five=True, errors=itself)]
