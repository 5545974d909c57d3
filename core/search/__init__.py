"""Finding records by what one remembers of them: words in any order, beginnings, misspellings, Chinese and pinyin."""
