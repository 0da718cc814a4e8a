"""What a message asks for other than the matter of a release: a part of the release as such, small talk, fiction.

Knows English messages, not documents.  Each table has one phrase a line, made of the few pieces that stand above it.
"""

from __future__ import annotations

import re
from typing import Literal, cast

from assistant.question import AUXILIARY, strip_lead_in
from assistant.words import fold

Structure = Literal["headline", "date", "issuer", "contact", "summary", "points", "about"]
Chat = Literal["greeting", "thanks", "capabilities"]

RELEASE = r"(?:(?:press |media )?(?:release|statement|document|text|announcement|notice|article|bulletin|communiqu[eé]|piece|message)|press information)"
THIS = r"(?:this|the)"
DAY = r"(?:when|what (?:date|day)|(?:on )?which (?:date|day)|on what (?:date|day)|date)"
PUBLISHED = r"(?:published?|issued?|dated|come out|came out|go out|went out|put out|sent out|written|released|date)"
BODY = r"(?:organi[sz]ation|body|group|company|agency|institution|ngo)"
WROTE = r"(?:issued?|published?|wrote|written|released?|put out|author(?:ed)?|behind|made|sent out|sent|signed|is responsible for)"
SOMEBODY = r"(?:i|we|journalists?|reporters?|the press|the media|people|readers?|one|you|someone|anyone)"
REACH = (
    r"(?:contact|call|ring|phone|message|write|email|e-mail|speak|talk|turn|ask|get in touch|reach|address|approach)"
)
ENQUIRY = r"(?:enquir|inquir|contact|relation)\w*"


def table(*phrases: str) -> re.Pattern[str]:
    """Any of the phrases, as whole words."""
    return re.compile("|".join(rf"\b(?:{p})" for p in phrases))


STRUCTURES: dict[Structure, re.Pattern[str]] = {
    "headline": table(
        r"head ?line\b(?!\s+(?:sponsor|sponsors|act|partner))",
        rf"(?:title|heading) (?:of|on|above|at the top of) {THIS} {RELEASE}\b",
        rf"{RELEASE}(?:'s)? (?:title|heading)\b",
        rf"{RELEASE} (?:called|titled|entitled|headed)$",
        r"(?:what(?:'s| is| was)?|give(?: me)?|state|quote) (?:the|its|your) (?:title|heading)$",
    ),
    "points": table(
        r"(?:key|main|chief|major|most important|principal) (?:\w+ )?(?:points?|messages?|takeaways?|facts|findings|statements|things)\b",
        r"take-?aways\b",
        r"bullet points\b",
        rf"highlights of {THIS}\b",
    ),
    "summary": table(
        r"summar(?:y|i[sz]e)\b",
        r"sum (?:it|this|that|the \w+(?: \w+)?) up\b",
        r"sum up\b",
        r"(?:tl;?dr|in a nutshell|in brief|in short|gist|synopsis|recap|briefly, what)\b",
        rf"overview of {THIS} {RELEASE}\b",
    ),
    "about": table(
        rf"what(?:'s| is| was)? (?:this|the|it|that)(?: {RELEASE})?(?: all)? about\b",
        rf"what does {THIS} {RELEASE} (?:deal with|cover|say|announce|discuss)$",
        rf"(?:main )?(?:topic|subject|theme) of {THIS}\b",
        r"what(?:'s| is) the (?:main )?(?:topic|subject|theme|main idea|main message|point)\b",
    ),
    "date": table(
        rf"{DAY}\b.*\b(?:this|the|your|its?)\b ?(?:{RELEASE})?\b.*\b{PUBLISHED}\b",
        rf"{DAY}\b.*\b(?:issued|published|released|dated)\b.*\b{THIS} {RELEASE}\b",
        rf"(?:date|dateline) (?:of|on) {THIS} {RELEASE}\b",
        rf"(?:{RELEASE}|publication) date\b",
        rf"how (?:old|recent) is {THIS} {RELEASE}\b",
        rf"{RELEASE} (?:is |was )?dated\b",
        r"date of (?:publication|issue)\b",
    ),
    "issuer": table(
        rf"(?:who|which {BODY}|whose)\b.*\b{WROTE}\b.*\b{THIS} {RELEASE}\b",
        r"who (?:issued|published|wrote|released|sent|made) (?:this|it)$",
        rf"whose {RELEASE} is (?:this|it)\b",
        rf"(?:issuer|author|publisher|sender) of {THIS}\b",
        rf"who is {THIS} {RELEASE} (?:from|by)\b",
        r"who (?:is )?(?:this|it) (?:from|by)\b",
    ),
    "contact": table(
        r"(?:contacts?|get in touch|reach out|press officer?|enquiries|inquiries)\b",
        rf"(?:media|press) {ENQUIRY}",
        r"(?:more|further) (?:information|questions)\b",
        rf"(?:whom?|who) (?:do|can|should|could|would|may) {SOMEBODY} {REACH}\b",
        rf"how (?:can|do|could|should) {SOMEBODY} (?:reach|contact|get in touch|write to|call)\b",
    ),
}


