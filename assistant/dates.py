"""Dates as they are written in documents.  Knows spans and calendars, not questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from dateutil import parser as dateutil_parser

from assistant.schema import Span

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b\.?"
)
DAY = r"(?:[0-3]?\d)(?:st|nd|rd|th)?"
YEAR = r"(?:1[6-9]|20|21)\d\d"
FULL = re.compile(
    rf"\b(?:{DAY}(?:\s+of)?\s+{MONTH},?\s+{YEAR}|{MONTH}\s+{DAY},?\s+{YEAR}|{YEAR}-[01]\d-[0-3]\d|[0-3]?\d[./][01]?\d[./]{YEAR})\b",
    re.IGNORECASE,
)
ANY = re.compile(
    rf"{FULL.pattern}|\b(?:{DAY}(?:\s+of)?\s+{MONTH}(?!\w)|{MONTH}\s+{DAY}(?!\d)|{MONTH},?\s+{YEAR}|{YEAR})(?!\w)",
    re.IGNORECASE,
)


def first_date(text: str) -> Span | None:
    """Where the first whole date (day, month, year) of `text` stands.

    >>> first_date("Geneva, 3 May 2024 — ...")
    Span(start=8, end=18)
    """
    match = FULL.search(text)
    return Span(*match.span()) if match else None


def dates(text: str) -> Iterator[Span]:
    """Where every date or year of `text` stands: "19 December 2025", "13 December", "September 2020", "2020"."""
    for match in ANY.finditer(text):
        if not re.fullmatch(r"may\.?", match.group(), re.IGNORECASE):
            yield Span(*match.span())


def parse(text: str, default: date) -> date | None:
    """The calendar date that `text` names, its missing parts taken from `default`; None where it names none."""
    from datetime import datetime

    try:
        found: datetime = dateutil_parser.parse(text, default=datetime(default.year, default.month, 1), dayfirst=True)
        return found.date()
    except (ValueError, OverflowError):
        return None
