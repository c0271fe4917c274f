"""What it costs to take secrets out of a text, by its length: in proportion, whatever the text."""

import time

from authz_app.redaction.secret_shapes import without_secrets
from tests.bench.errors import BenchFailed

# Whatever begins as a secret does, or as the place of one, and goes on as none.
_STRETCHES = (
    "a-", "a_", "x-y-", "eyJ", "eyJaaaaaa.", "token:", "token:1", "token ", "token=", "://a:", "://:", "sk-", "Bearer ",
    "-----BEGIN PRIVATE ", "-----BEGIN PRIVATE KEY-----", "?key=", "?code=", "password'", " ", "secret: ", "a--", "$a=",
    "--token ", "<token>", "<a ", "('token', ", "('token', '", 'token=\\"', "%2F%2Fa%3A", "%25", "%3D", "4 ", "4111 ",
    "login a password ", "-u a:b ", "SG.", "sk-a", "key-", "Basic ", "digest username=", "pin is ", "M", "token=[",
    '{"',
    "hooks.slack.com/", "a.", "token='", "\n", "://aaaa@", ":AA", "1:AA", "pat", "x=;", "token=a b;", "\\", '"d\\":',
)  # fmt: skip
STRETCHES = (*_STRETCHES, *(a + b for a, b in zip(_STRETCHES, reversed(_STRETCHES), strict=True)))
_LONG, _TIMES = 12_000, 8
_MOST = 3 * _TIMES


def repeated(stretch: str, characters: int) -> str:
    """A text of about so many characters."""
    return stretch * (characters // len(stretch))


def check_growth() -> str:
    """Measure how much more a text of eight times the length costs; returns a sentence.

    Raises:
        BenchFailed: more than in proportion. A text that is looked at again from each place costs 64 times as much.
    """
    growths = {stretch: _growth(stretch) for stretch in STRETCHES}
    worst = max(growths, key=growths.__getitem__)
    if growths[worst] > _MOST:
        raise BenchFailed(f"{_TIMES} times {worst!r} costs {growths[worst]:.0f} times as much to search for secrets.")
    return (
        f"{_TIMES} times the text takes at most {growths[worst]:.0f} times as long to search for secrets ({worst!r})."
    )


def _growth(stretch: str) -> float:
    short = repeated(stretch, _LONG)
    return _cost(short * _TIMES) / max(_cost(short), 1e-5)


def _cost(text: str) -> float:
    """The processor's time of this thread alone, in seconds: the least of some, since other work can only add to it."""
    costs = []
    for _ in range(4):
        started = time.thread_time()
        without_secrets(text)
        costs.append(time.thread_time() - started)
    return min(costs)
