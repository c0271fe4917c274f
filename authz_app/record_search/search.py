"""The text of a search, understood: what it leaves of the call records, or why it means nothing."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from authz_app.record_search import filters as narrowing
from authz_app.record_search.clients import clients_called
from authz_app.record_search.errors import Unclear
from authz_app.record_search.filters import Narrowing
from authz_app.record_search.parser import Term, parse
from authz_app.record_search.qualifiers import ARGUMENTS, QUALIFIERS, Asker


@dataclass(frozen=True, slots=True)
class Search:
    """Where there are ``problems``, no record is left. ``arguments`` are the texts that arguments are searched for."""

    narrowings: tuple[Narrowing, ...] = ()
    problems: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


def understood(text: str, asker: Asker) -> Search:
    """What somebody searches for."""
    query = parse(text)
    found: list[Narrowing] = []
    problems = list(query.problems)
    meanings = [partial(_named, query.words)] if query.words else []
    for meaning in [*meanings, *(partial(_meant, term, asker) for term in query.terms)]:
        try:
            found.append(meaning())
        except Unclear as error:
            problems.append(str(error))
    if problems:
        return Search((narrowing.nothing(),), tuple(problems))
    arguments = [text for term in query.terms if term.qualifier == ARGUMENTS for text in term.values]
    return Search(tuple(found), arguments=tuple(arguments))


def _named(words: str) -> Narrowing:
    """Without a qualifier: the id of a record, or a client."""
    try:
        return narrowing.by_id([UUID(words)])
    except ValueError:
        return narrowing.by_client(clients_called(words))


def _meant(term: Term, asker: Asker) -> Narrowing:
    qualifier = QUALIFIERS.get(term.qualifier)
    if qualifier is None:
        raise Unclear(
            f"There is no qualifier {term.qualifier}:. There are {', '.join(QUALIFIERS)}. To search for a name that has"
            " a colon, put it in quotation marks."
        )
    if term.negated and not qualifier.negatable:
        raise Unclear(f"-{term.qualifier}: is not possible; of since: and until: one is the other's opposite.")
    meant = qualifier.means(term.values, asker)
    return meant.negated() if term.negated else meant
