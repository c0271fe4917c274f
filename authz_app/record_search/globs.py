"""Matches globs of a search, in the database and without it: ``*`` is any text and ``?`` any character."""

import re
from typing import Any

from django.db.models import CharField, Lookup, TextField

from authz_app.policy import globs

_WILDCARD = re.compile(r"[*?]")


def is_glob(text: str) -> bool:
    return _WILDCARD.search(text) is not None


def matches(glob: str, text: str) -> bool:
    """Say whether the glob matches the whole text. Case matters."""
    return globs.matches(_without_brackets(glob), text)


def _without_brackets(glob: str) -> str:
    return glob.replace("[", "[[]")


@CharField.register_lookup
@TextField.register_lookup
class Glob(Lookup):
    """Matches a whole value by ``column__glob``. Case matters."""

    lookup_name = "glob"
    prepare_rhs = False

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} GLOB %s", [*parameters, _without_brackets(str(self.rhs))]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        escaped = re.sub(r"([%_\\])", r"\\\1", str(self.rhs))
        return f"{column} LIKE %s", [*parameters, escaped.replace("*", "%").replace("?", "_")]