ALONE = {
    "contact": re.compile(
        r"(?:the )?(?:e-?mail(?: address)?|(?:press )?contact(?: details| person| address| email)?|phone(?: number)?)"
    ),
    "date": re.compile(rf"(?:the )?date|when did (?:this|it|the {RELEASE}) (?:come|go|get published|appear)(?: out)?"),
    "headline": re.compile(r"(?:the )?(?:headline|title)"),
}
NAMED = re.compile(rf"\b(?:this|publication|{RELEASE})\b")
ELSEWHERE = re.compile(r"\bthe release of\b|\breport\b")  # the release of somebody, the date of a report


def structure(text: str) -> Structure | None:
    """What part of a release as such the question asks for (its headline, its contact, a summary ...), None for a question on its matter."""
    t = fold(strip_lead_in(text)).strip(" ?!.")
    if re.match(rf"{AUXILIARY}\b", t) and not re.search(r"\bsum|\bgive\b", t):
        return None
    for alone, pattern in ALONE.items():
        if pattern.fullmatch(t):
            return cast(Structure, alone)
    for name, pattern in STRUCTURES.items():
        if not pattern.search(t) or (name in ("date", "issuer") and not NAMED.search(t)):
            continue
        if name != "date" or not ELSEWHERE.search(t):
            return name
    return None


WELL = r"(?:(?:ok|okay|oh|so|and|hi|hello|great|perfect|super|alright|right|well)[\s,]+)*"
THANKS = (
    r"(?:thanks|thank you|thank u|thx|ty|cheers|ta|much appreciated|merci|danke|gracias|spasibo|дзякуй|спасибо|дякую|dzięki|great|perfect|good|nice|ok|okay"
    r"|cool|got it|bye|goodbye|good ?bye|see you|understood|well done|good job|wonderful|super|brilliant|excellent|lovely|awesome|that's all|that is all)"
)
PRAISE = r"(?:that|this|it|you)(?:'s|'re| is| was| were| are)(?: (?:so|very|really|quite|too))? (?:quick|fast|great|helpful|kind|nice|useful|good|perfect|clear|easy)"
FILLERS = (
    "a all and everything for great help helpful helped i it indeed lot lots much needed need now perfect so such that that's the this today very was were "
    "wanted you your information info answer answers ever again have nice day good one job work really kind is useful know to"
)
HELLO = (
    r"(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|howdy|hallo|bonjour|hola|privet|привет|здравствуйте|добрый день|вітаю"
    r"|прывітанне|добры дзень|dzień dobry|ciao|guten tag|salut|yo)"
)
THERE = r"(?:are )?(?:you|anyone|anybody|someone) (?:there|around|awake|online|available|busy|home)"
THINGS = r"(?: (?:sorts?|kinds?|types?) of)?(?: things| questions| stuff| topics)?"
ABLE = r"(?:do|help|work|answer|know|ask|able to do|good at|good for|capable of)(?: you| me| us| here| about| with| for| answer)*"
CAPABILITIES = (
    rf"(?:what|how|which){THINGS} (?:can|do|could|should|may|are) (?:you|i|we|this (?:tool|assistant|bot|chat|thing)) {ABLE}",
    r"(?:who|what) are you",
    r"what's your name",
    r"(?:can you |please )?help(?: me| please)?",
    r"how does this (?:(?:tool|assistant|chat) )?work",
    r"are you (?:an? )?(?:bot|robot|human|ai|person|real|chatgpt)[\w\s]*",
    r"what is this(?: tool| chat| thing)?",
    r"how can you (?:help|assist)(?: me| us)?",
    r"what are your (?:capabilities|skills)",
    r"what (?:is|'s) your (?:purpose|job)",
    r"how (?:do|can|should) i use (?:you|this)",
)
CHATS: dict[Chat, re.Pattern[str]] = {
    "capabilities": re.compile(rf"{WELL}(?:{'|'.join(CAPABILITIES)})"),
    "thanks": re.compile(
        rf"{WELL}(?:{PRAISE}[\s,]+)?{THANKS}(?:[\s,]+{THANKS})*(?:[\s,]+(?:{FILLERS.replace(' ', '|')}))*"
    ),
    "greeting": re.compile(
        rf"{HELLO}(?:[\s,]+(?:there|all|everyone|assistant|bot|team|again|you|to|how are (?:you|things)(?: today| doing)?|{THERE}))*|how are you(?: today| doing)?|{THERE}"
    ),
}


def chat(text: str) -> Chat | None:
    """The kind of small talk that `text` is as a whole, None for anything that asks about the matter."""
    t = re.sub(r"[^\w\s,';]", " ", fold(text)).strip(" ,")
    t = re.sub(r"\s+", " ", t)
    for name, pattern in CHATS.items():
        if pattern.fullmatch(t):
            return name
    pieces = [p.strip() for p in re.split(r"[.!?,]+", fold(text)) if p.strip()]
    if len(pieces) > 1 and all(any(p.fullmatch(x) for p in CHATS.values()) for x in pieces):
        return next(n for x in reversed(pieces) for n, p in CHATS.items() if p.fullmatch(x))
    return None


FICTION = re.compile(
    r"\b(?:make up|invent|imagine|pretend|role-?play|act as|you are now|write (?:me )?an? |compose (?:me )?an? |tell me a (?:joke|story)|fabricate|fake)\b",
    re.IGNORECASE,
)


def asks_for_fiction(text: str) -> bool:
    """Whether something is to be made up, and nothing is asked.

    >>> asks_for_fiction("You are now a poet. Invent a quote."), asks_for_fiction("Who invented the fake coin?")
    (True, False)
    """
    return FICTION.search(text) is not None and "?" not in text
