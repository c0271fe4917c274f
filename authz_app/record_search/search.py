"""The text of a search, understood: what it leaves of the call records, or why it means nothing."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from authz_app.record_search import filters
from authz_app.record_search.clients import clients_named
from authz_app.record_search.errors import SearchError
from authz_app.record_search.filters import Filter
from authz_app.record_search.parser import Term, parse
from authz_app.record_search.qualifiers import ARGUMENTS, QUALIFIERS, SearchContext


@dataclass(frozen=True, slots=True)
class Search:
    """Where there are ``problems``, no record is left. ``arguments`` are the texts that arguments are searched for."""

    filters: tuple[Filter, ...] = ()
    problems: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


def interpret(text: str, context: SearchContext) -> Search:
    """What somebody searches for."""
    query = parse(text)
    found: list[Filter] = []
    problems = list(query.problems)
    meanings = [partial(_named, query.words)] if query.words else []
    for meaning in [*meanings, *(partial(_meant, term, context) for term in query.terms)]:
        try:
            found.append(meaning())
        except SearchError as error:
            problems.append(str(error))
    if problems:
        return Search((filters.nothing(),), tuple(problems))
    arguments = [text for term in query.terms if term.qualifier == ARGUMENTS for text in term.values]
    return Search(tuple(found), arguments=tuple(arguments))


def _named(words: str) -> Filter:
    """Without a qualifier: the id of a record, or a client."""
    try:
        return filters.by_id([UUID(words)])
    except ValueError:
        return filters.by_client(clients_named(words))


def _meant(term: Term, context: SearchContext) -> Filter:
    qualifier = QUALIFIERS.get(term.qualifier)
    if qualifier is None:
        raise SearchError(
            f"There is no qualifier {term.qualifier}:. There are {', '.join(QUALIFIERS)}. To search for a name that has"
            " a colon, put it in quotation marks."
        )
    if term.negated and not qualifier.negatable:
        raise SearchError(f"-{term.qualifier}: is not possible; of since: and until: one is the other's opposite.")
    meant = qualifier.means(term.values, context)
    return meant.negated() if term.negated else meant
