"""Names and words spelt another way: found in the document by sound, by script, by country, by initials.

Knows words of documents, not passages.  A quote is never rewritten: the question is, and the match is disclosed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from anyascii import anyascii
from rapidfuzz import fuzz, process

from assistant.words import FUNCTION_WORDS, fold, stems, words

NAME = re.compile(
    r"\b[^\W\d_a-zà-ÿ][\w'’]*(?:[-.][^\W\d_][\w'’]*)*(?:\s+(?:(?:of|the|for|de|van|von|der|al|bin|and)\s+){0,2}[^\W\d_a-zà-ÿ][\w'’]*(?:[-.][^\W\d_][\w'’]*)*)*"
)
CLOSE = 84.0
CLOSE_IN_NAME = 68.0
SAME_COUNTRY = 92.0
MOSTLY = 0.6  # of the words of a question
# Everyday names that the list of ISO 3166 does not hold.
COLLOQUIAL = {
    "holland": "NL", "great britain": "GB", "britain": "GB", "uk": "GB", "u.k.": "GB", "usa": "US", "u.s.": "US", "u.s.a.": "US",
    "america": "US", "the states": "US", "us": "US", "burma": "MM", "belorussia": "BY", "byelorussia": "BY", "ivory coast": "CI", "swaziland": "SZ",
    "macedonia": "MK", "south korea": "KR", "north korea": "KP", "uae": "AE", "drc": "CD", "cape verde": "CV", "east timor": "TL",
    "russia": "RU", "iran": "IR", "syria": "SY", "turkey": "TR", "vatican": "VA", "persia": "IR", "ceylon": "LK", "siam": "TH",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """A name that was asked one way and is written another way in the document."""

    asked: str
    written: str


def names(text: str) -> list[str]:
    """The capitalised runs of `text` that are not only its first word or function words, in order."""
    found = []
    for match in NAME.finditer(text):
        run = match.group().strip()
        tokens = run.split()
        while tokens and fold(tokens[0]) in FUNCTION_WORDS:
            tokens.pop(0)
        while tokens and fold(tokens[-1]) in FUNCTION_WORDS:
            tokens.pop()
        if tokens:
            found.append(" ".join(t.removesuffix("'s").removesuffix("’s") for t in tokens))
    return found


def asked_names(question: str) -> list[str]:
    """The names in a question; its first word is none, since its capital means nothing."""
    return names(question.partition(" ")[2])


def words_of(found: list[str]) -> set[str]:
    """The words of some names."""
    return {w for name in found for w in words(name)}


def sound(word: str) -> str:
    """A key that spellings of one name share across Slavic and Western transliterations.

    >>> sound("Kolesnikova") == sound("Kalesnikava")
    True
    """
    s = re.sub(r"[^a-z]", "", anyascii(word).lower())
    for pattern, plain in (
        (r"shch|sch|sh", "s"), (r"tch|ch|cz|ts|tz", "c"), (r"zh|rz", "z"), (r"kh", "h"), (r"ph", "f"), (r"ck|q|k|c(?=[aou])", "k"),
        (r"w|u(?=[aeiouly])", "v"), (r"dz(?=i)", "d"), (r"x", "ks"), (r"[yj]", "i"), (r"i+(?=[aeou])", ""), (r"o", "a"), (r"(.)\1+", r"\1"), (r"^[g]", "h"),
    ):  # fmt: skip
        s = re.sub(pattern, plain, s)
    return re.sub(r"(?<=..)[aei]$", "", s)


class Spelling:
    """The words of some documents, and how a question's words are written in them.

    `known` says whether a lower-case word is a common English word: such a word is never taken for a misspelling.
    """

    def __init__(self, texts: list[str], known: Callable[[str], bool]) -> None:
        self._known = known
        joined = "\n".join(texts)
        self._words: dict[str, str] = {}
        for match in re.finditer(r"[^\W\d_][\w'’-]*", joined):
            surface = re.sub(r"['’]s$", "", match.group())
            self._words.setdefault(fold(surface), surface)
            for piece in surface.split("-"):
                self._words.setdefault(fold(piece), piece)
        self._stems = set(stems(joined))
        self._proper = {w for w, surface in self._words.items() if surface[:1].isupper() and len(w) >= 3}
        self._sounds: dict[str, str] = {}
        for word in self._proper:
            if len(word) >= 4:
                self._sounds.setdefault(sound(word), word)
        self._runs = sorted({r for r in names(joined) if " " in r}, key=len)
        self._before: dict[str, set[str]] = {}
        self._after: dict[str, set[str]] = {}
        for first, second in {pair for run in self._runs for pair in pairwise(map(fold, run.split()))}:
            self._before.setdefault(second, set()).add(first)
            self._after.setdefault(first, set()).add(second)
        self._lower = joined.lower()
        self._initials: dict[str, str] = {}
        for run in self._runs:
            capitals = [t for t in re.split(r"[\s-]+", run) if t[:1].isupper()]
            for size in range(2, min(7, len(capitals)) + 1):
                self._initials.setdefault("".join(t[0] for t in capitals[:size]), " ".join(capitals[:size]))

    def has(self, word: str) -> bool:
        """Whether the documents hold this word, or another form of it."""
        folded = fold(word)
        return folded in self._words or folded in FUNCTION_WORDS or bool(set(stems(word)) & self._stems)

    def strangers(self, question: str) -> list[str]:
        """The full names in a question no part of which the documents hold, in any spelling that `resolve` knows.

        A question whose words are all written large names nobody.
        """
        tokens = [t for t in question.split() if t[:1].isalpha()]
        if sum(t[:1].isupper() for t in tokens) > MOSTLY * len(tokens):
            return []
        found = [n for n in asked_names(question) if " " in n and not n.isupper()]
        return [
            n
            for n in found
            if not any(self.has(w) for w in re.findall(r"[\w'’]+", n)) and not self.has(n.replace(" ", ""))
        ]

    def resolve(self, question: str) -> tuple[str, list[Match]]:
        """The question in the documents' own spelling, and what was changed in it that a reader should know of."""
        question, matches = self._countries(question)
        tokens = re.split(r"(\s+|[^\w'’-]+)", question)
        at = [i for i, t in enumerate(tokens) if re.match(r"[^\W\d_]", t)]
        new: dict[int, str] = {}
        for i in at:
            word = re.sub(r"['’]s$", "", tokens[i])
            if len(word) > 1 and not self.has(word) and (found := self._find(word)):
                new[i] = found
        # A first name that is far off is still the one, where the surname beside it was found, and the other way round.
        for a, b in pairwise(at):
            left, right = new.get(a, tokens[a]), new.get(b, tokens[b])
            for i, fixed, pairs in (
                (a, fold(right), self._before.get(fold(right))),
                (b, fold(left), self._after.get(fold(left))),
            ):
                word = tokens[i]
                if i in new or self.has(word) or not word[:1].isupper() or fixed not in self._proper or not pairs:
                    continue
                best = process.extractOne(sound(word), {p: sound(p) for p in sorted(pairs)}, scorer=fuzz.ratio)
                if best and best[1] >= CLOSE_IN_NAME:
                    new[i] = self._words[best[2]]
        before: int | None = None
        for i in at:
            if i not in new:
                continue
            if fold(new[i]) in self._proper:
                match = Match(tokens[i], new[i])
                if before is not None and at.index(i) == at.index(before) + 1 and matches:
                    match = Match(f"{matches[-1].asked} {match.asked}", f"{matches.pop().written} {match.written}")
                matches.append(match)
                before = i
            tokens[i] = new[i]
        return "".join(tokens), _joined(matches)

    def _find(self, word: str) -> str | None:
        plain = re.sub(r"[^a-z]", "", anyascii(word).lower())
        if word.isupper() and 2 <= len(word) <= 7 and word in self._initials:
            return self._initials[word]
        if len(plain) < 4:
            return None
        foreign = not word.isascii()
        key = sound(word)
        capital = word[:1].isupper() and not word.isupper()
        if (capital or foreign or not self._known(fold(word))) and len(key) >= 4 and key in self._sounds:
            return self._words[self._sounds[key]]
        a_country = country(word) is not None
        if not a_country and self._known(fold(word)) and not foreign:
            return None
        pool = self._proper if capital or foreign else self._words
        if a_country:  # the document may misspell it, but another country is another country
            near = process.extractOne(
                plain, [w for w in pool if country(w) is None], scorer=fuzz.ratio, score_cutoff=SAME_COUNTRY
            )
            return self._words[near[0]] if near else None
        best = process.extractOne(
            plain, [w for w in pool if len(w) >= 4], scorer=fuzz.ratio, score_cutoff=CLOSE - 4 * (not capital)
        )
        if best is None and (capital or foreign):
            heard = process.extractOne(key, list(self._sounds), scorer=fuzz.ratio, score_cutoff=CLOSE)
            return self._words[self._sounds[heard[0]]] if heard else None
        return self._words[best[0]] if best else None

    def _countries(self, question: str) -> tuple[str, list[Match]]:
        """The question with each country under the name that the documents give it."""
        matches: list[Match] = []
        for size in (4, 3, 2, 1):
            for found in reversed(list(re.finditer(rf"\b(?=([\w.'’-]+(?:\s+[\w.'’-]+){{{size - 1}}}))", question))):
                phrase = found.group(1).rstrip(".")
                code = country(phrase)
                if code is None or self._says(phrase):
                    continue
                written = next((n for n in _country_names(code) if self._says(n)), None)
                if written is not None:
                    question = question[: found.start()] + written + question[found.start() + len(phrase) :]
                    matches.insert(0, Match(phrase, written))
        return question, matches

    def _says(self, phrase: str) -> bool:
        return re.search(rf"\b{re.escape(phrase.lower())}\b", self._lower) is not None


