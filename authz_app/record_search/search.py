"""Interprets the text of a search: what it leaves of the records, or why it means nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from authz_app.record_search import filters
from authz_app.record_search.clients import clients_named
from authz_app.record_search.filters import Filter
from authz_app.record_search.parser import SearchError, Term, parse
from authz_app.record_search.qualifiers import ARGUMENTS, QUALIFIERS, Qualifier, SearchContext


@dataclass(frozen=True, slots=True)
class Search:
    """Interpreted search. With ``problems``, no record is left. ``arguments`` are texts to find in arguments."""

    filters: tuple[Filter, ...] = ()
    problems: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Language:
    """Defines what can be searched for in one table. ``words`` translates what stands without a qualifier."""

    qualifiers: Mapping[str, Qualifier]
    words: Callable[[str], Filter]


def _record_or_client(words: str) -> Filter:
    try:
        return filters.one_of("pk", [UUID(words)])
    except ValueError:
        return filters.one_of("client_id", clients_named(words))


CALL_RECORDS = Language(QUALIFIERS, _record_or_client)


def interpret(text: str, context: SearchContext, language: Language = CALL_RECORDS) -> Search:
    """Interpret a search of call records, or of what another ``language`` is for."""
    query = parse(text)
    found: list[Filter] = []
    problems = list(query.problems)
    meanings = [partial(language.words, query.words)] if query.words else []
    for meaning in [*meanings, *(partial(_meaning_of, term, context, language.qualifiers) for term in query.terms)]:
        try:
            found.append(meaning())
        except SearchError as error:
            problems.append(str(error))
    if problems:
        return Search((filters.nothing(),), tuple(problems))
    arguments = [text for term in query.terms if term.qualifier == ARGUMENTS for text in term.values]
    return Search(tuple(found), arguments=tuple(arguments))


def filter_of(term: Term, context: SearchContext, qualifiers: Mapping[str, Qualifier]) -> Filter:
    """Translate a term. One without a meaning leaves nothing."""
    try:
        return _meaning_of(term, context, qualifiers)
    except SearchError:
        return filters.nothing()


def _meaning_of(term: Term, context: SearchContext, qualifiers: Mapping[str, Qualifier]) -> Filter:
    qualifier = qualifiers.get(term.qualifier)
    if qualifier is None:
        raise SearchError(
            f"There is no qualifier {term.qualifier}:. There are {', '.join(qualifiers)}. To search for a name that has"
            " a colon, put it in quotation marks."
        )
    if term.negated and not qualifier.negatable:
        raise SearchError(f"-{term.qualifier}: is not possible; of since: and until: one is the other's opposite.")
    meant = qualifier.means(term.values, context)
    return meant.negated() if term.negated else meant
