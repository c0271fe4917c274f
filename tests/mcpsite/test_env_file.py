"""What a `.env` file says, line by line."""

import pytest
from hypothesis import given, strategies as st

from mcpsite.env_file import EnvFileError, parse


def read(content: str) -> list[tuple[int, str, str]]:
    return [(one.line, one.name, one.value) for one in parse(content.encode())]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=", ""),
        ("A= # nothing", ""),
        ("A=#1", "#1"),
        ("A=b#c", "b#c"),
        ("A=b # c", "b"),
        ("A=b\t# c", "b"),
        ("A='b # c' # d", "b # c"),
        ("A=$B", "$B"),
        ("A=${B}", "${B}"),
        ('A="$B \\$C"', "$B $C"),
        ("A='\\n'", "\\n"),
        ('A="\\n"', "\n"),
        ('A="C:\\dir"', "C:\\dir"),
        ("A=it's", "it's"),
        ('A=6" nails', '6" nails'),
        ("A=b=c==", "b=c=="),
        ("A='b\nc'", "b\nc"),
        ('A="-----BEGIN\nZg==\n-----END"', "-----BEGIN\nZg==\n-----END"),
        ('A="[{"b": 1}]"', '[{"b": 1}]'),
        ('A=\'{"b": "it\'s"}\' # c', '{"b": "it\'s"}'),
        ("A\u00a0=\u00a0b", "b"),
    ],
)
def test_a_value_is_what_was_meant(line: str, value: str) -> None:
    assert read(line) == [(1, "A", value)]


def test_lines_are_counted_across_values_comments_and_line_ends() -> None:
    assert read("\ufeff# x\r\nA=1\r\r\nB='\n\n'\n\tC=3") == [(2, "A", "1"), (4, "B", "\n\n"), (7, "C", "3")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_may_have_a_byte_order_mark(encoding: str) -> None:
    assert [one.value for one in parse("A=\xfc\n".encode(encoding))] == ["\xfc"]


@given(st.binary(max_size=60) | st.text("A='\"\\ \n#$[]{}=x", max_size=30).map(str.encode))
def test_whatever_a_file_holds_is_read_or_refused_with_the_number_of_a_line(content: bytes) -> None:
    try:
        assert all(1 <= one.line <= len(content) + 1 for one in parse(content))
    except EnvFileError as error:
        assert 1 <= error.line <= len(content) + 1


def test_an_assignment_does_not_show_its_value() -> None:
    assert "secret" not in repr(parse(b"A=secret"))
