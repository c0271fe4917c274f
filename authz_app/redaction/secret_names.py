"""Knows the names under which secrets stand: of arguments, settings, headers and parameters in a URL. Pure."""

import re
from functools import lru_cache

_LONGEST = 60
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Wherever they stand in a name, also as a part of a longer word.
_ANYWHERE = (
    "password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey", "authorization",
    "cookie", "privatekey", "accesskey", "secretkey", "accountkey", "sharedkey", "signingkey", "sessionid", "csrf",
    "xsrf", "requeststate", "passwort", "kennwort", "motdepasse", "contrasena", "wachtwoord", "hasło", "пароль",
    "contraseña", "密码", "密碼", "パスワード", "비밀번호",
)  # fmt: skip
_NOT_THOSE = re.compile(r"secretar|tokeni[sz]|tokenom")
# As the last word of a name.
_LAST = frozenset({
    "pass", "pwd", "pw", "jwt", "auth", "bearer", "signature", "pin", "cvv", "cvc", "otp", "totp", "psk", "creds",
    "appid", "mnemonic", "senha", "clave", "jsessionid", "phpsessid", "assertion",
})  # fmt: skip
_ALONE = frozenset({"sid", "sig", "ssn", "pem", "seed"})
# A last word, and those that make a secret of it.
_PAIRS = {
    "key": frozenset({
        "api", "access", "private", "secret", "signing", "encryption", "decryption", "master", "account", "ssh",
        "license", "licence", "deploy", "auth", "subscription", "consumer", "hmac", "aes", "rsa", "recovery", "storage",
        "webhook", "app", "application", "session", "service", "admin", "shared", "root",
    }),
    "code": frozenset({
        "security", "verification", "auth", "mfa", "2fa", "otp", "totp", "recovery", "backup", "time", "pin", "device",
        "access", "cvv", "cvc", "login", "activation",
    }),
    "phrase": frozenset({"seed", "recovery", "pass"}),
    "words": frozenset({"seed", "recovery"}),
    "id": frozenset({"session", "app"}),
    "number": frozenset({"card", "cc"}),
    "verifier": frozenset({"code"}),
    "value": frozenset({"cvv", "verification"}),
}  # fmt: skip
# A last word that makes a name say something about a secret, which is no secret.
_ABOUT = frozenset({
    "type", "types", "url", "uri", "urls", "endpoint", "name", "names", "count", "counts", "limit", "limits", "expires",
    "expiry", "expiration", "at", "in", "policy", "required", "enabled", "disabled", "supported", "length", "lifetime",
    "ttl", "size", "usage", "budget", "used", "remaining", "rate", "price", "cost", "strength", "status", "format",
    "provider", "scheme", "method", "methods", "algorithm", "field", "label", "placeholder", "consent", "banner",
    "preferences", "version", "usd", "second", "per", "use",
})  # fmt: skip
_COUNTED = frozenset({
    "max", "min", "num", "total", "prompt", "completion", "input", "output", "reasoning", "cached", "used", "remaining",
    "page", "continuation", "sync", "stop", "cancellation", "bos", "eos", "pad", "unk", "special", "design", "new",
})  # fmt: skip
_WHETHER = frozenset({"has", "is", "needs", "requires", "use", "uses", "with", "allow", "no"})
_OTHER_SIGNATURES = frozenset({"function", "method", "email", "mail", "type", "call", "query"})


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is a secret, by the words in it."""
    return _is_secret(name[-_LONGEST:])


@lru_cache(maxsize=4_096)
def _is_secret(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    last, before = (words[-1], words[-2] if len(words) > 1 else "") if words else ("", "")
    if last in _ABOUT or (words and words[0] in _WHETHER):
        return False
    if last in ("token", "tokens") and before in _COUNTED:
        return False
    joined = "".join(words) if name.isascii() else re.sub(r"[\W_]", "", name.lower())
    if any(one in joined for one in _ANYWHERE):
        return not _NOT_THOSE.search(joined)
    if last == "signature" and before in _OTHER_SIGNATURES:
        return False
    if last.isdigit() and before:  # password2, cvv2
        last, before = before, words[-3] if len(words) > 2 else ""
    return last in _LAST or joined in _ALONE or before in _PAIRS.get(last, ())
