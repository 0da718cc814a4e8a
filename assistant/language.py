"""Questions in other languages: recognised, glossed into English where every word is known, else politely declined.

Knows letters, function words and the glossaries of ``data/glossary``; not documents.  The documents and the reader are
English, so a gloss ("how many political prisoners was released") is what is looked up, and the answer says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

from assistant.schema import Draft
from assistant.words import fold
from data import resource

COMMON: Mapping[str, frozenset[str]] = {
    "de": frozenset("""der die das und ist nicht wie viele wer was wann wo warum welche welcher welches wurden wurde sind ein eine im
    mit von für auf dem den des seit noch hat haben kann bitte über leitet heißt gibt an wem wen wessen wohin woher womit
    wofür wieso wird werden waren können konnte konnten sich bei beim nach aus zu zum zur vom welchen welchem ihre ihr seine
    sie es alle dieser diese dieses diesem unter durch gegen""".split()),
    "fr": frozenset("""le la les des du et est pas combien qui quoi que quand où pourquoi quel quelle quels quelles ont été sont une
    dans avec de pour sur depuis encore a cette ce il elle qu au aux par ne plus sa ses leur leurs comment où ils elles
    était étaient avait sera ont-ils a-t-il est-ce jusqu""".split()),
    "es": frozenset("""el la los las y es no cuántos cuantos cuántas quién quien qué que cuándo cuando dónde donde por cuál cuáles
    fueron fue son una en con de para sobre desde aún ha han está cómo como del al se su sus más eran era será están estaban
    hay hasta cuánto cuanto cuántos""".split()),
    "pl": frozenset("""ile kto co kiedy gdzie dlaczego jaki jaka jakie które który która jest są został zostało zostali nie w z na do
    od czy się i o przez ilu jak jakim jaką jakich jakiego jakiej kim czym kogo komu czego ma mają był była było były będzie
    ze za dla jego jej ich po przy kiedy skąd dokąd której którego których""".split()),
    "it": frozenset("""il lo la gli le e è non quanti quante chi che cosa quando dove perché quale quali sono stati stato una in con
    di per su da ha hanno come del della dei delle degli dal dalla nel nella nei si suo sua loro più fu furono era erano sarà
    quanto quanta fino""".split()),
    "nl": frozenset("""de het een en is niet hoeveel wie wat wanneer waar waarom welke zijn werden werd in met van voor op sinds nog
    heeft hebben""".split()),
    "lt": frozenset("""kiek kas kada kur kodėl koks kokia kurie yra buvo ir ne iš su apie nuo""".split()),
    "sv": frozenset("""hur många vem vad när var varför vilka vilken är inte och har från med sedan ett blev""".split()),
}  # fmt: skip
ENGLISH = frozenset(
    """the of and is are was were how many who what when where why which did does do has have in to for from with on
    at by about still any a an that this these it be been as or not no me you your i we they he she""".split()
)
BELARUSIAN = frozenset(
    "якая якое якія якога якой дзе калі колькі чаму што яго яе іх быў былі гэта гэты гэтая ёсць праз пасля".split()
)
DECLINED: Mapping[str, str] = {
    "ru": "Я отвечаю на вопросы по-английски: задайте, пожалуйста, вопрос на английском языке.",
    "be": "Я адказваю на пытанні па-англійску: калі ласка, задайце пытанне па-англійску.",
    "uk": "Я відповідаю на запитання англійською: будь ласка, поставте запитання англійською.",
    "de": "Ich beantworte Fragen auf Englisch: Bitte stellen Sie die Frage auf Englisch.",
    "fr": "Je réponds aux questions en anglais : merci de poser la question en anglais.",
    "es": "Respondo preguntas en inglés: por favor, haga la pregunta en inglés.",
    "pl": "Odpowiadam na pytania po angielsku: proszę zadać pytanie po angielsku.",
    "it": "Rispondo a domande in inglese: per favore, ponga la domanda in inglese.",
    "nl": "Ik beantwoord vragen in het Engels: stel de vraag alstublieft in het Engels.",
    "lt": "Atsakau į klausimus anglų kalba: prašome klausti angliškai.",
    "sv": "Jag svarar på frågor på engelska: ställ gärna frågan på engelska.",
    "other": "I answer questions in English.",
}
ANSWERED: Mapping[str, str] = {
    "ru": "Ответ взят из английского текста; вопрос понят как",
    "be": "Адказ узяты з англійскага тэксту; пытанне зразумета як",
    "uk": "Відповідь узято з англійського тексту; запитання зрозуміло як",
    "de": "Die Antwort stammt aus dem englischen Text; die Frage wurde verstanden als",
    "fr": "La réponse vient du texte anglais ; la question a été comprise comme",
    "es": "La respuesta procede del texto en inglés; la pregunta se entendió como",
    "pl": "Odpowiedź pochodzi z tekstu angielskiego; pytanie zrozumiano jako",
    "it": "La risposta viene dal testo inglese; la domanda è stata intesa come",
}
ELIDING = ("fr", "it")  # "l'organisation" is two words
KNOWN_SHARE = 0.8
LONGEST_PHRASE = 4


@dataclass(frozen=True, slots=True)
class Gloss:
    """A question word by word in English, and the share of its words that a glossary or a name explains."""

    english: str
    known: float


def detect(text: str) -> str | None:
    """The language of a question: a code of DECLINED, None for English or where it cannot be told."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return None
    cyrillic = sum("\u0400" <= c <= "\u04ff" for c in letters)
    latin = sum(c < "\u0250" for c in letters)
    if cyrillic > len(letters) / 2:
        low = text.lower()
        # Belarusian has ў, and і without и; Ukrainian has ї, є, ґ, and і beside и.
        own = BELARUSIAN & set(re.findall(r"\w+", low)) and not re.search("[иїєґщ]", low)
        if "ў" in low or own or ("і" in low and not re.search("[иїєґщ]", low)):
            return "be"
        return "uk" if re.search("[їєґі]", low) else "ru"
    if latin < len(letters) / 2:
        return "other"
    tokens = re.findall(r"[^\W\d_]+", fold(text))
    english = sum(t in ENGLISH for t in tokens)
    scores = {code: sum(t in common for t in tokens) for code, common in COMMON.items()}
    best = max(scores, key=lambda code: scores[code])
    strange = any(not t.isascii() for t in tokens) and not english
    return best if scores[best] >= (1 if strange else 2) and scores[best] >= 2 * english else None


