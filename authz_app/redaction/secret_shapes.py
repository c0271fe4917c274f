"""Takes out what looks like a secret, whatever its name: tokens, private keys, passwords in URLs, cards. Pure.

A stranger chooses the text. No pattern looks at a stretch of it again from each place in it: each begins only where
a run of characters does, takes for good what it has read, or reads no further than a fixed number of characters.
"""

import re
from base64 import b64decode
from binascii import Error
from urllib.parse import unquote

from authz_app.redaction.card_numbers import is_card
from authz_app.redaction.named_values import without_named_values
from authz_app.redaction.token_prefixes import without_known_tokens

REDACTED = "[redacted]"
# Whatever is found below has one of these, and most values have none.
HINT = re.compile(
    r"[=:@<]|[\w./-]{16}|\d(?:[ -]?\d){12}|%2F%2F|-----|bearer\s|basic\s|login\s|\s-|^-|\(b?['\"]"
    r"|(?:pass\w{4,6}|pin|otp|secret|token)\s",
    re.IGNORECASE,
)
_JWT = re.compile(r"(?<![\w-])(?>[\w-]*?eyJ)[\w-]{5,}+(?:\.[\w-]*+){2,4}")
# The beginning of one, where the text ends because it was cut.
_CUT_JWT = re.compile(r"(?<![\w-])(?>[\w-]*?eyJ)[\w-]{5,}+(?:\.[\w-]*+)?\Z")
_SPACE = r"(?:[ +]|%20)"
_PRIVATE_KEY = re.compile(
    rf"-----BEGIN(?:[A-Z0-9 +]|%20){{0,40}}?{_SPACE}PRIVATE{_SPACE}KEY(?:{_SPACE}BLOCK)?-----(?:(?!-----END)[\s\S])*+"
    rf"(?:-----END(?:[A-Z0-9 +]|%20){{0,40}}?PRIVATE{_SPACE}KEY(?:{_SPACE}BLOCK)?-----)?+"
)
# The same in base64, but for certificates, which begin alike.
_WRAPPED_KEY = re.compile(r"LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FUR|BQVUJMSUMg)[\w+/-]{20,}+=*+")
_AUTHORIZATION = re.compile(
    r"""(?<![\w-])(?:(?P<basic>basic)|(?P<bearer>bearer|negotiate|apikey|ssws)|digest(?=\s+username=)|aws4-hmac-sha256)
        \s++(?P<value>[\w.~+/=-]{8,}+|(?:username|credential)=[^\r\n]++)""",
    re.VERBOSE | re.IGNORECASE,
)
_SCHEMES = ("basic", "bearer", "negotiate", "apikey", "ssws", "digest", "aws4")
_PASSWORD_IN_URL = re.compile(
    r"""(?<=://)(?:[^/\s:@]{0,256}+:[^/\s?\#]{1,1024}(?=@)        # to the last @ before the path
      | [^/\s:@"'<>]{1,256}+:(?!\d{1,5}+(?:[/?\#]|\Z))[^\s"'<>@]{1,256}+(?=@)  # with a slash in it
      | (?=[\w~.-]{0,60}\d)[\w~.-]{20,256}+(?=@))                  # a key in the place of a user
      | (?<=%2F%2F)[^\s&%]{0,128}+%3A[^\s&/?\#]{1,256}?(?=%40)""",
    re.VERBOSE,
)
_WEBHOOK = re.compile(
    r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/-]{10,}+"
    r"|(?<=/api/webhooks/)\d{10,22}+/[\w-]{20,}+|(?<=/webhookb2/)[\w@/-]{30,}+"
)
_BOT = re.compile(r"(?<!\d)\d{8,10}+:AA[\w-]{32,}+")
_ATLAS = re.compile(r"(?<![\w-])[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}+")
_AIRTABLE = re.compile(r"(?<![\w-])pat[A-Za-z0-9]{14}\.[0-9a-f]{64}")
_DISCORD = re.compile(r"(?<![\w-])[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}")
_MAILCHIMP = re.compile(r"(?<![\w-])[0-9a-f]{32}-us\d{1,2}(?!\w)")
_CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){12,18}(?![\w-]|[.,]\d)")
_NOT_DIGITS = re.compile(r"\D")
_ENCODED = re.compile(r"%(?:2[0-9A-F]|3[A-F]|40|5[BCD]|7[BD])", re.IGNORECASE)
_MAX_ENCODED = 3


def without_secrets(text: str, *, was_cut: bool = False) -> str:
    """The text with all that looks like a secret replaced. ``was_cut``: more followed, which is not given here.

    A text with such a thing in percent-encoding (RFC 3986 section 2.1), be it encoded again, is given decoded.
    """
    if not HINT.search(text):
        return text
    clean = decoded = _without_secrets(text, was_cut)
    for _ in range(_MAX_ENCODED):
        if not _ENCODED.search(decoded):
            break
        decoded = unquote(decoded)
        without = _without_secrets(decoded, was_cut)
        if without != decoded:
            clean = decoded = without
    return clean


def _without_secrets(text: str, was_cut: bool) -> str:
    if "-----BEGIN" in text:
        text = _PRIVATE_KEY.sub(REDACTED, text)
    if "LS0tLS1" in text:
        text = _WRAPPED_KEY.sub(REDACTED, text)
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
        text = _CUT_JWT.sub(REDACTED, text) if was_cut else text
    if "://" in text or "%2F%2F" in text:
        text = _PASSWORD_IN_URL.sub(REDACTED, text)
        text = _WEBHOOK.sub(REDACTED, text)
    low = text.lower()
    if any(scheme in low for scheme in _SCHEMES):
        text = _AUTHORIZATION.sub(_authorization, text)
    text = without_named_values(text, REDACTED)
    if ":AA" in text:
        text = _BOT.sub(REDACTED, text)
    if ".atlasv1." in text:
        text = _ATLAS.sub(REDACTED, text)
    if "." in text:
        text = _DISCORD.sub(REDACTED, _AIRTABLE.sub(REDACTED, text) if "pat" in text else text)
    if "-us" in text:
        text = _MAILCHIMP.sub(REDACTED, text)
    return _CARD.sub(_card, without_known_tokens(text, REDACTED))


def _authorization(found: re.Match[str]) -> str:
    """Redact the credentials of an Authorization header (RFC 9110 section 11.4), but not "bearer of good news"."""
    value = found["value"]
    if found["basic"] and not _is_login(value):
        return found[0]
    if found["bearer"] and len(value) < 16 and not any(one.isdigit() for one in value):
        return found[0]
    return found[0][: found.start("value") - found.start()] + REDACTED


def _is_login(text: str) -> bool:
    """Whether this is a user and a password (RFC 7617 section 2)."""
    try:
        return b":" in b64decode(text + "=" * (-len(text) % 4), altchars=b"-_")
    except (Error, ValueError):
        return False


def _card(found: re.Match[str]) -> str:
    return REDACTED if is_card(_NOT_DIGITS.sub("", found[0])) else found[0]
