"""Secrets that are planted during the proof, to be hunted for in the end."""

import secrets
from base64 import b64encode
from collections import defaultdict
from functools import cache


class Plants:
    """What must be found nowhere, by its kind."""

    def __init__(self) -> None:
        self._by_kind: dict[str, set[str]] = defaultdict(set)

    def make(self, kind: str, characters: int = 32) -> str:
        """A new secret of this kind."""
        return self.note(kind, secrets.token_hex(characters // 2))

    def note(self, kind: str, secret: str) -> str:
        self._by_kind[kind].add(secret)
        return secret

    def only(self, kind: str) -> str:
        """The one secret of this kind."""
        (secret,) = self._by_kind[kind]
        return secret

    def __str__(self) -> str:
        counted = {kind: len(planted) for kind, planted in self._by_kind.items()}
        return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in counted.items())

    def kind_in(self, text: str) -> str:
        """The kind of one that stands in a text, whole, in a recognizable part or encoded; empty if none does."""
        found = (kind for kind, planted in self._by_kind.items() if any(_is_in(text, secret) for secret in planted))
        return next(found, "")

    def without(self, text: str) -> str:
        """The beginning of a text, for people to see where a secret was found, without the secret."""
        for planted in self._by_kind.values():
            for form in (form for secret in planted for form in _forms(secret)):
                text = text.replace(form, "(the secret)")
        at = text.find("(the secret)")
        return f"...{text[max(0, at - _AROUND) : at + _AROUND]}..."


_AROUND = 100


def _is_in(text: str, secret: str) -> bool:
    return any(form in text for form in _forms(secret))


@cache
def _forms(secret: str) -> frozenset[str]:
    """A secret as it might stand somewhere. Of a token, its claims or its signature alone would be enough."""
    parts = frozenset(part for part in secret.split(".")[1:] if len(part) > _RECOGNIZABLE)
    return parts or frozenset({secret, b64encode(secret.encode()).decode()})


_RECOGNIZABLE = 20
