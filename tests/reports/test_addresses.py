"""Addresses, sockets and paths, as proxies, service managers and clients really use them.

Covers: tools_app.serving.callers, tools_app.serving.endpoints, tools_app.serving.listening
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests import warm_python
from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.issuer import Issuer
from tests.raw_modern import call, headers_for, post
from tests.redis import RedisServer
from tests.site import ROOT, Site, free_port

WAIT = 60.0
CLIENT, OTHER = "203.0.113.9", "198.51.100.7"


def last_address(site: Site) -> str:
    """The address in the latest record."""
    return str(rows(site.database_url, "SELECT address FROM authz_app_callrecord ORDER BY id DESC LIMIT 1")[0][0])


# What proxies say


@pytest.fixture(scope="module")
def proxied(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that believes the proxies of this machine, and one at 10.0.0.0/8."""
    database = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("proxied"))
    rule_for_everybody(database, "*")
    trusting = {"TRUSTED_PROXIES": "127.0.0.1,::1,10.0.0.0/8", "LOCAL_ISSUER": "true", "SIGN_INS_PER_MINUTE": "2"}
    with Site(database, issuer, **trusting) as running:
        yield running
        running.assert_no_traceback()


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.9:51234", CLIENT),
        ("1.2.3.4:80, 203.0.113.9:51234, 10.1.1.1:443", CLIENT),
        ('"203.0.113.9:51234"', CLIENT),
        ("1.2.3.4  ,  203.0.113.9  ,", CLIENT),
        ("[203.0.113.9]:51234", CLIENT),
        ("::ffff:203.0.113.9", CLIENT),
        ("[::ffff:203.0.113.9]:51234", CLIENT),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8:0:0::1", "2001:db8::1"),
        ("[fe80::1%eth0]:443", "fe80::1"),
        ("unknown", "127.0.0.1"),
        ("1.2.3.4, unknown", "127.0.0.1"),
        ("1.2.3.4, 203.0.113.9:port", "127.0.0.1"),
        ("1.2.3.4, _hidden", "127.0.0.1"),
        ("1.2.3.4, unknown, 10.1.1.1", "10.1.1.1"),
    ],
)
def test_the_caller_is_recorded_however_the_proxy_writes_the_address(proxied: Site, header: str, address: str) -> None:
    assert post(proxied, call("TimeTool"), X_Forwarded_For=header).status_code == 200
    assert last_address(proxied) == address


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("for=203.0.113.9", CLIENT),
        ('For="203.0.113.9:51234";Proto=https;by=10.0.0.1', CLIENT),
        ("proto=http; for=1.2.3.4, for=203.0.113.9;host=example.com, FOR=10.1.1.1", CLIENT),
        ('for="[2001:db8::1]:4711";proto=https', "2001:db8::1"),
        ('for="[2001:db8::1]:_port", for="10.1.1.1"', "2001:db8::1"),
        ('host="a, for=1.2.3.4";for=203.0.113.9', CLIENT),
        ('for="1.2.3.4, for=203.0.113.9', CLIENT),
        ("for=1.2.3.4, for=_secret", "127.0.0.1"),
        ("for=1.2.3.4, for=unknown", "127.0.0.1"),
        ("for=1.2.3.4, proto=https", "127.0.0.1"),
        ("for=1.2.3.4;for=5.6.7.8", "127.0.0.1"),
        ('for=1.2.3.4, for="203.0.113.9', "127.0.0.1"),
    ],
)
def test_a_proxy_may_speak_of_the_caller_as_rfc_7239_has_it(proxied: Site, header: str, address: str) -> None:
    assert post(proxied, call("TimeTool"), Forwarded=header).status_code == 200
    assert last_address(proxied) == address


@pytest.mark.parametrize(
    ("x_forwarded_for", "forwarded", "address"),
    [
        ("203.0.113.9", "for=198.51.100.7", "127.0.0.1"),
        ("203.0.113.9:80", 'for="203.0.113.9"', CLIENT),
        ("203.0.113.9", "proto=https;host=forum.example", CLIENT),
    ],
)
def test_nobody_chooses_an_address_by_adding_the_header_that_the_proxy_does_not_write(
    proxied: Site, x_forwarded_for: str, forwarded: str, address: str
) -> None:
    assert post(proxied, call("TimeTool"), X_Forwarded_For=x_forwarded_for, Forwarded=forwarded).status_code == 200
    assert last_address(proxied) == address


def test_people_behind_one_proxy_do_not_share_a_limit_of_sign_ins(proxied: Site) -> None:
    def failed(address: str) -> str:
        with httpx2.Client(base_url=proxied.url, headers={"X-Forwarded-For": address}, timeout=WAIT) as browser:
            page = browser.get("/sign-in/").text
            token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            form = {"csrfmiddlewaretoken": token, "login": address, "password": "wrong"}
            return browser.post("/sign-in/", data=form).text

    tried = [failed(f"203.0.113.77:{port}") for port in range(50_000, 50_003)]
    assert "Too many" in tried[-1]
    assert "Too many" not in failed("203.0.113.78:50000")


