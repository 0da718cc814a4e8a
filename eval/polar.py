"""Yes-or-no questions made of questions and answers: what a question asks is put to the text with an answer in it.

Knows the grammar of questions, not the model.  "When was Ann born?" with "1879", which stands after "in", makes "Was Ann
born in 1879?".  With the answer it is so; with another of the same kind from the same paragraph it is not.  Silver
data, in the spirit of the declarative sentences made of question and answer by Demszky, Guu and Liang (2018, arXiv
1809.02922).
"""

from __future__ import annotations

import re

AUX = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must)"
NOUN = rf"(?:(?!{AUX}\b)[\w'’-]+ ){{1,4}}"
BE = r"(?:is|are|was|were)"
HAVE = ("has", "have", "had")
# What a subject opens with, so that the auxiliary before it stands in front of it; "had the" may be the verb itself.
SUBJECT = (
    re.compile(r"(?:the|a|an|this|that|these|his|her|its|their|he|she|it|they)\b|[A-Z]"),
    re.compile(r"(?:he|she|it|they)\b|[A-Z]"),
)
COUNT = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|million)\b", re.IGNORECASE
)
BEFORE = re.compile(
    r"\b(in|on|at|by|since|from|until|near|to|around|during|after|before|for|of|with)\s+(?:the\s+)?$", re.IGNORECASE
)
# Before a time and a place: what may stand there, and what an answer may bring along.
WHEN = frozenset("in on at by since from until around during after before".split())
OWN_WHEN = re.compile(r"(?:since|in|on|by|from|until|before|after|during|around|between)\b", re.IGNORECASE)
WHERE = frozenset("in on at near to from around".split())
OWN_WHERE = re.compile(r"(?:in|on|at|near|to|from|between|outside|inside|along|across)\b", re.IGNORECASE)
LONGEST = 60  # characters of an answer that a question can hold


def polar(question: str, answer: str, before: str) -> str | None:
    """The question with `answer` put in, None where its grammar is not one of those known; `before` is the text up to the answer.

    >>> polar("When was Ann born?", "1879", "She was born in "), polar("Who founded the club?", "Bo Chan", "")
    ('Was Ann born in 1879?', 'Was it Bo Chan who founded the club?')
    """
    q = " ".join(question.split()).rstrip(" ?.!")
    a = re.sub(r"^(?:The|A|An|In|On|At|By)\b", lambda m: m[0].lower(), " ".join(answer.split()).strip(" .,;:"))
    if not a or len(a) > LONGEST:
        return None
    joint = BEFORE.search(before[-24:])
    preposition = joint[1].lower() if joint else ""
    if match := re.fullmatch(
        rf"(?:when|(?:in |on )?(?:what|which) (?:year|date|day|month|decade|century)) ({AUX}) (.+)", q, re.IGNORECASE
    ):
        return _ask(match[1], match[2], _placed(a, preposition, WHEN, OWN_WHEN))
    if match := re.fullmatch(rf"where ({AUX}) (.+)", q, re.IGNORECASE):
        return _ask(match[1], match[2], _placed(a, preposition, WHERE, OWN_WHERE))
    if match := re.fullmatch(rf"how many ({NOUN})({AUX}) (.+)", q, re.IGNORECASE):
        return _counted(match[1].strip(), match[2], match[3], a)
    if match := re.fullmatch(
        rf"(?:who|what) ({BE}) (.+?)( (?:also |often |originally |commonly )?(?:known as|called|named|termed))?",
        q,
        re.IGNORECASE,
    ):
        return _ask(match[1], match[2], match[3], a) if match[3] else _ask(match[1], a, match[2])
    if match := re.fullmatch(rf"(?:who|whom|what) ({AUX}) (.+)", q, re.IGNORECASE):
        open_end = re.search(rf"\b(?:do|happen|say|think|mean)$|\b{AUX}\b", match[2])
        return None if open_end else _ask(match[1], match[2], a)
    if match := re.fullmatch(
        rf"(?:who |(?:what|which) (?!(?:time|kind|sort|type)\b)(?P<noun>{NOUN}))(?P<rest>.+)", q, re.IGNORECASE
    ):
        inverted = re.fullmatch(rf"({AUX}) (.+)", match["rest"], re.IGNORECASE) if match["noun"] else None
        if inverted and (
            re.fullmatch("do|does|did", inverted[1], re.IGNORECASE)
            or SUBJECT[inverted[1].lower() in HAVE].match(inverted[2])
        ):
            return _ask(inverted[1], inverted[2], a)
        if inverted or match["noun"] is None:
            return f"Was it {a} {'that' if match['noun'] else 'who'} {match['rest']}?"
    return None


