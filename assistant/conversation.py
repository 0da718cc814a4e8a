"""Follow-ups: a question that leans on the earlier ones is set on its own feet.  Knows questions, not documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.names import names
from assistant.question import AUXILIARY, PREPOSED, WH, strip_lead_in
from assistant.schema import Turn
from assistant.words import FUNCTION_WORDS, fold, words

PERSON = re.compile(r"\b(?:he|she|him|her|hers|his|himself|herself)\b", re.IGNORECASE)
PERSONS = re.compile(r"\b(?:they|them|their|theirs)\b", re.IGNORECASE)
THING = re.compile(
    r"\b(?:it|its|this|that|these|those|there|then|the (?:other|same|latter|former)(?: one| two| person| group)?|one|ones|the others?)\b",
    re.IGNORECASE,
)
ABOUT = re.compile(
    r"^(?:(?:and|but|ok|okay|so|then)[\s,]+)*(?:(?:what|how) about|and|or)\s+(?P<new>.+?)\s*\??$", re.IGNORECASE
)
JOINT = re.compile(r"^(?:(?:and|but|so|then|ok|okay|also)\b[\s,.:]*)+", re.IGNORECASE)


def resolve(question: str, history: Sequence[Turn], answer_of: Callable[[str], str]) -> str:
    """`question` with what it leaves out filled in from the user's earlier questions; itself where it stands alone.

    `answer_of` gives the answer to an earlier question where the history does not hold it; it is asked only where a
    pronoun needs it.
    """
    asked = [t.content for t in history if t.role == "user"]
    if not asked:
        return question
    previous = _standalone(asked, history, answer_of)
    return _fill(question, previous, history, answer_of)


def _standalone(asked: list[str], history: Sequence[Turn], answer_of: Callable[[str], str]) -> str:
    """The last earlier question, itself resolved against the ones before it."""
    standing = asked[0]
    for question in asked[1:]:
        standing = _fill(question, standing, (), answer_of)
    return standing


def _fill(question: str, previous: str, history: Sequence[Turn], answer_of: Callable[[str], str]) -> str:
    bare = strip_lead_in(question)
    content = [w for w in words(bare) if w not in FUNCTION_WORDS]
    about = ABOUT.match(question.strip())
    if about and not re.match(rf"(?:{PREPOSED}?{WH}|{AUXILIARY})\b", fold(about.group("new"))):
        new = about.group("new")
        replaced = _swap(previous, new)
        if replaced is not None:
            return replaced
        return f"{_body(previous)} {new}?"
    bare = JOINT.sub("", bare) or bare
    if PERSON.search(bare) and not names(_after_first(bare)):
        person = _last_name(previous, history, answer_of)
        if person:
            possessive = person + "'s"
            bare = re.sub(r"\b(?:his|hers)\b", possessive, bare, flags=re.IGNORECASE)
            bare = re.sub(
                r"\bher\b(?=\s+[a-z])(?!\s+(?:to|and|or|for|at|in|on|from|by|be)\b)",
                possessive,
                bare,
                flags=re.IGNORECASE,
            )
            return re.sub(r"\b(?:he|she|him|her|himself|herself)\b", person, bare, flags=re.IGNORECASE)
    leans = bool(PERSONS.search(bare) or THING.search(bare))
    own_names = names(_after_first(bare))
    if (leans and len(content) <= 4 and not own_names) or (len(content) <= 1 and not own_names):
        return _graft(bare, previous)
    return question if bare == strip_lead_in(question) else bare


def _after_first(text: str) -> str:
    """The text without its first word, whose capital means nothing."""
    return text.split(" ", 1)[1] if " " in text else ""


def _last_name(previous: str, history: Sequence[Turn], answer_of: Callable[[str], str]) -> str | None:
    mentioned = [n for n in names(_after_first(strip_lead_in(previous))) if not n.isupper()]
    if mentioned:
        return mentioned[-1]
    told = next((t.content for t in reversed(history) if t.role == "assistant"), None)
    for name in names((told or answer_of(previous)).split("\n")[0]):
        if not name.isupper():
            return name
    return None


def _swap(previous: str, new: str) -> str | None:
    """ "When was Ann Lee freed?" and "Bo Chan" make "When was Bo Chan freed?"; None where nothing can be swapped."""
    fresh = new.strip(" ?")
    head, _, rest = previous.partition(" ")
    old = names(rest)
    if names("x " + fresh) and old:
        return f"{head} {rest.replace(old[-1], fresh)}"
    return None


def _body(previous: str) -> str:
    return strip_lead_in(previous).rstrip(" ?.!")


def _graft(bare: str, previous: str) -> str:
    """The question's opening on the earlier question's matter: "since when?" after "Is Ann held?" asks "since when is Ann held?"."""
    body = re.sub(
        rf"^{PREPOSED}?(?:how (?:many|much|long|old|often)\s+|{WH}\s+)", "", _body(previous), flags=re.IGNORECASE
    )
    opening = bare.rstrip(" ?.!")
    content = [w for w in words(opening) if w not in FUNCTION_WORDS]
    if not content:
        match = re.match(
            rf"(?:{PREPOSED}?(?:how (?:many|much|long|old|often)|since when|until when|{WH})(?: exactly)?)",
            opening,
            re.IGNORECASE,
        )
        if match:
            return f"{match.group().strip()} {body}?"
    return f"{opening}, {body}?"


def follow(part: str, earlier: str, standing: str) -> str:
    """A later part of one question on its own feet: what it leaves out stands in the part before it."""
    return _fill(part, earlier, (), lambda _: "") if standing == part else standing
