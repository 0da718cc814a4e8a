"""What a question asks for: its kind, and its parts where it asks several things.  Knows English questions, not documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from assistant.dates import ANY as DATE
from assistant.words import FUNCTION_WORDS, fold, words

Kind = Literal["yes_no", "count", "date", "year", "duration", "person", "place", "email", "phone", "list", "text"]

AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must|isn't|aren't|wasn't|weren't|don't|doesn't|didn't|hasn't|haven't|hadn't|won't|can't)"
WH = r"(?:who|whom|whose|what|when|where|which|why|how|what's|who's|where's|when's)"
PREPOSED = r"(?:(?:in|on|at|by|to|for|from|of|with|under|since|until|till|during|about|against|according to|through|into|after|before)\s+)"
LEAD_IN = re.compile(
    r"^(?:(?:hi|hello|hey|hi there|good (?:morning|afternoon|evening)|so|well|ok|okay|and|but|also|now|then|please|quick question|question|thanks|thank you|great|sorry)\b[\s,.:;!–-]*)+"
    r"|^(?:(?:can|could|would|will) you (?:please )?(?:tell|show|give|remind|inform|explain to) (?:me|us)\b[\s,:]*(?:please\s*)?)"
    r"|^(?:(?:please )?(?:tell|remind|inform|show) (?:me|us)\b[\s,:]*)"
    r"|^(?:(?:can|could|would|will) you (?:please )?(?=(?:state|name|list|provide|specify|identify|summari[sz]e|describe|explain|give|sum|enumerate|count)\b))"
    r"|^(?:(?:can|could|would|will) you (?:please )?confirm (?:that|whether|if)\b[\s,]*)"
    r"|^(?:(?:do|would) you (?:happen to )?know\b[\s,:]*)"
    r"|^(?:i(?:'d| would)? (?:just |really |also )*(?:like|want|need|wish|wonder|was wondering|am wondering)(?: to (?:know|check|ask|find out|learn|see|understand))?\b[\s,:]*)"
    r"|^(?:i'm (?:trying|looking) to (?:find out|understand|know)\b[\s,:]*)"
    r"|^(?:according to (?:the|this) (?:release|statement|press release|document|text|article)[\s,:]*)"
    r"|^(?:is it (?:true|correct|right) that\b[\s,]*)(?=\w)",
    re.IGNORECASE,
)
CONFIRM = re.compile(
    r"^(?:so,?\s+)?(?:is it (?:true|correct|right) that|(?:can|could|would|will) you (?:please )?confirm (?:that|whether|if))\b",
    re.IGNORECASE,
)
NUMBER_WORDS = frozenset(
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million
    billion dozen dozens hundreds thousands millions billions half third quarter percent none no both twice once
    single several""".split()
)
MONTHS = """january february march april may june july august september october november december""".split()
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TIME_WORDS = frozenset(
    MONTHS
    + DAYS
    + """today yesterday tomorrow morning evening noon midnight week weeks month months year years day days hour hours
    minutes decade decades century spring summer autumn winter""".split()
)
LIST_NOUNS = re.compile(
    r"\b(?:which|what)\s+(?:(?!is\b|are\b|was\b|were\b|does\b|do\b|did\b)[\w'-]+\s+){0,4}?(?P<noun>[\w-]+s|people|men|women|children|bodies|countries)\b(?=\s+(?:\w+\s+)?(?:are|were|have|had|did|do|will|would|can|has|been|is|was|support|back|belong|took|take|make|made|signed|remain|remained|count|sit|fund|[a-z]+ed|[a-z]+e?s?)\b|\?|$)",
    re.IGNORECASE,
)


