"""What the token cache may still answer, and what it must have forgotten."""

from authz_app.policy.principal import Principal
from authz_app.tokens.cache import TokenCache

LEEWAY = 30


def principal(subject: str = "alice", expires_at: int = 1_000) -> Principal:
    return Principal("https://issuer.example.com/", subject, "", frozenset(), expires_at)


def test_a_principal_is_kept_until_its_token_expires_with_the_leeway() -> None:
    cache = TokenCache(LEEWAY)
    cache.put(b"digest", 0, principal(expires_at=1_000))
    assert cache.get(b"digest", 0, 1_029.9) == principal()
    assert cache.get(b"digest", 0, 1_030) is None
    assert len(cache) == 0


def test_a_change_of_the_keys_empties_the_cache() -> None:
    cache = TokenCache(LEEWAY)
    cache.put(b"digest", 0, principal())
    assert cache.get(b"digest", 1, 0) is None
    assert len(cache) == 0


def test_what_was_verified_before_the_keys_changed_is_not_kept() -> None:
    cache = TokenCache(LEEWAY)
    assert cache.get(b"other", 1, 0) is None
    cache.put(b"digest", 0, principal())
    assert cache.get(b"digest", 1, 0) is None


def test_what_was_kept_late_under_old_keys_is_not_answered() -> None:
    cache = TokenCache(LEEWAY)
    cache.get(b"digest", 0, 0)
    cache.put(b"digest", 0, principal())
    assert cache.get(b"digest", 1, 0) is None


def test_the_principal_that_was_not_asked_for_longest_makes_room() -> None:
    cache = TokenCache(LEEWAY, size=2)
    cache.put(b"a", 0, principal("a"))
    cache.put(b"b", 0, principal("b"))
    assert cache.get(b"a", 0, 0)
    cache.put(b"c", 0, principal("c"))
    assert [cache.get(digest, 0, 0) is not None for digest in (b"a", b"b", b"c")] == [True, False, True]
    assert len(cache) == 2
