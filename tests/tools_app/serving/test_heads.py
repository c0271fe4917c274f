"""What the server makes of the head of a POST: as Daphne does, also where it goes a shorter way.

Covers: tools_app.serving.guards, tools_app.serving.shortcuts
"""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import copy_sqlite
from tests.issuer import Issuer
from tests.site import Site

WAIT = 60.0
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site")), issuer) as running:
        yield running
        running.assert_no_traceback()


@pytest.fixture
def connection(site: Site) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection("127.0.0.1", site.port, timeout=WAIT)
    yield made
    made.close()


def posted(connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_heads_are_read_as_daphne_reads_them(connection: http.client.HTTPConnection) -> None:
    status, text = posted(connection, "/mcp", b"{}", JSON | {"X-Odd": "tab\there, \xe4\xff"})
    assert status == 401
    # A name with an underscore could stand for another header, so it is left out: no token was sent.
    status, text = posted(connection, "/mcp?a=b", b"{}", JSON | {"authorization_": "x", "Aut_horization": "Bearer a"})
    assert status == 401
    status, text = posted(connection, "/mcp", b"{}", JSON | {"X-Odd": "vertical\x0btab"})
    assert (status, "Invalid header value" in text) == (400, True)


@pytest.mark.parametrize("name", ["Sp ace", "Ä", "a(b)", 'quo"te'])
def test_a_name_that_is_no_token_is_refused(connection: http.client.HTTPConnection, name: str) -> None:
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n{name}: x\r\n\r\n{{}}"
    connection.connect()
    connection.sock.sendall(head.encode("latin-1"))
    assert connection.sock.recv(1_000).split(b" ", 2)[1] == b"400"


@pytest.mark.parametrize("parameter", ["; boundary=x", "", "; boundary="])
def test_a_form_that_is_none_is_the_site_s_to_answer(connection: http.client.HTTPConnection, parameter: str) -> None:
    for _ in range(2):  # The connection lives on.
        status, _ = posted(
            connection, "/admin/login/", b"--nonsense", {"Content-Type": f"multipart/form-data{parameter}"}
        )
        assert status in (400, 403)


def test_a_form_arrives(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/admin/login/")
    page = connection.getresponse()
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    token = page.read().decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    body = (
        "--x\r\nContent-Disposition: form-data; name=csrfmiddlewaretoken\r\n\r\n"
        f"{token}\r\n--x\r\nContent-Disposition: form-data; name=username\r\n\r\nnobody\r\n"
        "--x\r\nContent-Disposition: form-data; name=password\r\n\r\nwrong\r\n--x--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Cookie": cookie}
    status, text = posted(connection, "/admin/login/", body.encode(), headers)
    assert status == 200
    assert "nobody" in text
