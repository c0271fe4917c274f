"""DATABASE_URL and REDIS_URL, with passwords that have characters of URLs in them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from mcpsite.service_urls import database, redis

BASE = Path("/base")
PASSWORDS = ["p#ss", "p/ss", "p?ss", "p@ss", "p:ss", "p ss", "p+ss", "p%ss", "12/34", "5?6", "[p]", "=&", "\xfc"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_may_have_any_character(password: str) -> None:
    found = database(f"postgres://u:{password}@h:5/d?sslmode=require", BASE)
    assert found.items() >= {"USER": "u", "PASSWORD": password, "HOST": "h", "PORT": 5, "NAME": "d"}.items()
    assert found["OPTIONS"] == {"sslmode": "require"}


@given(st.text(min_size=1, max_size=12))
def test_a_password_that_is_encoded_is_taken_as_it_is(password: str) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in password.encode("utf-8", "surrogatepass"))
    if password.isprintable():
        assert database(f"postgres://u:{encoded}@h/d", BASE)["PASSWORD"] == password


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("POSTGRESQL://H/d/", {"HOST": "h", "NAME": "d"}),
        ("postgresql+psycopg2://h/d", {"HOST": "h", "NAME": "d"}),
        ("postgres://u@[::1]:5432/d", {"HOST": "::1", "PORT": 5432}),
        ("postgres://h1:1,h2:2/d", {"HOST": "h1,h2", "PORT": "1,2"}),
        ("postgres:///d?host=/run/postgresql", {"OPTIONS": {"host": "/run/postgresql"}}),
        ("postgres://%2FRun%2Fpostgresql/d", {"HOST": "/Run/postgresql", "NAME": "d"}),
        ("postgres://h/d?application_name=a@b", {"HOST": "h", "OPTIONS": {"application_name": "a@b"}}),
        ("postgres://user@tenant@h/d", {"USER": "user@tenant", "HOST": "h"}),
        ("sqlite:///a/b%20c+d#e", {"NAME": "/base/a/b c+d#e"}),
        ("SQLite3:////a/b", {"NAME": "/a/b"}),
    ],
)
def test_a_database_is_found_as_people_write_it(url: str, expected: dict[str, Any]) -> None:
    assert database(url, BASE).items() >= expected.items()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ""),
        ("redis://h", "redis://h"),
        ("REDISS://h:6379/0/", "rediss://h:6379/0"),
        ("redis://:p#@/@[::1]/1", "redis://:p%23%40%2F@[::1]/1"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
        ("redis://h?ssl_cert_reqs=none", "redis://h?ssl_cert_reqs=none"),
    ],
)
def test_a_redis_url_is_what_the_libraries_take(url: str, expected: str) -> None:
    assert redis(url) == expected


@pytest.mark.parametrize("read", [redis, lambda url: database(url, BASE)], ids=["redis", "database"])
@pytest.mark.parametrize("url", ["u:pass@h/d", "http://u:pass@h/d", "redis://u:pass@h1,h2", "postgres://u:pass@"])
def test_what_is_no_url_of_its_kind_is_refused_without_its_password(read: Any, url: str) -> None:
    with pytest.raises(ValueError, match="^must be like") as refused:
        read(url)
    assert ":pass@" not in str(refused.value).replace("user:password@", "").replace("redis://:password@", "")
