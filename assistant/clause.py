"""A question taken apart, as far as its word order tells.  Knows English questions, not documents.

>>> parse("How many cats did Ann see in May?")
Clause(opening='How many', noun='cats', auxiliary='did', subject='Ann', predicate='see in May')
>>> parse("Who heads the club?")
Clause(opening='Who', noun='', auxiliary='', subject='', predicate='heads the club')
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.names import NAME
from assistant.question import AUXILIARY, PREPOSED, WH, strip_lead_in

OPENING = re.compile(
    rf"(?P<opening>{PREPOSED}?(?:how (?:many|much|long|old|often|far|big|large|high|soon)|{WH})(?: (?:else|exactly|of them))?)\b\s*(?P<after>.*)",
    re.IGNORECASE | re.DOTALL,
)
# What stands between "which" and the auxiliary: no article, unless after "of".
NOUN = rf"(?:(?:of the |of )?(?!(?:{AUXILIARY}|the|a|an|that|which|who|to|in|on|for|by|at|from|with)\b)[\w'’-]+\s+){{0,6}}?"
WITH_AUXILIARY = re.compile(rf"(?P<noun>{NOUN})(?P<auxiliary>{AUXILIARY})\b\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
SUPPORTING = re.compile(r"(?:do|does|did|will|would|can|could|should|may|might|must)(?:n't)?$", re.IGNORECASE)
PRONOUN = re.compile(r"(?:i|you|he|she|it|we|they|this|that|these|those|there|one|anyone|anybody)$", re.IGNORECASE)
DETERMINER = re.compile(
    r"(?:the|a|an|this|that|these|those|his|her|its|their|our|your|my|any|all|some|each|every|both|most|many)$",
    re.IGNORECASE,
)
PREPOSITION = re.compile(
    r"(?:in|on|at|by|to|for|from|with|under|since|until|till|during|about|against|through|into|after|before|between|among|as|over|out|up|off|behind|than)$",
    re.IGNORECASE,
)
ADVERB = re.compile(
    r"(?:still|also|ever|now|already|currently|not|never|yet|just|only|today|actually|exactly|finally|first|last|again|usually|really|there|together|so|been|being|and|or|but|that|who|which|because|if|when|while)$",
    re.IGNORECASE,
)
PARTICIPLE = re.compile(
    r"(?:\w{2,}ed|(?:be|do|go|ta|gi|brok|spok|writt|chos|driv|eat|fall|froz|hidd|stol|throw|show|know|grow|drawn|see)[ke]?ne?|held|made|sent|told|said|paid|found|built|bought|brought|caught|cut|hit|kept|laid|led|left|lost|met|put|read|run|set|shut|sold|spent|taught|won|born|called|named|\w{2,}ing)$",
    re.IGNORECASE,
)
# Base verbs that follow a subject without a mark of their own.
VERB = re.compile(
    r"""(?:accept|accuse|act|add|agree|aim|allow|announce|answer|appeal|apply|appoint|argue|arrest|ask|attack|back|ban|become|begin|believe|belong
    |blame|book|break|bring|build|burn|buy|call|carry|cause|change|charge|check|claim|close|come|complain|conclude|condemn|consider|consist|contain|continue|cost
    |count|cover|create|criticise|cut|decide|demand|describe|develop|die|discover|do|earn|employ|end|expect|explain|extend|fall|feel|fight|find|fly|follow|free|fund|gain|get|give
    |go|grow|happen|have|head|hear|help|hold|hope|host|include|increase|intend|invest|investigate|join|keep|kill|know|last|launch|lead|leave|lie|live|look|lose|make|manage|mean
    |measure|meet|mention|move|need|number|offer|open|oppose|order|own|pay|plan|play|produce|promise|propose|protest|prove|provide|publish|put|raise|reach|read|receive|recommend|refer|refuse|reject
    |release|remain|remember|replace|report|represent|require|rise|run|save|say|sell|send|serve|set|show|sign|speak|spend|stand|start|state|stay|stop|study|suffer|support|suspect|take|talk|teach
    |tell|think|train|travel|try|turn|urge|use|visit|vote|wait|want|warn|wear|weigh|win|work|worry|write)$""",
    re.IGNORECASE | re.VERBOSE,
)

FURTHER_NAMES = re.compile(r"(?:['’]s)?(?:\s+(?:and|of|for)\s+(?:the\s+)?[A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*)*)*")


@dataclass(frozen=True, slots=True)
class Clause:
    """A question: what it opens with, the noun of what is asked for, the auxiliary, the subject, and the rest.

    A question for the subject has none of its own; where it has no auxiliary, its verb opens the predicate.
    """

    opening: str
    noun: str
    auxiliary: str
    subject: str
    predicate: str

    def asked(self, opening: str) -> str:
        """The same matter asked with another opening.

        >>> parse("How many cats did Ann see?").asked("When")
        'When did Ann see cats?'
        """
        turned = bool(self.subject) and bool(SUPPORTING.match(self.auxiliary))
        subject = self.subject or self.noun or ("they" if self.auxiliary in ("are", "were", "have") else "")
        told = [opening, self.auxiliary, subject, self.predicate, self.noun if turned else ""]
        return " ".join(t for t in told if t) + "?"


def parse(text: str) -> Clause | None:
    """The parts of one question, None where it is none."""
    bare = re.sub(
        r"\b(who|what|where|when|how)['’]s\b", r"\1 is", strip_lead_in(text).rstrip(" ?.!"), flags=re.IGNORECASE
    )
    opened = OPENING.match(bare)
    if opened is None:
        direct = re.match(rf"(?P<auxiliary>{AUXILIARY})\b\s*(?P<rest>.+)", bare, re.IGNORECASE | re.DOTALL)
        return Clause("", "", direct["auxiliary"], *_subject(direct["auxiliary"], direct["rest"])) if direct else None
    found = WITH_AUXILIARY.match(opened["after"])
    if found is None:
        if re.match(r"(?:which|how many|how much|whose)\b", opened["opening"], re.IGNORECASE):
            noun, _, predicate = opened["after"].partition(" ")
            return Clause(opened["opening"], noun, "", "", predicate)
        return Clause(opened["opening"], "", "", "", opened["after"])
    noun, auxiliary, rest = found["noun"].strip(), found["auxiliary"], found["rest"]
    first = rest.split(" ", 1)[0]
    for_subject = re.search(r"\b(?:who|whom|which|what|many|much)$", opened["opening"], re.IGNORECASE) and not (
        DETERMINER.match(first) or PRONOUN.match(first) or first[:1].isupper() or SUPPORTING.match(auxiliary)
    )
    return Clause(opened["opening"], noun, auxiliary, *(("", rest) if for_subject else _subject(auxiliary, rest)))


def _subject(auxiliary: str, rest: str) -> tuple[str, str]:
    """The subject that `rest` begins with, and what follows it."""
    tokens = rest.split()
    if not tokens or _stands_alone(tokens):
        end = 1
    elif cut := _named(rest):
        return rest[:cut], rest[cut:].strip()
    else:
        end = _before_verb(tokens) if SUPPORTING.match(auxiliary) else _before_participle(tokens)
    return " ".join(tokens[:end]), " ".join(tokens[end:])


def _stands_alone(tokens: list[str]) -> bool:
    """Whether the first is a pronoun of its own: "these" in "these ended", not in "these talks"."""
    determines = (
        len(tokens) > 1 and DETERMINER.match(tokens[0]) and not (VERB.match(tokens[1]) or PARTICIPLE.match(tokens[1]))
    )
    return bool(PRONOUN.match(tokens[0])) and not determines


def _named(rest: str) -> int:
    """Where the names that `rest` begins with end, 0 where it begins with none or with the owner of something."""
    name = NAME.match(rest)
    if name is None:
        return 0
    more = FURTHER_NAMES.match(rest, name.end())
    end = more.end() if more else name.end()
    return 0 if rest[:end].endswith(("'s", "’s")) else end


def _before_participle(tokens: list[str]) -> int:
    """How many tokens stand before the first participle or adverb, where "be" or "have" is the auxiliary."""
    begin = 2 if DETERMINER.match(tokens[0]) else 1  # "the last", "the report"
    ends = (i for i in range(begin, len(tokens)) if ADVERB.match(tokens[i]) or PARTICIPLE.match(tokens[i]))
    return next(ends, len(tokens))


def _before_verb(tokens: list[str]) -> int:
    """How many tokens stand before the verb, where "do", "will" and their like are the auxiliary."""
    count = len(tokens)
    for i in range(2 if DETERMINER.match(tokens[0]) else 1, count):
        token = tokens[i]
        if VERB.match(token):
            if i + 1 < count and VERB.match(tokens[i + 1]):
                continue  # "does the report say": the later of two is the verb
            return i
        if ADVERB.match(token):
            return i
        if PREPOSITION.match(token):
            # Behind a verb that no list knows, unless it belongs to the subject and an object of its own follows.
            owned = DETERMINER.match(tokens[i + 1]) if i + 1 < count else None
            return i if i == 1 or owned else i - 1
        if DETERMINER.match(token) and tokens[i - 1].lower() != "of":
            return max(1, i - 1)  # the object's own: before it stands the verb
    return max(1, count - 1)  # the verb stood last
