"""Keys and tokens: as they are sent, and never shown."""

from __future__ import annotations

NO_KEY = "holds a character that no key has, such as a line break or a letter with an accent. Copy the key anew."


def checked_secret(secret: str | None, refusal: Exception) -> str | None:
    """A key or token without white space around it, which a file or a shell adds; None where nothing is left.

    Raises:
        Exception: the refusal, where it cannot be sent: the errors of HTTP libraries would show it.
    """
    secret = (secret or "").strip()
    if not (secret.isascii() and secret.isprintable()):
        raise refusal
    return secret or None


def without_secret(text: str, secret: str | None) -> str:
    """A text with the secret taken out."""
    return text.replace(secret, "[key]") if secret else text
