"""Takes out values behind the name of a secret: ``password=...``, ``"token": "..."``, ``Cookie: ...``. Pure.

Every pattern here either takes what it has read for good (possessive), or reads no further than a fixed number of
characters from where it begins, so a text costs no more than its length.
"""

import re

from authz_app.redaction.secret_names import is_secret_name

# A name, and what separates it from its value. From the first character of the name on, or not at all.
_NAMED = re.compile(
    r"""(?<![\w.$-])-*+(?P<name>[^\W\d][\w.-]*+)(?P<quote>(?:\\{0,8}+["'`])?)
        [ \t]{0,3}+(?P<between>=(?![=~>])|:=|=>|:(?!//)|%3[Dd]|\\u003[Dd])[ \t]{0,3}+""",
    re.VERBOSE,
)
# The same as the repr of a pair, ('password', '...'), as an element of XML, and as an option, --password ...
_IN_PAIR = re.compile(r"""\([ ]{0,2}+b?(["'])(?P<name>[\w .-]{1,60})\1,[ ]{0,2}+""")
_IN_XML = re.compile(r"<(?P<name>[^\W\d][\w.:-]{0,60}+)(?:\s[^<>]{0,200}+)?+>(?=[^<\s])")
_AS_OPTION = re.compile(r"(?<!\S)--?(?P<name>[A-Za-z][\w-]{2,60}+)[ \t]{1,3}+(?=[^\s-])")
_SAID = re.compile(
    r"""(?<![\w-])(?:password|passphrase|passcode|pin|otp|secret|token|passwort)\s
        (?:is|was|will\ be|lautet|ist)(?:\ now)?:?\s{1,3}+(?P<value>["']?(?=\S{0,64}\d)\S{4,256})""",
    re.VERBOSE | re.IGNORECASE,
)
# curl -u user:password, and machine ... login ... password ...
_LOGIN = re.compile(
    r"""(?<!\S)(?:-u|--user|--proxy-user)[ =]{1,3}+["']?[^\s:"']{1,128}+:(?P<curl>[^\s"']{1,256}+)
      | (?<!\S)login\s{1,3}+\S{1,128}+\s{1,3}+password\s{1,3}+(?P<netrc>\S{1,256}+)""",
    re.VERBOSE,
)

_OPTION = re.compile(r"(?<!\S)--?[A-Za-z]")
_VERB = re.compile(r"\s(?:is|was|will|lautet|ist)\b", re.IGNORECASE)

_QUOTED = {quote: re.compile(rf"(?:[^{quote}\\]|\\.)*+", re.DOTALL) for quote in "\"'`"}
_OPENING = re.compile(r"""\\{1,8}+["'`]""")
_ESCAPED_QUOTED = re.compile(r"""[^\r\n"'`]*+""")
_TO_END_OF_LINE = re.compile(r"""[^\r\n"'`]++""")
_TO_SEMICOLON = re.compile(r"""[^;"'\r\n&<>]{1,200}(?=;\s{0,3}+(?:[A-Za-z][A-Za-z ]{1,30}+=|\Z))""")
_UNQUOTED = re.compile(r"""[^\s"'`&,;)\]}<>|\\]++""")
_WHOLE_LINE = re.compile(r"""[^\s"'`&,;)\]}<>|\\]++(?=[ \t]{0,8}(?:[\r\n]|\\[rn]|\#|\Z))""")
_LISTED = re.compile(r"\[[^\]]*+\]?")
_TO_TAG = re.compile(r"[^<]++")
_NOTHING = re.compile(r"""(?:true|false|null|none|undefined|nil|\[redacted\]|\$\{|\{\{|<|\*{3})""", re.IGNORECASE)
_HEADER = re.compile(
    r"(?:proxy-)?authorization|(?:set-)?cookie2?|x-[\w-]*(?:token|key|secret|auth|session)[\w-]*|api-?key",
    re.IGNORECASE,
)
_NO_WORD = re.compile(r"[^A-Za-z.,!?'’-]")
_OF_A_QUERY = frozenset({"key", "code", "k", "auth", "pass", "p"})
_LEAST_CODE = 16
_WITH_KEY = re.compile(r"""["']kty\\{0,8}["']""")
# Private members of a JSON Web Key (RFC 7518 section 6).
PRIVATE_OF_KEY = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_INDENTED = 40


