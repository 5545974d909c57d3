"""Readings: what Chinese may be meant by letters that are no pinyin, but for one mistake.

The syllables of pinyin are few, so what somebody meant is worked out of what they typed, and nothing is stored for it.
"""

from collections.abc import Iterator, Set
from functools import lru_cache


def _listed(text: str) -> list[str]:
    return text.split()


#: How Chinese characters are read, without tones; ü is v.
SYLLABLES = frozenset(
    _listed(
        """
    a ai an ang ao ba bai ban bang bao bei ben beng bi bian biang biao bie bin bing bo bong bu ca cai can cang
    cao ce cei cen ceng cha chai chan chang chao che chen cheng chi chong chou chu chua chuai chuan chuang chui
    chun chuo ci cong cou cu cuan cui cun cuo da dai dan dang dao de dei den deng di dia dian diao die din ding
    diu dong dou du duan dui dun duo e ei en eng er fa fan fang fei fen feng fiao fo fou fu ga gai gan gang gao
    ge gei gen geng gong gou gu gua guai guan guang gui gun guo ha hai han hang hao he hei hen heng hong hou hu
    hua huai huan huang hui hun huo ji jia jian jiang jiao jie jin jing jiong jiu ju juan jue jun ka kai kan
    kang kao ke kei ken keng kong kou ku kua kuai kuan kuang kui kun kuo la lai lan lang lao le lei len leng li
    lia lian liang liao lie lin ling liu lo long lou lu luan lun luo lv lve ma mai man mang mao me mei men meng
    mi mian miao mie min ming miu mo mou mu na nai nan nang nao ne nei nen neng ni nia nian niang niao nie nin
    ning niu nong nou nu nuan nun nuo nv nve o ou pa pai pan pang pao pei pen peng pi pian piao pie pin ping po
    pou pu qi qia qian qiang qiao qie qin qing qiong qiu qu quan que qun ran rang rao re ren reng ri rong rou ru
    rua ruan rui run ruo sa sai san sang sao se sen seng sha shai shan shang shao she shei shen sheng shi shou
    shu shua shuai shuan shuang shui shun shuo si song sou su suan sui sun suo ta tai tan tang tao te tei teng
    ti tian tiao tie ting tong tou tu tuan tui tun tuo wa wai wan wang wei wen weng wo wong wu xi xia xian xiang
    xiao xie xin xing xiong xiu xu xuan xue xun ya yan yang yao ye yi yin ying yo yong you yu yuan yue yun za
    zai zan zang zao ze zei zen zeng zha zhai zhan zhang zhao zhe zhei zhen zheng zhi zhong zhou zhu zhua zhuai
    zhuan zhuang zhui zhun zhuo zi zong zou zu zuan zui zun zuo
    """
    )
)
_LONGEST = max(map(len, SYLLABLES))
#: More readings of a word are not looked for: those that are furthest from it are left out.
MOST = 128
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@lru_cache(1000)
def meant(word: str) -> tuple[str, ...]:
    """The readings, whole syllables, that differ from a word by one letter more, less, other or two exchanged.

    The most likely come first.
    """
    if not (word.isascii() and word.isalpha()):
        return ()
    begins = _cuts(word)
    ends = [end for end in range(len(word) + 1) if _is_read(word[end:])]
    found = {
        word[:begin] + syllable + word[end:]
        for begin in begins
        for end in ends
        if 0 < end - begin <= _LONGEST + 1
        for syllable in _near(word[begin:end])
    }
    for place in range(1, len(word) - 1):
        # Two that are exchanged may belong to two syllables.
        other = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        if _is_read(other):
            found.add(other)
    closest = sorted(found - {word, ""}, key=lambda reading: (*_distance(word, reading), reading))
    return tuple(closest[:MOST])


def _distance(word: str, reading: str) -> tuple[bool, bool]:
    """What is typed by mistake most often comes first: letters exchanged, then one more or less."""
    return sorted(word) != sorted(reading), len(word) == len(reading)


def _is_read(text: str) -> bool:
    return len(text) in _cuts(text)


def _cuts(word: str) -> Set[int]:
    """Where a word may be cut so that all before is whole syllables."""
    found = {0}
    for start in range(len(word)):
        if start in found:
            for end in range(start + 1, min(start + _LONGEST, len(word)) + 1):
                if word[start:end] in SYLLABLES:
                    found.add(end)
    return found


@lru_cache(4096)
def _near(letters: str) -> tuple[str, ...]:
    """The syllables that differ from some letters by one; nothing, too, from a single letter."""
    found = set(_edits(letters)) & SYLLABLES
    return (*found, "") if len(letters) == 1 else tuple(found)


def _edits(letters: str) -> Iterator[str]:
    for place in range(len(letters) + 1):
        before, after = letters[:place], letters[place:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
        for letter in _LETTERS:
            yield before + letter + after
            yield before + letter + after[1:]
