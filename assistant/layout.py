"""Lists that a document lays out as lines, with what introduces them.  Knows documents, not questions."""

from __future__ import annotations

from dataclasses import dataclass

from assistant import enumeration
from assistant.schema import Document, Span

LEAST_ITEMS = 2
MAX_LEAD = 300  # characters of a line that introduces a list


@dataclass(frozen=True, slots=True)
class Listing:
    """A laid-out list: where its items stand, without their marks, and the heading and line that introduce it."""

    items: tuple[Span, ...]
    lead: Span | None
    heading: Span | None

    @property
    def span(self) -> Span:
        """From the start of the first item to the end of the last."""
        return Span(self.items[0].start, self.items[-1].end)

    def _introduction(self, document: Document) -> list[str]:
        return [document.slice(s) for s in (self.heading, self.lead) if s is not None]

    def whole(self, document: Document) -> str:
        """What introduces the list, and the list."""
        return "\n".join([*self._introduction(document), document.slice(self.span)])

    def introduced(self, document: Document) -> str:
        """What introduces the list, then how its first items begin: what the list is of."""
        return " ".join([*self._introduction(document), *(document.slice(i)[:80] for i in self.items[:3])])


def listings(document: Document) -> list[Listing]:
    """The laid-out lists of a document, in order."""
    found: list[Listing] = []
    heading: Span | None = None
    lead: Span | None = None
    run: list[Span] = []
    for block in (*document.blocks, None):
        if block is not None and block.kind == "item":
            run.append(enumeration.unmarked(document.text, block.span))
            continue
        if len(run) >= LEAST_ITEMS:
            found.append(Listing(tuple(run), lead, heading))
        run = []
        if block is not None:
            if block.kind == "heading":
                heading = block.span
            introduces = len(block.span) <= MAX_LEAD and document.slice(block.span).rstrip().endswith((":", "?"))
            lead = block.span if introduces else None
    return found
