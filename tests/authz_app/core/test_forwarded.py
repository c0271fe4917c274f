"""What is read of the headers that proxies and strangers write."""

import pytest

from authz_app.core.forwarded import forwarded, names_nodes, read_address, x_forwarded_for
from tests.operations import at_most_calls

HEADERS = {"x_forwarded_for": x_forwarded_for, "forwarded": forwarded}


@pytest.mark.parametrize(
    "text",
    ["", " ", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:port", "1.2.3.4:123456", "1.2.3.4/8"]
    + ["[", "[]", "[1.2.3.4", "1.2.3.4]", '"1.2.3.4', "::1::", "fe80::1%" + "x" * 17, "1.2.3.4 5.6.7.8", "1.2.3.4\n5"]
    + ["\N{ARABIC-INDIC DIGIT ONE}.2.3.4", "1" * 10_000],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


def test_hops_come_from_the_last_to_the_first_over_all_headers() -> None:
    assert [*map(str, x_forwarded_for(["1.1.1.1, 2.2.2.2", "", "3.3.3.3,"]))] == ["3.3.3.3", "2.2.2.2", "1.1.1.1"]
    sent = ['for=1.1.1.1, for="[::2]:80"', "", "for=3.3.3.3,"]
    assert [*map(str, forwarded(sent))] == ["3.3.3.3", "::2", "1.1.1.1"]


@pytest.mark.parametrize(
    "before",
    ['for="', 'for="1.1.1.1', '"', "\\", 'a="\\', "for=1.1.1.1;", "for=1.1.1.1;a=", "=", ";;;", 'x=",', "for=", ","],
)
@pytest.mark.parametrize("written", ["for=2.2.2.2", 'for="2.2.2.2:80"', 'proto=https;for=2.2.2.2;host="a,b"'])
def test_nothing_that_a_stranger_sent_changes_what_the_proxy_wrote(before: str, written: str) -> None:
    assert str(next(forwarded([f"{before}, {written}"]))) == "2.2.2.2"
    assert str(next(forwarded([before, written]))) == "2.2.2.2"


def test_a_name_with_for_in_it_says_nothing_of_addresses() -> None:
    assert not names_nodes(["host=for.example;x-for=1.1.1.1", 'host="a;for=1.1.1.1"'])
    assert names_nodes(["proto=https, FOR=_x"])


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    "part", ["a=  ;", '"', ",", 'a=",', "a= ", "for=", " ", ";", "a", "1.1.1.1,", "for=1.1.1.1,", 'a="\\', "\\"]
)
def test_the_longest_headers_are_read_at_once(header: str, part: str) -> None:
    sent = [part * (16_000 // len(part)) + '"'] * 3
    with at_most_calls(200_000):
        assert len([*HEADERS[header](sent)]) < 13_000
        names_nodes(sent)