def gloss(text: str, code: str) -> Gloss | None:
    """`text` glossed into English; None where there is no glossary of that language."""
    exact, stems = _glossary(code)
    if not exact:
        return None
    plain = text.replace("’", "'").replace("ʼ", "'").replace("ё", "е").replace("Ё", "Е")
    if code in ELIDING:
        plain = re.sub(r"\b(\w{1,5}')(?=\w)", r"\1 ", re.sub(r"-(?:t-)?(?=(?:il|elle|on|ils|elles|ce)\b)", " ", plain))
    tokens = re.findall(r"[^\W_]+(?:['-][^\W_]+)*'?|\d[\d.,]*", plain)
    out: list[str] = []
    known = at = 0
    while at < len(tokens):
        for size in range(min(LONGEST_PHRASE, len(tokens) - at), 0, -1):
            english = _look_up(" ".join(tokens[at : at + size]).lower(), exact, stems)
            if english is not None:
                out.append(english)
                known += size
                at += size
                break
        else:
            token = tokens[at]
            known += (token[0].isupper() and at > 0) or token[0].isdigit() or token.isupper()
            latin = anyascii(token)
            out.append(latin[:1].upper() + latin[1:] if token[0].isupper() else latin)
            at += 1
    english = re.sub(r"\s+", " ", " ".join(out)).strip()
    return Gloss(english + "?" if text.rstrip().endswith("?") else english, known / max(1, len(tokens)))


def _look_up(phrase: str, exact: Mapping[str, str], stems: Mapping[str, str]) -> str | None:
    if phrase in exact:
        return exact[phrase]
    for length in range(len(phrase), phrase.rfind(" ") + 3, -1):  # a stem is cut within the last word
        if phrase[:length] in stems:
            return stems[phrase[:length]]
    return None


@lru_cache(maxsize=16)
def _glossary(code: str) -> tuple[dict[str, str], dict[str, str]]:
    """Whole phrases, and stems (marked with a star in the file), to English."""
    try:
        path = resource(f"glossary/{code}.tsv")
    except FileNotFoundError:
        return {}, {}
    exact: dict[str, str] = {}
    stems: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        pattern, _, english = line.partition("\t")
        if pattern.endswith("*"):
            stems[pattern[:-1]] = english
        elif pattern:
            exact[pattern] = english
    return exact, stems


def decline(code: str) -> Draft:
    """A polite line in that language."""
    return Draft("abstained", (f"{DECLINED[code]} (Please ask in English.)",), (), 0.9)


def explained(draft: Draft, code: str, english: str) -> Draft:
    """The draft with a line in that language on how the question was understood; a decline with the polite line too."""
    if draft.status == "chat":
        return draft
    lines = [f"\n{ANSWERED[code]}: “{english}”."] if code in ANSWERED else []
    if draft.status == "abstained":
        lines.append(f"\n{DECLINED[code]}")
    return Draft(draft.status, (*draft.parts, *lines), draft.evidence, draft.confidence, draft.engine)
