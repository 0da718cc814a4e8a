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
    determines = (
        len(tokens) > 1 and DETERMINER.match(tokens[0]) and not (VERB.match(tokens[1]) or PARTICIPLE.match(tokens[1]))
    )
    if not tokens or (PRONOUN.match(tokens[0]) and not determines):
        return " ".join(tokens[:1]), " ".join(tokens[1:])
    name = NAME.match(rest)
    if name is not None:
        more = re.match(
            r"(?:['’]s)?(?:\s+(?:and|of|for)\s+(?:the\s+)?[A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*)*)*", rest[name.end() :]
        )
        end = name.end() + (more.end() if more else 0)
        if not rest[:end].endswith(("'s", "’s")):
            return rest[:end], rest[end:].strip()
    supporting = bool(SUPPORTING.match(auxiliary))
    end = len(tokens)
    for i, token in enumerate(tokens[1:], 1):
        if i == 1 and DETERMINER.match(tokens[0]):
            continue  # "the last", "the report"
        if supporting and VERB.match(token) and i + 1 < end and VERB.match(tokens[i + 1]):
            continue  # "does the report say": the later of two is the verb
        if ADVERB.match(token) or (supporting and (PREPOSITION.match(token) or VERB.match(token))):
            end = i
            break
        if not supporting and PARTICIPLE.match(token):
            end = i
            break
        if supporting and DETERMINER.match(token) and tokens[i - 1].lower() != "of":
            end = i - 1 or 1  # the object's own: before it stands the verb
            break
    if supporting and end > 1 and not (end < len(tokens) and (VERB.match(tokens[end]) or ADVERB.match(tokens[end]))):
        closed = end < len(tokens) and DETERMINER.match(tokens[end + 1] if end + 1 < len(tokens) else "")
        end -= 0 if closed else 1  # the verb stood last
    return " ".join(tokens[:end]), " ".join(tokens[end:])