PHONE = re.compile(
    r"\b(?:tele)?phone number|\b(?:fax|helpline|hotline|mobile|cell) number|\b(?:what|which) (?:is the |'s the )?(?:tele)?(?:phone|helpline|hotline)\b|\bwhat number (?:do|can|should|to)\b|\bnumber to (?:call|ring|dial)\b"
    r"|^(?:and )?(?:a |the )?(?:tele)?phone(?: number)?$"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, on its own feet: its text, and what kind of answer it wants."""

    text: str
    kind: Kind

    @property
    def several(self) -> bool:
        """Whether it wants a list."""
        return self.kind == "list"


def clean(text: str) -> str:
    """The question without control characters, its white space evened out."""
    return re.sub(
        r"\s+",
        " ",
        re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]", " ", text),
    ).strip()


def analyse(text: str) -> Asked:
    """The kind of answer that one question wants.

    >>> analyse("How many people were freed?").kind
    'count'
    """
    asserted = CONFIRM.match(text.strip())
    text = strip_lead_in(text)
    t = fold(text).strip(" ?!.")
    several = _wants_several(t)
    if asserted and not re.match(rf"{PREPOSED}?{WH}\b", t):
        return Asked(text, "yes_no")
    if re.search(r"\b(?:e-?mail|mail address|email address|contact address)\b", t) and not re.match(
        rf"{AUXILIARY}\b", t
    ):
        return Asked(text, "email")
    if PHONE.search(t) and not re.match(rf"{AUXILIARY}\b", t):
        return Asked(text, "phone")
    if re.match(rf"(?:whether|if)\b|{AUXILIARY}\s+\w", t) and not re.match(
        r"(?:do|does|did|have|has|had) (?:what|who)", t
    ):
        alternatives = re.search(r"\b\w+ or \w+", t) and not re.search(r"\bor not\b", t)
        if not alternatives or several:
            return Asked(text, "yes_no")
    if (
        text.rstrip().endswith("?")
        and re.search(rf"\b{AUXILIARY}\b", t)
        and len(words(t)) >= 4
        and not re.search(rf"\b{WH}\b|\bor\b", t)
    ):
        return Asked(text, "yes_no")  # a statement with a question mark
    if re.search(
        r"\b(?:how long|since when|until when|till when|for how many (?:years|months|weeks|days|hours)|how many (?:years|months|weeks|days|hours)|how much time|what period|which period|what (?:stretch|length) of time|duration|(?:what|which) (?:time ?)?period)\b",
        t,
    ):
        return Asked(text, "duration")
    if re.search(r"\b(?:(?:in|of|which|what|during) (?:which |what |the )?year|(?:which|what) year)\b", t):
        return Asked(text, "year")
    if re.search(
        r"\b(?:when|what (?:date|day|month|time)|which (?:date|day|month|months)|on what (?:date|day)|date of|how soon|what's the date|deadline)\b",
        t,
    ) or re.match(r"(?:date|day)\b", t):
        return Asked(text, "date")
    if re.search(
        r"\b(?:how many|how much|number of|count of|how large|how big|how high|how often|what (?:percentage|proportion|share|number|figure|sum|amount|age|price|cost|size|total|fraction|rate)|how old|how mny|how mani|what's the (?:number|total|cost|price)|head ?count|cost of|price of|total)\b",
        t,
    ) or re.match(r"(?:howmany|how mny|numbers?|count)\b", t):
        return Asked(text, "count")
    if several:
        return Asked(text, "list")
    if re.match(rf"{PREPOSED}?(?:who|whom|whose|who's)\b", t):
        return Asked(text, "person")
    if re.match(
        rf"{PREPOSED}?(?:where|(?:what|which) (?:country|city|town|place|village|region|state|venue|location))\b", t
    ):
        return Asked(text, "place")
    return Asked(text, "text")


def _wants_several(t: str) -> bool:
    if re.search(
        r"\b(?:list|name|enumerate|give|spell out|identify) (?:me |us )?(?:all|every|everyone|everybody|each|the|some|any|those|three|two|four|five|both)\b",
        t,
    ):
        return bool(re.search(r"\b(?:all|every|everyone|everybody|each|[\w-]+s|people|countries)\b", t))
    if re.search(
        r"\b(?:full|complete|whole) list\b|\blist of\b|\bname (?:them|everyone|everybody)\b|\bwho all\b|^list\b|\bwho are\b|\bwho were\b.*\b(?:those|people|named)\b|\bwhat (?:are|were) the\b[\w\s'-]*?s\b|\bwhat all\b",
        t,
    ):
        return True
    return bool(LIST_NOUNS.search(t)) and not re.match(r"how", t)


def list_noun(text: str) -> str | None:
    """The plural noun that a list or a count is asked of: "countries" in "How many countries support it?"."""
    t = fold(text)
    match = re.search(
        r"\b(?:how many|which|what|number of|all|the|list(?: of)?|name)\s+(?:of\s+)?(?:the\s+)?(?:[\w'-]+\s+){0,2}?(?P<noun>[a-z-]+(?:s|people|men|women|children))\b",
        t,
    )
    return match.group("noun") if match and match.group("noun") not in FUNCTION_WORDS else None


def strip_lead_in(text: str) -> str:
    """The question without greetings and "could you tell me"; what is left when that would leave nothing is `text`."""
    before = None
    stripped = text.strip()
    while before != stripped:
        before = stripped
        stripped = LEAD_IN.sub("", stripped, count=1).lstrip(" ,:;–-")
    return stripped or text.strip()


def parts(text: str) -> list[str]:
    """The questions that `text` asks, in order; statements around them are left out where there is a question.

    >>> parts("How many were freed, and on which day?")
    ['How many were freed', 'on which day?']
    """
    indirect = INDIRECT.search(text)
    if indirect and len(words(text)) > 15 and not re.search(r"\?\s+\S", text):
        text = re.sub(
            r"[,.\s]*\b(?:thank you|thanks|please|cheers|many thanks)\b[\w\s,]*[.!?]*$",
            "",
            indirect.group("asked"),
            flags=re.IGNORECASE,
        )
    sentences = [
        s.strip() for s in re.split(rf"(?<=[?!])\s+|{TITLE}(?<=[.;])\s+(?=[\"'“<(]?[A-Z])|\n+", text) if s.strip()
    ]
    sentences = [_without_talk(s) for s in sentences]
    asking = [s for s in sentences if _asks(s)]
    if any(s.endswith("?") for s in asking):  # "..., where people ask me this." asks nothing beside it
        asking = [s for s in asking if s.endswith("?") or _opens(s)]
    chosen = asking or sentences
    found: list[str] = []
    for sentence in chosen:
        found += _split_joined(sentence)
    return [p for p in found if words(p)][:4] or [text]


TITLE = "".join(rf"(?<!\b{t}\.)" for t in ("Dr", "Mr", "Mrs", "Ms", "Prof", "St", "No"))
EXCEPT = re.compile(
    r"\b(?:apart from|besides|other than|except(?: for)?|aside from|excluding|in addition to|together with|along ?with|alongside|next to)\b(?P<named>.*)",
    re.IGNORECASE,
)
INDIRECT = re.compile(
    rf".*\b(?:namely|know|check|ask(?:ing)?|wonder(?:ing|ed)?|tell me|tell us|find out|see|explain|remember|confirm|understand)[\s,:]+(?:about |for me |please )*(?P<asked>{PREPOSED}?(?:{WH}|whether|if)\b.*)",
    re.IGNORECASE | re.DOTALL,
)


def _without_talk(sentence: str) -> str:
    """ "I know that you are busy, but I do need to ask: did it rain in Bergen?" without what comes before the question."""
    for joint in re.finditer(r"(?P<mark>:|;|,|\s[-–—])\s+(?:(?:so|but)\s+)?", sentence):
        talk, asked = sentence[: joint.start()], sentence[joint.end() :]
        if not re.match(rf"(?:{PREPOSED}?{WH}|{AUXILIARY})\b", asked, re.IGNORECASE) or len(words(talk)) < 8:
            continue
        content = [w for w in words(asked) if w not in FUNCTION_WORDS]
        leans = re.search(r"\b(?:he|she|they|it|his|her|their|its|him|them|this|that)\b", fold(asked))
        announced = joint["mark"] not in (";", ",")
        of_the_asker = re.search(r"\b(?:i|i'm|i've|my|me|we|our|us|you|your)\b", fold(talk))
        if (announced and len(content) >= (3 if leans else 1)) or (of_the_asker and content and not leans):
            return asked
    return sentence


def _opens(sentence: str) -> bool:
    """Whether a sentence begins as a question or a request does."""
    verbs = (
        "list|name|give|tell|show|summari[sz]e|sum|explain|describe|count|enumerate|identify|find|state|define|compare"
    )
    return bool(re.match(rf"{PREPOSED}?{WH}\b|{AUXILIARY}\b|(?:{verbs})\b", fold(strip_lead_in(sentence))))


def _asks(sentence: str) -> bool:
    embedded = rf"(?:,|namely|wonder(?:ing)?|know|check|ask|tell me)\s+{PREPOSED}?(?:which|when|where|how many|how long|who|why|whether)\b"
    return (
        sentence.rstrip("\"'” )").endswith("?")
        or _opens(sentence)
        or bool(re.search(embedded, fold(strip_lead_in(sentence))))
    )


def _split_joined(sentence: str) -> list[str]:
    """ "Who heads X and how can I reach her?" asks two things, each opening with a question word after a joint."""
    opener = rf"{PREPOSED}?(?:{WH}|(?:is|are|was|were|do|does|did|has|have|can|will)(?=\s+(?:he|she|it|they|there|the|any|this|that|[A-Z])))\b"
    pieces = re.split(
        rf"\s*(?:,|;|–|-|—)?\s*\b(?:and|&|plus|as well as|or)\s+(?:also\s+)?(?={opener})|\s*[,;]\s+(?={PREPOSED}?{WH}\b)",
        sentence,
        flags=re.IGNORECASE,
    )
    pieces = [p.strip(" ,;") for p in pieces if p and p.strip(" ,;")]
    for i, piece in enumerate(pieces[:-1]):
        if re.fullmatch(rf"{PREPOSED}?{WH}", piece, re.IGNORECASE):  # "When and where can one ask?"
            pieces[i] = re.sub(rf"^{PREPOSED}?{WH}\b", piece, pieces[i + 1], count=1, flags=re.IGNORECASE)
    if len(pieces) > 1 and all(_asks(p) for p in pieces):
        return pieces
    if len(pieces) > 1 and not _asks(pieces[0]) and any(_asks(p) for p in pieces[1:]):
        # "..., namely which day it was ...": what stands before the first question word is talk.
        return [p for p in pieces if _asks(p)]
    return [sentence]


EACH = re.compile(r"\b(?P<first>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*) and (?P<second>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*)\b")


def each(sentence: str) -> list[str]:
    """ "When were Ann and Bo each freed?" asks of Ann and of Bo."""
    pair = EACH.search(sentence)
    marked = re.search(r"\s*,?\s*\b(?:each|respectively)\b", sentence)
    if pair is None or marked is None:
        return [sentence]
    return [
        re.sub(r"\s*,?\s*\b(?:each|respectively)\b", "", sentence.replace(pair.group(), name))
        for name in pair.group("first", "second")
    ]


def fits(kind: Kind, answer: str) -> bool:
    """Whether `answer` can be what a question of `kind` wants: a count holds a number, a date a date."""
    found = words(answer)
    if kind == "count":
        # A date holds digits, and counts nothing.
        bare = words(DATE.sub(" ", answer))
        return any(w[0].isdigit() or w in NUMBER_WORDS for w in bare)
    if kind == "date":
        return any(w in TIME_WORDS or re.fullmatch(r"(?:1[5-9]|20|21)\d\d", w) for w in found) or bool(
            re.search(r"\d[.:/]\d", answer)
        )
    if kind == "year":
        return any(re.fullmatch(r"(?:1[5-9]|20|21)\d\d", w) for w in found) or any(w in MONTHS for w in found)
    if kind == "duration":
        return any(w in TIME_WORDS or re.fullmatch(r"(?:1[5-9]|20|21)\d\d", w) for w in found) or "since" in found
    if kind == "email":
        return "@" in answer
    if kind == "phone":
        return sum(c.isdigit() for c in answer) >= 6
    return True


def as_yes_no(text: str) -> str | None:
    """The yes-or-no question inside a question with a question word: what it takes for granted.

    >>> as_yes_no("When was Ann Lee released?")
    'Was Ann Lee released?'
    """
    t = strip_lead_in(text)
    match = re.match(
        rf"{PREPOSED}?(?:when|why|where|how|since when|how long|what|who|whom|which [\w\s]+?|what [\w\s]+?|how [\w\s]+?)\s+({AUXILIARY}\s+.+)",
        t,
        re.IGNORECASE,
    )
    if match is None:
        return None
    rest = match.group(1).rstrip(" ?") + "?"
    return rest[0].upper() + rest[1:] if len(words(rest)) >= 4 else None