def test_the_access_log_names_the_caller_and_not_the_proxy(proxied: Site) -> None:
    httpx2.get(f"{proxied.url}/sign-in/", headers={"X-Forwarded-For": "203.0.113.50:1234"}, timeout=WAIT)
    post(proxied, call("TimeTool"), Forwarded='for="[2001:db8::50]:1234"')
    proxied.wait_for_line(r"access: 203\.0\.113\.50 GET /sign-in/ 200")
    proxied.wait_for_line(r"access: \[2001:db8::50\] POST /mcp 200")


# Sockets


@contextmanager
def listening_on(site: Site, *arguments: str, fd: int | None = None, **environment: str) -> Iterator[Site]:
    """The site, served with these arguments, once it says where."""
    reading, writing = os.pipe()
    if fd is None:
        process: warm_python.Process = warm_python.start(["serve", *arguments], site.environment | environment, writing)
    else:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", *arguments],
            cwd=ROOT,
            env=site.environment | environment,
            stdout=writing,
            stderr=writing,
            pass_fds=[fd],
            start_new_session=True,
        )
    os.close(writing)
    reader = threading.Thread(target=site._read, args=[reading], daemon=True)
    reader.start()
    try:
        site.wait_for_line("^Serving |Error")
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0, site.log
        reader.join(WAIT)
    site.assert_no_traceback()


@pytest.fixture
def site(fresh_sqlite: str, issuer: Issuer) -> Site:
    rule_for_everybody(fresh_sqlite, "*")
    return Site(fresh_sqlite, issuer, PUBLIC_URL="http://127.0.0.1:8000", DEBUG="true")


def recorded(site: Site, url: str, uds: str | None = None, **headers: str) -> str:
    """The address that is recorded for a call by this way."""
    body = call("TimeTool")
    sent = headers_for(body) | site.headers() | {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=uds), timeout=WAIT) as http:
        answer = http.post(f"{url}/mcp", json=body, headers=sent)
    assert answer.status_code == 200, answer.text
    return last_address(site)


def has_ipv6() -> bool:
    with closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(
    ("host", "ways"),
    [
        ("::1", {"[::1]": "::1"}),
        ("[::1]", {"[::1]": "::1"}),
        ("::", {"[::1]": "::1", "127.0.0.1": "127.0.0.1"}),
        ("localhost", {"127.0.0.1": "127.0.0.1"}),
    ],
)
def test_serve_listens_on_ipv6_and_records_where_calls_come_from(site: Site, host: str, ways: dict[str, str]) -> None:
    with listening_on(site, "--host", host, "--port", str(site.port)):
        for name, address in ways.items():
            assert recorded(site, f"http://{name}:{site.port}") == address
            site.wait_for_line(rf"access: {re.escape(name)}:\d+ POST /mcp 200")
        shown = {"localhost": "127.0.0.1"}.get(host, f"[{host.strip('[]')}]")
        site.wait_for_line(rf"^Serving http://127.0.0.1:8000 on {re.escape(shown)}:{site.port}$")


def test_serve_says_in_a_sentence_that_a_host_is_none(site: Site) -> None:
    for host in ("no.such.host.invalid", "2001:db8::1", "::1%nowhere", "x" * 300):
        refused = site.manage("serve", "--host", host, "--port", str(free_port()))
        assert refused.returncode == 1
        assert f"Cannot listen on {host}" in refused.stderr
        assert "Traceback" not in refused.stderr


@pytest.fixture
def unix_socket(tmp_path: Path) -> Iterator[socket.socket]:
    """A listening unix socket, as a service manager makes it, that only its owner may use."""
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(tmp_path / "site.sock"))
        os.chmod(tmp_path / "site.sock", 0o600)
        listening.listen(64)
        yield listening


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_answers_on_an_inherited_unix_socket(
    site: Site, redis: RedisServer, unix_socket: socket.socket, workers: str
) -> None:
    path = unix_socket.getsockname()
    fd = unix_socket.fileno()
    site.environment |= {"SITE_REDIS_URL": redis.url, "SITE_TRUSTED_PROXIES": "127.0.0.1"}
    with listening_on(site, "--fd", str(fd), "--workers", workers, fd=fd, LISTEN_FDS="1"):
        assert recorded(site, "http://127.0.0.1:8000", uds=path) == "127.0.0.1"
        assert recorded(site, "http://127.0.0.1:8000", uds=path, X_Forwarded_For="203.0.113.9:5") == CLIENT
        site.wait_for_line(rf"^Serving http://127.0.0.1:8000 on unix:{re.escape(path)}$")
        site.wait_for_line(r"access: 127\.0\.0\.1 POST /mcp 200")
    # It belongs to whoever made it.
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_plain_daphne_answers_on_an_inherited_unix_socket(site: Site, unix_socket: socket.socket) -> None:
    command = [sys.executable, "-m", "daphne", "--fd", str(unix_socket.fileno()), "mcpsite.asgi:application"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=site.environment,
        pass_fds=[unix_socket.fileno()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert recorded(site, "http://127.0.0.1:8000", uds=unix_socket.getsockname()) == "127.0.0.1"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT)