def _placed(answer: str, preposition: str, fitting: frozenset[str], own: re.Pattern[str]) -> str:
    """The answer with the preposition that stands before it where that fits, else "in"; as it is where it has its own."""
    return answer if own.match(answer) else f"{preposition if preposition in fitting else 'in'} {answer}"


def _counted(noun: str, auxiliary: str, rest: str, answer: str) -> str | None:
    if not COUNT.search(answer) or noun.split()[-1].lower() in ("years", "months", "days", "hours", "minutes"):
        return None
    counted = answer if noun.split()[-1].lower() in answer.lower() else f"{answer} {noun}"
    turned = auxiliary.lower() in ("do", "does", "did") or (auxiliary.lower() in HAVE and not rest.startswith("been "))
    return _ask(auxiliary, rest, counted) if turned else _ask(auxiliary, counted, rest)


def member(question: str, item: str) -> str | None:
    """A question for several things as one that asks whether `item` is one of them, None where its grammar is not known.

    >>> member("Who was freed?", "Ann Lee"), member("Which states back the fund?", "Peru"), member("List the donors.", "Peru")
    ('Was Ann Lee freed?', 'Is Peru one of the states that back the fund?', 'Is Peru one of the donors?')
    """
    if _sort(item) != "name" or len(item) > LONGEST:
        return None
    q = " ".join(question.split()).rstrip(" ?.!")
    one = {"are": "is", "were": "was", "have": "has"}
    if match := re.fullmatch(
        rf"(?:who |(?:what|which) (?P<noun>{NOUN}))(?P<aux>{AUX}) (?P<rest>.+)",
        q,
        re.IGNORECASE,
    ):
        auxiliary = match["aux"].lower()
        if match["noun"] and (auxiliary in ("do", "does", "did") or SUBJECT[auxiliary in HAVE].match(match["rest"])):
            return _ask(auxiliary, match["rest"], item)
        return _ask(one.get(auxiliary, auxiliary), item, match["rest"])
    if match := re.fullmatch(r"who (?:else )?(.+)", q, re.IGNORECASE):
        return f"Is {item} among those who {match[1]}?"
    if match := re.fullmatch(
        rf"(?:what|which) (?!{AUX}\b)([\w'’-]+s|people|men|women|children) (.+)", q, re.IGNORECASE
    ):
        return f"Is {item} one of the {match[1]} that {match[2]}?"
    if match := re.fullmatch(r"(?:please )?(?:list|name)(?: me)?(?: all| all of)?(?: the)? (.+)", q, re.IGNORECASE):
        return f"Is {item} one of the {match[1]}?"
    return None


def _ask(auxiliary: str, *rest: str) -> str:
    return " ".join([auxiliary.capitalize(), *(" ".join(r.split()) for r in rest if r.strip())]) + "?"


def alike(one: str, other: str) -> bool:
    """Whether two answers are of one kind, so that one may be taken for the other, and do not say the same.

    >>> alike("1879", "1903"), alike("Ann Lee", "Bo Chan"), alike("Ann Lee", "Lee"), alike("1879", "Ann")
    (True, True, False, False)
    """
    a, b = set(re.findall(r"\w+", one.lower())), set(re.findall(r"\w+", other.lower()))
    if a & b - {"the", "of", "a", "and", "in", "million", "percent"} or not a or not b:
        return False
    return _sort(one) == _sort(other) != "text"


def _sort(answer: str) -> str:
    if re.search(
        r"\b(?:1[0-9]|20)\d\d\b|\b(?:January|February|March|April|June|July|August|September|October|November|December)\b",
        answer,
    ):
        return "date"
    if re.search(r"%|percent", answer):
        return "share"
    if re.search(r"[$€£]|dollars|euros", answer):
        return "money"
    if re.search(r"\d", answer) or COUNT.match(answer):
        return "number"
    return "name" if re.match(r"(?:[Tt]he )?[A-Z]", answer) and len(answer.split()) <= 6 else "text"
