"""Which language a question is in, and a polite line in it.  Knows letters and function words, not documents."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.schema import Draft
from assistant.words import fold

COMMON: Mapping[str, frozenset[str]] = {
    "de": frozenset(["der", "die", "das", "und", "ist", "nicht", "wie", "viele", "wer", "was", "wann", "wo", "warum", "welche", "welcher", "welches", "wurden", "wurde", "sind", "ein", "eine", "im", "mit", "von", "für", "auf", "dem", "den", "des", "seit", "noch", "hat", "haben", "kann", "bitte", "über"]),
    "fr": frozenset(["le", "la", "les", "des", "du", "et", "est", "pas", "combien", "qui", "quoi", "que", "quand", "où", "pourquoi", "quel", "quelle", "quels", "quelles", "ont", "été", "sont", "une", "dans", "avec", "de", "pour", "sur", "depuis", "encore", "a", "cette", "ce", "il", "elle"]),
    "es": frozenset(["el", "la", "los", "las", "y", "es", "no", "cuántos", "cuantos", "cuántas", "quién", "quien", "qué", "que", "cuándo", "cuando", "dónde", "donde", "por", "cuál", "cuáles", "fueron", "fue", "son", "una", "en", "con", "de", "para", "sobre", "desde", "aún", "ha", "han", "está"]),
    "pl": frozenset(["ile", "kto", "co", "kiedy", "gdzie", "dlaczego", "jaki", "jaka", "jakie", "które", "który", "która", "jest", "są", "został", "zostało", "zostali", "nie", "w", "z", "na", "do", "od", "czy", "się", "i", "o", "przez"]),
    "it": frozenset(["il", "lo", "la", "gli", "le", "e", "è", "non", "quanti", "quante", "chi", "che", "cosa", "quando", "dove", "perché", "quale", "quali", "sono", "stati", "stato", "una", "in", "con", "di", "per", "su", "da", "ha", "hanno"]),
    "nl": frozenset(["de", "het", "een", "en", "is", "niet", "hoeveel", "wie", "wat", "wanneer", "waar", "waarom", "welke", "zijn", "werden", "werd", "in", "met", "van", "voor", "op", "sinds", "nog", "heeft", "hebben"]),
    "lt": frozenset(["kiek", "kas", "kada", "kur", "kodėl", "koks", "kokia", "kurie", "yra", "buvo", "ir", "ne", "iš", "su", "apie", "nuo"]),
    "sv": frozenset(["hur", "många", "vem", "vad", "när", "var", "varför", "vilka", "vilken", "är", "inte", "och", "har", "från", "med", "sedan", "ett", "blev"]),
}  # fmt: skip
ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "is",
        "are",
        "was",
        "were",
        "how",
        "many",
        "who",
        "what",
        "when",
        "where",
        "why",
        "which",
        "did",
        "does",
        "do",
        "has",
        "have",
        "in",
        "to",
        "for",
        "from",
        "with",
        "on",
        "at",
        "by",
        "about",
        "still",
        "any",
    ]
)
LINES: Mapping[str, str] = {
    "ru": "Я отвечаю на вопросы по-английски: задайте, пожалуйста, вопрос на английском языке. (Please ask in English.)",
    "be": "Я адказваю на пытанні па-англійску: калі ласка, задайце пытанне па-англійску. (Please ask in English.)",
    "uk": "Я відповідаю на запитання англійською: будь ласка, поставте запитання англійською. (Please ask in English.)",
    "de": "Ich beantworte Fragen auf Englisch: Bitte stellen Sie die Frage auf Englisch. (Please ask in English.)",
    "fr": "Je réponds aux questions en anglais : merci de poser la question en anglais. (Please ask in English.)",
    "es": "Respondo preguntas en inglés: por favor, haga la pregunta en inglés. (Please ask in English.)",
    "pl": "Odpowiadam na pytania po angielsku: proszę zadać pytanie po angielsku. (Please ask in English.)",
    "it": "Rispondo a domande in inglese: per favore, ponga la domanda in inglese. (Please ask in English.)",
    "nl": "Ik beantwoord vragen in het Engels: stel de vraag alstublieft in het Engels. (Please ask in English.)",
    "lt": "Atsakau į klausimus anglų kalba: prašome klausti angliškai. (Please ask in English.)",
    "sv": "Jag svarar på frågor på engelska: ställ gärna frågan på engelska. (Please ask in English.)",
    "other": "I answer questions in English: please ask in English.",
}


def detect(text: str) -> str | None:
    """The language of a question: a code of LINES, None for English or where it cannot be told."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return None
    cyrillic = sum("\u0400" <= c <= "\u04ff" for c in letters)
    latin = sum(c < "\u0250" for c in letters)
    if cyrillic > len(letters) / 2:
        low = text.lower()
        if re.search("[ў]|дз|[іі].*ы|ы.*і", low):
            return "be"
        return "uk" if re.search("[їєґі]", low) else "ru"
    if latin < len(letters) / 2:
        return "other"
    tokens = re.findall(r"[^\W\d_]+", fold(text))
    english = sum(t in ENGLISH for t in tokens)
    scores = {code: sum(t in common for t in tokens) for code, common in COMMON.items()}
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] >= 2 and scores[best] > english else None


def decline(code: str) -> Draft:
    """A polite line in that language: the documents and the reader are English."""
    return Draft("abstained", (LINES[code],), (), 0.9)
