"""Languages by ISO 639-1 code, each with its Snowball stemmer, or None where words stay as they are."""

from __future__ import annotations

STEMMERS: dict[str, str | None] = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "ja": None, "km": None, "ko": None, "lo": None, "lt": "lithuanian", "my": None, "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "st": "sesotho", "sv": "swedish", "ta": "tamil", "th": None, "tr": "turkish", "yi": "yiddish",
    "zh": None, "none": None,
}  # fmt: skip
"""`none` is any other language, or several."""