def _joined(matches: list[Match]) -> list[Match]:
    """Matches told once each, and none that differ in case alone."""
    told = {m.asked: m for m in matches if fold(m.asked) != fold(m.written)}
    return list(told.values())


def country(phrase: str) -> str | None:
    """The ISO 3166 code of a country by one of its names or, in capitals, its codes; None for anything else.

    >>> country("Czech Republic"), country("Holland"), country("it")
    ('CZ', 'NL', None)
    """
    folded = fold(phrase).removeprefix("the ")
    if folded in ("us", "it") and not phrase.isupper():
        return None
    if len(phrase) in (2, 3) and phrase.isupper() and phrase in _codes():
        return _codes()[phrase]
    return COLLOQUIAL.get(folded) or _names_to_codes().get(folded)


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    import pycountry

    return {c.alpha_3: c.alpha_2 for c in pycountry.countries}


@lru_cache(maxsize=1)
def _names_to_codes() -> dict[str, str]:
    import pycountry

    table: dict[str, str] = {}
    for c in pycountry.countries:
        for attribute in ("name", "common_name", "official_name"):
            if name := getattr(c, attribute, None):
                table[fold(name)] = c.alpha_2
                table[fold(name.split(",")[0])] = (
                    c.alpha_2
                    if "," not in name or fold(name.split(",")[0]) not in table
                    else table[fold(name.split(",")[0])]
                )
    for ambiguous in ("korea", "congo", "republic", "kingdom", "state", "federal republic", "virgin islands"):
        table.pop(ambiguous, None)
    return table


def _country_names(code: str) -> list[str]:
    """Every name of a country, the longest first, its codes last."""
    named = [n for n, c in _names_to_codes().items() if c == code] + [n for n, c in COLLOQUIAL.items() if c == code]
    return sorted(
        (" ".join(w if w in ("of", "the", "and") else w.capitalize() for w in n.split()) for n in named if len(n) > 3),
        key=len,
        reverse=True,
    )
