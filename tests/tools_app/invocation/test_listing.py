"""What a caller sees, and which of its lists have changed."""

import pytest
from hypothesis import given, strategies as st

from authz_app.policy.rule import KINDS, Kind
from tools_app.invocation.listing import LIST_CHANGED, Seen, changed_kinds, changed_since, digest_of

seen = st.frozensets(st.tuples(st.sampled_from(KINDS), st.sampled_from(["a", "b", "ab", "a.b"])), max_size=6)


@given(seen, seen)
def test_a_list_has_changed_if_and_only_if_its_names_have(before: Seen, after: Seen) -> None:
    expected = [
        kind
        for kind in KINDS
        if {name for of, name in before if of == kind} != {name for of, name in after if of == kind}
    ]
    assert changed_kinds(before, after) == expected
    assert changed_since(digest_of(before), digest_of(after)) == expected


def test_what_an_older_worker_told_counts_as_changed() -> None:
    now = digest_of(frozenset({("tool", "a"), ("prompt", "b")}))
    assert changed_since("0123456789abcdef", now) == list(KINDS)
    assert changed_since(f"{now}.more", now) == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_notification(kind: Kind) -> None:
    assert LIST_CHANGED[kind]["method"] == f"notifications/{kind}s/list_changed"
