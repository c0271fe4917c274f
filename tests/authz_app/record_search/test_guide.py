"""What docs/records.md says of the search is so."""

import re
from pathlib import Path

import pytest
from django.utils import timezone

from authz_app.record_search.parser import parse
from authz_app.record_search.qualifiers import QUALIFIERS, SearchContext
from authz_app.record_search.search import interpret
from tests.rows import make_client

GUIDE = (Path(__file__).parents[3] / "docs/records.md").read_text()
EXAMPLES = [code for code in re.findall(r"`([^`]+)`", GUIDE) if re.match(r"-?[a-z]+:.", code)]


def test_the_table_has_every_qualifier_and_no_other() -> None:
    assert re.findall(r"^\| `(\w+):` \|", GUIDE, re.MULTILINE) == list(QUALIFIERS)


@pytest.mark.django_db
@pytest.mark.parametrize("example", dict.fromkeys(EXAMPLES))
def test_every_example_is_understood(example: str) -> None:
    make_client("Report agent")
    assert interpret(example, SearchContext(timezone.localtime(), sees_arguments=True)).problems == ()


@pytest.mark.parametrize("value", re.findall(r"`([a-z_]+)`", GUIDE.partition("`outcome:`")[2].partition("\n")[0]))
@pytest.mark.django_db
def test_every_outcome_of_the_table_is_one(value: str) -> None:
    assert interpret(f"outcome:{value}", SearchContext(timezone.localtime(), sees_arguments=True)).problems == ()


def test_what_stands_in_quotation_marks_is_a_name() -> None:
    assert parse('"repo:org/x"').words == "repo:org/x"
