"""Follow-ups: a question that leans on the earlier ones is set on its own feet.  Knows questions, not documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.clause import PARTICIPLE, Clause, parse
from assistant.dates import ANY as DATE
from assistant.intent import chat
from assistant.names import asked_names, country, names
from assistant.question import AUXILIARY, PREPOSED, TIME_WORDS, WH, strip_lead_in
from assistant.schema import Turn
from assistant.words import FUNCTION_WORDS, fold, words

PERSON = re.compile(
    r"\b(?:he|she|him|her|hers|his|himself|herself|(?:that|this) (?:person|man|woman))\b", re.IGNORECASE
)
PERSONS = re.compile(r"\b(?:they|them|their|theirs)\b", re.IGNORECASE)
THING = re.compile(
    r"\b(?:it|its|this|that|these|those|there|then|the (?:other|same|latter|former)(?: one| two| person| group)?|one|ones|the others?)\b",
    re.IGNORECASE,
)
IT = re.compile(r"\b(?:it|its)\b(?!\s+(?:true|possible|likely|necessary|clear|take|takes)\b)", re.IGNORECASE)
ABOUT = re.compile(
    r"^(?:(?:and|but|ok|okay|so|then)[\s,]+)*(?:(?:what|how) about|and|or)\s+(?P<new>.+?)\s*\??$", re.IGNORECASE
)
JOINT = re.compile(r"^(?:(?:and|but|so|then|ok|okay|also)\b[\s,.:]*)+", re.IGNORECASE)
BARE = re.compile(
    rf"(?P<opening>{PREPOSED}?(?:how (?:many|much|long|old|often|far)|since when|until when|{WH})(?: (?:day|date|year|month))?(?: exactly)?)(?:\s+(?:is|was|did|does|are|were)\s+(?:it|that|this)(?: happen)?)?",
    re.IGNORECASE,
)
NEW_SUBJECT = re.compile(
    r"^(?:ok(?:ay)?[\s,.:]+)?(?:(?:an)?other|different|new|next) (?:subject|topic|question|matter)\b[\s,.:–-]*",
    re.IGNORECASE,
)
ORDINAL = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|last|next|latter|former|(?:1[5-9]|20)\d\d)\b", re.IGNORECASE
)
PHRASE = r"\s+{}\s+(?:the\s+|a\s+|an\s+)?[\w'’-]+(?:\s+(?:[A-Z\d][\w'’-]*))*"


def resolve(question: str, history: Sequence[Turn], answer_of: Callable[[str], str]) -> str:
    """`question` with what it leaves out filled in from the user's earlier questions; itself where it stands alone.

    `answer_of` gives the answer to an earlier question where the history does not hold it; it is asked only where a
    pronoun needs it.
    """
    asked = [t.content for t in history if t.role == "user"]
    if not asked:
        return question
    told = next((t.content for t in reversed(history) if t.role == "assistant"), None)
    asked = [a for a in asked if not chat(a)] or asked
    previous = asked[0]
    for earlier in asked[1:]:
        previous = follow(earlier, previous, answer_of)
    return follow(question, previous, answer_of if told is None else lambda _: told)


def follow(question: str, previous: str, answer_of: Callable[[str], str]) -> str:
    """A question, or a later part of one, on its own feet: what it leaves out stands in the one before it."""
    fresh = NEW_SUBJECT.sub("", question.strip())
    if fresh and fresh != question.strip():
        return fresh
    clause = parse(previous)
    about = ABOUT.match(question.strip())
    if about and not re.match(rf"(?:{PREPOSED}?{WH}|{AUXILIARY})\b", fold(about["new"])):
        return _about(about["new"], previous, clause)
    bare = JOINT.sub("", strip_lead_in(question)) or question
    filled = _with_things(_with_person(bare, previous, clause, answer_of), previous, clause)
    if filled != bare:
        return filled
    content = [w for w in words(bare) if w not in FUNCTION_WORDS]
    own_names = asked_names(bare)
    opening = BARE.fullmatch(bare.rstrip(" ?.!"))
    if opening:
        return clause.asked(opening["opening"]) if clause is not None else _graft(bare, previous)
    if clause is not None and (short := _shortened(bare, previous, clause)):
        return short
    leans = bool(PERSONS.search(bare) or THING.search(bare))
    own = parse(bare)
    whole = own is not None and bool(own.auxiliary) and (_for_whom(own) or not _pronoun(own.subject))
    if not own_names and ((leans and len(content) <= 4) or (len(content) <= 1 and not whole)):
        return _graft(bare, previous)
    return question if bare == strip_lead_in(question) else bare


def _for_whom(clause: Clause) -> bool:
    """ "Who was freed?" leaves nothing out; "How many were freed?" may leave out of what."""
    asks = clause.opening.lower() == "who" and not clause.subject
    return bool(asks and PARTICIPLE.match(clause.predicate.partition(" ")[0]))


def _with_person(bare: str, previous: str, clause: Clause | None, answer_of: Callable[[str], str]) -> str:
    """ "How old is she?" with the name of whom the earlier question named, or asked for."""
    if not PERSON.search(bare) or asked_names(PERSON.sub("", bare)):
        return bare
    person = _person(previous, clause, answer_of)
    if not person:
        return bare
    possessive = person + "'s"
    bare = re.sub(r"\b(?:his|hers)\b", possessive, bare, flags=re.IGNORECASE)
    follows = r"(?=\s+[a-z])(?!\s+(?:to|and|or|for|at|in|on|from|by|be)\b)"
    bare = re.sub(rf"\bher\b{follows}", possessive, bare, flags=re.IGNORECASE)
    return PERSON.sub(person, bare)


def _person(previous: str, clause: Clause | None, answer_of: Callable[[str], str]) -> str | None:
    named = [n for n in asked_names(strip_lead_in(previous)) if not n.isupper()]
    if clause is not None and re.search(r"\b(?:who|whom|which)$", clause.opening, re.IGNORECASE):
        # Who it is, was asked: the answer names the person, unless the question itself is about a name.
        itself = clause.subject if clause.subject in named else None
        return itself or _named_first(answer_of(previous)) or clause.subject or (named[-1] if named else None)
    if named or clause is None or not clause.subject or _pronoun(clause.subject):
        return named[-1] if named else _named_first(answer_of(previous))
    return clause.subject


def _named_first(told: str) -> str | None:
    return next((n for n in names(told.split("\n")[0]) if not n.isupper()), None)


def _with_things(bare: str, previous: str, clause: Clause | None) -> str:
    """ "How many branches does it have?" with what the earlier question was about in the place of "it" or "they"."""
    if clause is None or asked_names(bare):
        return bare
    thing = _thing(clause, previous)
    if thing and IT.search(bare):
        bare = re.sub(r"\bits\b", lambda _: thing + "'s", bare, flags=re.IGNORECASE)
        bare = IT.sub(lambda _: thing, bare)
    many = _things(clause)
    if many and PERSONS.search(bare):
        bare = re.sub(r"\b(?:their|theirs)\b", lambda _: many + "'", bare, flags=re.IGNORECASE)
        bare = PERSONS.sub(lambda _: many, bare)
    return bare


def _thing(clause: Clause, previous: str) -> str | None:
    if clause.subject == "there":
        return clause.predicate.removeprefix("be ")
    if clause.subject and not _pronoun(clause.subject) and not re.match(r"who\b", clause.opening, re.IGNORECASE):
        return clause.subject
    if clause.noun and not clause.subject and clause.opening.lower() in ("which", "what"):
        return f"the {clause.noun} that {clause.auxiliary} {clause.predicate}".replace("  ", " ")
    named = asked_names(previous)
    return named[-1] if named and not clause.noun else None


def _things(clause: Clause) -> str | None:
    """What "they" may be: several that were asked for, else the subject."""
    if re.search(r"(?:s|people|men|women|children)$", clause.noun):
        return f"the {clause.noun}"
    return clause.subject if clause.subject and not _pronoun(clause.subject) else None


def _pronoun(text: str) -> bool:
    return all(w in FUNCTION_WORDS for w in words(text))


def _about(new: str, previous: str, clause: Clause | None) -> str:
    """ "And Bo Chan?", "what about the second?", "and in May?": the earlier question with the new in the place of what is like it."""
    apart = re.match(rf"(?P<subject>[^,]+),\s*(?P<asked>(?:{PREPOSED}?{WH}|{AUXILIARY})\b.+)", new, re.IGNORECASE)
    if apart:
        subject = apart["subject"]
        return PERSON.sub(subject, IT.sub(subject, PERSONS.sub(subject, apart["asked"])))
    fresh, body = new.strip(" ?"), strip_lead_in(previous).rstrip(" ?.!")
    head, _, rest = body.partition(" ")
    preposition = re.match(r"(?:in|on|at|by|for|from|with|during|since|until|after|before)\b", fresh, re.IGNORECASE)
    if preposition:
        return f"{_swapped_phrase(body, fresh, preposition[0]) or f'{body} {fresh}'}?"
    if names("x " + fresh):
        old = _most_alike(fresh, names(rest))
        return f"{head} {rest.replace(old, fresh)}?" if old else f"{body} {fresh}?"
    ordinal = ORDINAL.search(fresh)
    if ordinal and (old_ordinal := ORDINAL.search(rest)) and len(words(fresh)) <= 3:
        return f"{head} {rest[: old_ordinal.start()]}{ordinal[0]}{rest[old_ordinal.end() :]}?"
    timed = any(w in TIME_WORDS for w in words(fresh)) or bool(DATE.search(fresh))
    swaps = clause is not None and not timed and not _pronoun(clause.subject) and clause.subject in rest
    if clause is not None and swaps and re.match(r"(?:the|his|her|its|their|our)\b", fresh, re.IGNORECASE):
        return f"{head} {rest.replace(clause.subject, fresh)}?"
    if clause is not None and " " not in fresh and " " in clause.noun and not timed:
        return f"{head} {rest.replace(clause.noun, clause.noun.rpartition(' ')[0] + ' ' + fresh)}?"
    return f"{body} {fresh}?"


def _most_alike(fresh: str, old: Sequence[str]) -> str | None:
    """The name that the new one takes the place of: another country for a country, else one of as many words; the last."""

    def likeness(name: str) -> tuple[bool, bool]:
        return bool(country(name)) == bool(country(fresh)), len(name.split()) == len(fresh.split())

    return max(reversed(old), key=likeness) if old else None


def _swapped_phrase(body: str, fresh: str, preposition: str) -> str | None:
    """`body` with its last phrase of the same preposition, or its last one of place, exchanged for `fresh`."""
    for sort in (preposition, "(?:in|on|at)" if preposition.lower() in ("in", "on", "at") else preposition):
        found = list(re.finditer(PHRASE.format(sort), body))
        if found:
            return f"{body[: found[-1].start()]} {fresh}{body[found[-1].end() :]}"
    return None


def _shortened(bare: str, previous: str, clause: Clause) -> str | None:
    """ "How many in winter?" and "which opposition figure?": a question that leaves its verb to the earlier one."""
    own = parse(bare)
    if own is None or not own.opening or own.auxiliary:
        return None
    phrase = re.fullmatch(
        rf"{re.escape(own.opening)} (?P<phrase>(?:in|on|at|during|since|until|after|before|from)\b.+)",
        bare.rstrip(" ?"),
        re.IGNORECASE,
    )
    if phrase:
        body = strip_lead_in(previous).rstrip(" ?.!")
        swapped = _swapped_phrase(body, phrase["phrase"], phrase["phrase"].split()[0])
        return f"{swapped or body + ' ' + phrase['phrase']}?"
    noun = bare.rstrip(" ?")[len(own.opening) :].strip()
    verbless = own.opening.lower() in ("which", "what") and len(noun.split()) <= 3
    if verbless and clause.auxiliary and clause.noun and not re.search(r"(?:s|ed)$", noun.split()[-1] if noun else "s"):
        return f"{own.opening} {noun} {' '.join(w for w in (clause.auxiliary, clause.subject, clause.predicate) if w)}?"
    return None


def _graft(bare: str, previous: str) -> str:
    """The question's words on the earlier question's matter: "is that legal, they were sent abroad?"."""
    body = re.sub(
        rf"^{PREPOSED}?(?:how (?:many|much|long|old|often)\s+|{WH}\s+)",
        "",
        strip_lead_in(previous).rstrip(" ?.!"),
        flags=re.IGNORECASE,
    )
    return f"{bare.rstrip(' ?.!')}, {body}?"
