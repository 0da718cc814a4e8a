"""The page's own words, in the languages it speaks.  Knows keys and TOML, not pages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

LANGUAGES = ("en", "ru")
Words = Mapping[str, str]


def words_of(language: str) -> Words:
    """Every text of the page in `language` (one of LANGUAGES), by key."""
    text = files("ui").joinpath("words", f"{language}.toml").read_text(encoding="utf-8")
    return {str(k): str(v) for k, v in tomllib.loads(text).items()}
