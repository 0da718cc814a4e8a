"""Thresholds that a run must keep, from ``data/eval/gate.toml``.  Knows figures by their path."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.errors import CaseError


def breaches(figures: Mapping[str, Any], gate: Path, name: str) -> list[str]:
    """One line for each threshold of table `name` that `figures` breaks; none where it passes.

    A threshold is ``"section/figure" = {least = x}`` or ``{most = x}``.  Raises CaseError where the file names no such table
    or figure: a threshold that is never looked at must not pass.
    """
    try:
        table = tomllib.loads(gate.read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, KeyError) as error:
        raise CaseError(f"{gate}: no thresholds [{name}] ({type(error).__name__}): write them there") from None
    found = []
    for path, bound in table.items():
        value: Any = figures
        for key in path.split("/"):
            if not isinstance(value, Mapping) or key not in value:
                raise CaseError(
                    f"{gate}: [{name}] {path!r}: there is no figure {key!r}; name one that the report shows"
                )
            value = value[key]
        value = value["value"] if isinstance(value, Mapping) else value
        if not isinstance(bound, Mapping) or not set(bound) <= {"least", "most"} or not bound:
            raise CaseError(f"{gate}: [{name}] {path!r}: write {{least = x}} or {{most = x}}")
        if value < bound.get("least", value) or value > bound.get("most", value):
            limit = f"at least {bound['least']}" if value < bound.get("least", value) else f"at most {bound['most']}"
            found.append(f"{path} is {value:.4g}, and must be {limit}")
    return found
