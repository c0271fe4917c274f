"""Take secrets out of what is recorded, and keep it small. Pure."""

import re
from typing import Any

import orjson

REDACTED = "[redacted]"
_MAX_STRING = 1_000
_MAX_ITEMS = 100
_MAX_DEPTH = 16
_MAX_BYTES = 8_192
_MAX_MEMBER = 40

_SECRET_KEY = re.compile(
    r"pass(words?|wd|phrase|code)?$|pwd$|^jwt$|appid$|secret|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|"
    r"authorization|cookie|credential|^auth$|bearer|session[-_ ]?id|signature|^pin$|^cvv$|^otp$",
    re.IGNORECASE,
)
# A stranger chooses the text: no pattern may look at a stretch of it again from each place in it.
_SECRET_VALUE = re.compile(
    r"""(?<![\w-])(?>[\w-]*?eyJ)[\w-]{5,}+(?:\.[\w-]*+){2,4}  # a JSON Web Token, signed or encrypted
    | \bBearer\s+[\w.~+/=-]{8,}                    # an Authorization header
    | \bBasic\s+[A-Za-z0-9+/=]{8,}
    | (?<=://)[^/\s:@]*:[^/\s?\#]+(?=@)            # user and password in a URL
    | \b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[\w-]{16,}
    | \bgh[pousr]_\w{20,} | \bgithub_pat_\w{20,} | \bglpat-[\w-]{16,}
    | \bxox[abprs]-[\w-]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b | \bAIza[\w-]{30,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | (?<=[?&;])(?:key|sig|signature|session_?id)=[^&\s]+
    | (?<![a-z0-9])(?:password|passwd|pwd|passphrase|secret|token|api_?key|appid|credential)s?\b
      (?:["']?\s*=\s*["']?[^\s"'&,;]{3,}            # name=value
      | ["']\s*:\s*["'][^"']{3,}                    # "name": "value"
      | :\s*(?=\S{0,64}\d)[^\s"'&,;]{8,})        # name: value, where the value is no word
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


# Every one of those has one of these, and most texts have none.
_HINT = re.compile(r"[=:@_-]|eyj|b(?:earer|asic)|a(?:kia|sia|iza)", re.IGNORECASE)


def redact_text(text: str, limit: int = _MAX_STRING) -> str:
    """Replace what has the shape of a secret, drop NUL (which PostgreSQL refuses), and cut to ``limit`` characters."""
    if len(text) <= limit and not _HINT.search(text):
        return text.replace("\x00", "\ufffd")
    # Cut first, generously, so that a huge value costs little; a secret that straddles the cut is still within it.
    clean = _SECRET_VALUE.sub(REDACTED, text[: limit * 4]).replace("\x00", "\ufffd")
    return clean if len(clean) <= limit else f"{clean[:limit]}... ({len(text)} characters)"


def redact(value: Any, depth: int = 0) -> Any:
    """Copy a JSON value with secrets replaced, long strings and collections cut, and deep nesting left out."""
    if isinstance(value, str):
        return redact_text(value)
    if not isinstance(value, dict | list):
        return value
    if depth >= _MAX_DEPTH:
        return "... (nested too deeply to record)"
    if isinstance(value, list):
        kept: list[Any] = [redact(item, depth + 1) for item in value[:_MAX_ITEMS]]
        return kept if len(value) <= _MAX_ITEMS else [*kept, f"... ({len(value)} items)"]
    pairs = list(value.items())
    found = {
        redact_text(key, 100): REDACTED if _SECRET_KEY.search(key) else redact(item, depth + 1)
        for key, item in pairs[:_MAX_ITEMS]
    }
    return found if len(pairs) <= _MAX_ITEMS else {**found, "...": f"{len(pairs)} members"}


def recorded_json(value: Any) -> str:
    """A JSON text of ``value`` that is fit for a record: redacted, and never longer than 8 kB."""
    text = orjson.dumps(redact(value))
    if len(text) > _MAX_BYTES:
        keys = list(value)[:20] if isinstance(value, dict) else []
        members = [redact_text(key, _MAX_MEMBER) for key in keys]
        text = orjson.dumps({"...": f"{len(text)} bytes, too large to record", "members": members})
    return text.decode()