def without_named_values(text: str, instead: str) -> str:
    """The text with what stands behind the names of secrets replaced. The names stay."""
    found = [*_spans(text)]
    if not found:
        return text
    kept, end = [], 0
    for start, stop in sorted(found):
        if start >= end:
            kept += [text[end:start], instead]
        end = max(end, stop)
    return "".join([*kept, text[end:]])


def _spans(text: str) -> list[tuple[int, int]]:
    """Where each value begins and ends."""
    spans = []
    if "=" in text or ":" in text or "%3" in text or "\\u003" in text:
        spans += _named(text)
    if "('" in text or '("' in text or "(b" in text:
        spans += [_behind(text, pair) for pair in _IN_PAIR.finditer(text) if is_secret_name(pair["name"])]
    if "</" in text:
        spans += [
            (one.end(), _end(_TO_TAG, text, one.end())) for one in _IN_XML.finditer(text) if is_secret_name(one["name"])
        ]
    if "-" in text and _OPTION.search(text):
        spans += [_behind(text, one) for one in _AS_OPTION.finditer(text) if is_secret_name(one["name"])]
        spans += [login.span("curl") for login in _LOGIN.finditer(text) if login["curl"]]
    spans += [login.span("netrc") for login in _LOGIN.finditer(text) if login["netrc"]] if "login" in text else []
    if _VERB.search(text):
        spans += [said.span("value") for said in _SAID.finditer(text)]
    return spans


def _named(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    has_key = _WITH_KEY.search(text) is not None
    for named in _NAMED.finditer(text):
        # What stands within a value is gone with it; nor must each of many names read on to the same end.
        if spans and named.start() < spans[-1][1]:
            continue
        is_of_key = has_key and named["quote"] != "" and named["name"] in PRIVATE_OF_KEY
        if span := _value(text, named, named.end()) if is_of_key else _span(text, named):
            spans.append(span)
    return spans


def _span(text: str, named: re.Match[str]) -> tuple[int, int] | None:
    name, start = named["name"], named.end()
    if start >= len(text):
        return None
    if _is_parameter(text, named):
        stop = _end(_UNQUOTED, text, start)
        return (start, stop) if name.lower() != "code" or stop - start >= _LEAST_CODE else None
    if not is_secret_name(name) or _NOTHING.match(text, start):
        return None
    return _value(text, named, start)


def _is_parameter(text: str, named: re.Match[str]) -> bool:
    """Whether the name is a parameter of a URL that is a secret there alone."""
    before = text[named.start() - 1 : named.start()]
    return before in ("?", "&", "#") and named["between"] == "=" and named["name"].lower() in _OF_A_QUERY


def _value(text: str, named: re.Match[str], start: int) -> tuple[int, int] | None:
    if text[start : start + 1] in _QUOTED or _OPENING.match(text, start):
        return _quoted(text, start)
    if text[start : start + 1] in ("[", "{", "(", ""):
        return (start, _end(_LISTED, text, start)) if text.startswith("[", start) else None
    if _HEADER.fullmatch(named["name"]) and named["between"] == ":":
        return start, _end(_TO_END_OF_LINE, text, start)
    if named["between"] != ":":
        with_spaces = _TO_SEMICOLON.match(text, start)
        return start, with_spaces.end() if with_spaces else _end(_UNQUOTED, text, start)
    stop = _end(_UNQUOTED, text, start)
    if named["quote"] or _begins_line(text, named.start()) and _WHOLE_LINE.match(text, start):
        return start, stop
    # In a sentence, "the secret: patience" is none.
    return (start, stop) if stop - start >= 4 and _NO_WORD.search(text, start, stop) else None


def _begins_line(text: str, at: int) -> bool:
    return not text[max(at - _INDENTED, 0) : at].rpartition("\n")[2].strip(" \t-")


def _behind(text: str, found: re.Match[str]) -> tuple[int, int]:
    start = found.end()
    if text[start : start + 1] == "b" and text[start + 1 : start + 2] in _QUOTED:
        start += 1
    if text[start : start + 1] in _QUOTED:
        return _quoted(text, start)
    return start, _end(_UNQUOTED, text, start)


def _quoted(text: str, start: int) -> tuple[int, int]:
    """Where the text within the quotation marks that open here begins and ends, be they escaped or never closed."""
    if escaped := _OPENING.match(text, start):
        return escaped.end(), _end(_ESCAPED_QUOTED, text, escaped.end())
    return start + 1, _end(_QUOTED[text[start]], text, start + 1)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
