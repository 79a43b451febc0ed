from __future__ import annotations

import unicodedata

import pytest

from foolsgold.search.tokens import guess_language, stemmer, tokenize

TOKENS = {
    "Two EGGS, boiled.": ["two", "eggs", "boiled"],
    "ＢＭ２５ Straße": ["bm25", "strasse"],
    "東京タワー": ["東京", "京タ", "タワ", "ワー"],
    "茶": ["茶"],
    "iPhone用ケース 3個": ["iphone", "用ケ", "ケー", "ース", "3", "個"],
    "我爱Python。": ["我爱", "python"],
    "น้ำ": [unicodedata.normalize("NFKC", "น้ำ")[i : i + 2] for i in range(3)],
    "ລາວ": ["ລາ", "າວ"],
    "ខ្មែរ": ["ខ្", "្ម", "មែ", "ែរ"],
    "မြန်": ["မြ", "ြန", "န်"],
    "한국어 책": ["한국", "국어", "책"],
    "हिन्दी भाषा": ["हिन्दी", "भाषा"],
    "قِطَّة": ["قِطَّة"],
    "Ελληνικά ΛΌΓΟΣ": ["ελληνικά", "λόγοσ"],
    "naïve l'eau": ["naïve", "l", "eau"],
    "?! …  ": [],
    "": [],
}


@pytest.mark.parametrize("text", TOKENS)
def test_tokens_by_script(text: str) -> None:
    assert tokenize(text) == TOKENS[text]


def test_composed_and_decomposed_letters_are_the_same_word() -> None:
    assert tokenize(unicodedata.normalize("NFD", "Café Ångström")) == tokenize("café ångström")


def test_stems_by_language() -> None:
    assert [stemmer("en")(word) for word in ("eggs", "boiling")] == ["egg", "boil"]
    assert stemmer("de")("häuser") == stemmer("de")("haus")
    for language in (None, "none", "zh"):
        assert stemmer(language)("eggs") == "eggs"


ENGLISH = "The cat sat on the mat, and it was as happy as a cat can be."
FRENCH = "Le chat est sur le tapis, et il est aussi content que les autres."
DANISH = "Katten sad på måtten, og den var så glad som en kat kan være, men ikke mere end det."
POLISH = "Kot siedział na dywanie i był bardzo szczęśliwy, ponieważ miał co jeść."


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        ([ENGLISH], "en"),
        ([FRENCH] * 3, "fr"),
        ([DANISH], "da"),
        ([ENGLISH] * 3 + [FRENCH], "en"),
        ([ENGLISH] * 3 + [FRENCH] * 2, None),
        ([ENGLISH] + ["XJ-12 B7"] * 3, "en"),
        ([ENGLISH] + ["XJ-12 B7"] * 4, None),
        ([POLISH] * 5, None),
        (["東京タワーは高い"], None),
        (["", "..."], None),
    ],
)
def test_the_language_of_most_texts(texts: list[str], language: str | None) -> None:
    assert guess_language(texts) == language


def test_the_sample_is_spread_over_the_corpus() -> None:
    assert guess_language([ENGLISH] * 3_000 + [FRENCH] * 3_000) is None
