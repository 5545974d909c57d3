"""Texts for plugins: without case, width and accents, in words, and Chinese as it is read."""

from core.base.pinyin import HAN, syllables
from core.search.terms import plain, words

__all__ = ["HAN", "plain", "syllables", "words"]
