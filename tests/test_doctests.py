"""The examples in docstrings are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "assistant.question",
        "assistant.enumeration",
        "assistant.names",
        "assistant.dates",
        "assistant.read",
        "eval.text",
    ],
)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
