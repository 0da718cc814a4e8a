"""Words, stems and function words of English.  Knows strings, not documents."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import Stemmer

WORD = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*|[^\W_]+", re.UNICODE)
NUMBER = re.compile(r"\d[\d.,]*")
FUNCTION_WORDS = frozenset(
    """a about above according after again all also although am among an and any are aren't around as at be because been before
    being between both but by can can't cannot could couldn't did didn't do does doesn't doing don't done during each either else
    ever every exactly for from further get gets give given gave got had hadn't has hasn't have haven't having he her here hers
    herself him himself his how i i'd i'll i'm i've if in into is isn't it its itself just know let like made make many may me might mine more most much must
    my myself name named near need no nor not now of off on once one only or other our ours out over own per please
    quite rather really said say says same she should shouldn't since so some such tell than that that's the their theirs
    them themselves then there there's these they this those though through to too under until up upon us very via was
    wasn't we were weren't what what's when where whether which while who who's whom whose why will with within without
    won't would wouldn't yes yet you your yours document release text statement press mention mentioned mentions state stated
    describe described article exactly actually currently""".split()
)


@lru_cache(maxsize=1)
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")


def fold(text: str) -> str:
    """Lower case, full-width and styled letters plain, invisible characters out, typographic quotes and dashes plain."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return text.casefold().replace("’", "'").replace("‘", "'").replace("–", "-").replace("—", "-")


def words(text: str) -> list[str]:
    """The folded words of `text`, in order: "IAPB’s" is one word, "1,100" is one."""
    return list(_words(text))


@lru_cache(maxsize=4096)  # a document's sentences are taken apart for every question
def _words(text: str) -> tuple[str, ...]:
    out = []
    for match in re.finditer(r"\d[\d.,]*\d|[^\W_]+(?:'[^\W_]+)?", fold(text)):
        word = match.group()
        out.append(word[:-2] if word.endswith("'s") else word.replace(",", "") if word[0].isdigit() else word)
    return tuple(out)


def stems(text: str) -> list[str]:
    """The stems of all words of `text`, function words included."""
    return list(_stems(text))


@lru_cache(maxsize=4096)
def _stems(text: str) -> tuple[str, ...]:
    return tuple(str(s) for s in _stemmer().stemWords(words(text)))


def content_stems(text: str) -> list[str]:
    """The stems of the words that carry meaning; of all words, where none does."""
    found = [w for w in words(text) if w not in FUNCTION_WORDS]
    return [str(s) for s in _stemmer().stemWords(found or words(text))]


def one_line(text: str) -> str:
    """`text` without control characters and line breaks, for a terminal."""
    return re.sub(r"\s+", " ", re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)).strip()


def printable(text: str) -> str:
    """`text` without control characters other than line breaks: a document may hold escapes that a terminal obeys."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", " ", text)
