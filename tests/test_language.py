"""Other languages: recognised, glossed where the words are known, politely declined where they are not."""

import pytest

from assistant.language import DECLINED, KNOWN_SHARE, decline, detect, gloss


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Сколько человек погибло?", "ru"),
        ("Колькі чалавек загінула ў горадзе?", "be"),
        ("Скільки людей загинуло в місті?", "uk"),
        ("Wie viele Menschen wurden verletzt?", "de"),
        ("Combien de personnes ont été blessées ?", "fr"),
        ("¿Cuántas personas fueron detenidas?", "es"),
        ("这是什么？", "other"),
        ("How many people were hurt?", None),
        ("rabkova detained since", None),
        ("Who is El Hadji de la Cruz?", None),
    ],
)
def test_languages_are_told_apart(text: str, code: str | None) -> None:
    assert detect(text) == code


def test_a_question_of_known_words_is_glossed() -> None:
    made = gloss("Wie viele politische Gefangene wurden freigelassen?", "de")
    assert made is not None
    assert made.known >= KNOWN_SHARE
    assert made.english.startswith("how many political")
    assert gloss("Combien ?", "xx") is None


def test_every_language_has_a_polite_line() -> None:
    for code in DECLINED:
        draft = decline(code)
        assert draft.status == "abstained"
        assert "English" in str(draft.parts[0])
