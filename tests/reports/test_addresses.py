"""Addresses, sockets and paths, as proxies, service managers and clients really use them.

Covers: tools_app.serving.callers, tools_app.serving.endpoints, tools_app.serving.listening
"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest

from tests import warm_python
from tests.conftest import copy_sqlite
from tests.databases import add_user, rows, rule_for_everybody
from tests.issuer import Issuer
from tests.person import PASSWORD, Person, log_in, metadata_of, redeem, register
from tests.raw_modern import call, headers_for, post
from tests.redis import RedisServer
from tests.round_robin import RoundRobin
from tests.site import ROOT, Site, SiteAddress, free_port

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
    trusting |= {"REGISTRATIONS_PER_MINUTE": "1000"}
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


# Paths


def head_of(site: Site, target: str, **headers: str) -> tuple[int, str]:
    """The status and the head of the answer to ``GET target``, sent as it is."""
    sent = "".join(f"{name}: {value}\r\n" for name, value in {"Host": f"127.0.0.1:{site.port}", **headers}.items())
    with socket.create_connection(("127.0.0.1", site.port), timeout=WAIT) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\n{sent}Connection: close\r\n\r\n".encode())
        head = connection.makefile("rb").read().decode()
    return int(head.split(" ", 2)[1]), head


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "//mcp", "/mcp//", "/sse/", "//sse", "/messages", "/messages//"])
def test_an_mcp_path_with_one_slash_more_begins_the_same_login(proxied: Site, path: str) -> None:
    answer = httpx2.post(proxied.url + path, json={}, timeout=WAIT)
    assert answer.status_code == 401
    suffix = "/mcp" if "mcp" in path else "/sse"
    url = f"{proxied.url}/.well-known/oauth-protected-resource{suffix}"
    assert f'resource_metadata="{url}"' in answer.headers["www-authenticate"]
    for spelled in (url, f"{url}/", url.replace("/.well", "//.well")):
        assert httpx2.get(spelled, timeout=WAIT).json()["resource"] == f"{proxied.url}{suffix}"


def test_calls_with_one_slash_more_are_answered_and_their_bodies_arrive(proxied: Site) -> None:
    body = call("TimeTool")
    for path in ("/mcp/", "//mcp"):
        answer = httpx2.post(proxied.url + path, json=body, headers=headers_for(body) | proxied.headers(), timeout=WAIT)
        assert answer.status_code == 200
        assert "The current time is" in answer.text


@pytest.mark.parametrize("path", ["/mcp/x", "/sse/x", "/messages/x", "/mcp/x/"])
def test_what_is_below_an_mcp_path_is_not_answered_by_a_page(proxied: Site, path: str) -> None:
    for answer in (httpx2.get(proxied.url + path), httpx2.post(proxied.url + path, json={})):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/json"
        assert f"Use {proxied.url}/mcp or {proxied.url}/sse." in answer.text


def test_a_person_may_type_the_address_for_devices_with_one_slash_more(proxied: Site) -> None:
    add_user(proxied.database_url, "typist", PASSWORD)
    with Person(proxied.url, "typist") as typist:
        assert [typist.open(path).status_code for path in ("/device", "/device/")] == [200, 200]


@pytest.mark.parametrize("resource", ["/mcp/", "/mcp", "/sse/", "/"])
def test_a_token_may_be_asked_for_with_one_slash_more(proxied: Site, resource: str) -> None:
    add_user(proxied.database_url, f"dana{len(resource)}{resource[1:2]}", PASSWORD)
    metadata = metadata_of(proxied.url)
    application = register(metadata)
    with Person(proxied.url, f"dana{len(resource)}{resource[1:2]}") as person:
        callback = person.allow(application.address(metadata, resource=f"{proxied.url}{resource}"))
    # Whoever asks for the token may spell it otherwise.
    other = resource.removesuffix("/") if resource.endswith("/") else f"{resource}/"
    tokens = redeem(metadata, application, callback, resource=f"{proxied.url}{other}").json()
    answer = post(proxied, call("TimeTool"), token={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.status_code == 200
    again = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": application.client_id,
    }
    for spelled in (resource, other):
        answer = httpx2.post(metadata["token_endpoint"], data=again | {"resource": f"{proxied.url}{spelled}"})
        assert answer.status_code == 200, answer.text
        again["refresh_token"] = answer.json()["refresh_token"]


def test_a_token_of_another_issuer_may_name_a_resource_with_one_slash_more(proxied: Site) -> None:
    assert post(proxied, call("TimeTool"), token=proxied.headers(aud=f"{proxied.url}/sse/")).status_code == 200
    assert post(proxied, call("TimeTool"), token=proxied.headers(aud=f"{proxied.url}/mcp/")).status_code == 401


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://127.0.0.1:{port}/mcp", 401),
        ("HTTP://127.0.0.1:{port}/sse/", 401),
        ("https://127.0.0.1/mcp?x=y", 401),
        ("http://127.0.0.1:{port}/.well-known/oauth-protected-resource/mcp", 200),
        ("http://127.0.0.1:{port}", 200),
        ("http://127.0.0.1:{port}?x", 200),
        ("http://evil.example/mcp", 421),
        ("http://evil.example/", 400),
        ("http:///mcp", 421),
        ("http://user@127.0.0.1/mcp", 421),
    ],
)
def test_a_request_in_absolute_form_is_served_as_its_path(proxied: Site, target: str, status: int) -> None:
    assert head_of(proxied, target.format(port=proxied.port))[0] == status
    assert head_of(proxied, target.format(port=proxied.port), Host="evil.example")[0] == status


# Origins


ORIGINS = "https://app.example.com, chrome-extension://abcdefghijklmnop,moz-extension://0f5d2c1a"


@pytest.fixture(scope="module")
def developed(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A developer's site, which calls itself 127.0.0.1."""
    database = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("developed"))
    rule_for_everybody(database, "*")
    rule_for_everybody(database, "far", token_scopes="far")
    with Site(database, issuer, DEBUG="true", LOCAL_ISSUER="true", ALLOWED_ORIGINS=ORIGINS) as running:
        yield running
        running.assert_no_traceback()


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://app.example.com", True),
        ("chrome-extension://abcdefghijklmnop", True),
        ("moz-extension://0f5d2c1a", True),
        ("http://[::1]:6274", True),
        ("http://localhost:6274", True),
        ("https://app.example.com.evil.example", False),
        ("http://app.example.com", False),
        ("https://app.example.com:8443", False),
        ("chrome-extension://abcdefghijklmnoq", False),
        ("null", False),
        ("http://[::2]:6274", False),
    ],
)
def test_a_web_client_at_another_origin_gets_in_where_the_setting_names_it(
    developed: Site, origin: str, is_allowed: bool
) -> None:
    body = call("TimeTool")
    asking = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = httpx2.options(f"{developed.url}/mcp", headers=asking, timeout=WAIT)
    answer = post(developed, body, Origin=origin)
    for response in (preflight, answer):
        assert response.is_success is is_allowed
        assert response.headers.get("access-control-allow-origin") == (origin if is_allowed else None)
    if not is_allowed:
        assert "ALLOWED_ORIGINS" in answer.text


def test_a_page_of_any_origin_may_read_where_to_log_in(developed: Site) -> None:
    for path in ("oauth-protected-resource/mcp", "oauth-authorization-server"):
        answer = httpx2.get(f"{developed.url}/.well-known/{path}", headers={"Origin": "https://app.example.com"})
        assert answer.headers["access-control-allow-origin"] == "*"
    token = httpx2.options(f"{developed.url}/identity/o/api/token", headers={"Origin": "https://app.example.com"})
    assert token.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("origins", ["*", "null", "app.example.com", "https://app.example.com/path"])
def test_an_origin_that_is_none_stops_the_start_with_a_sentence(fresh_sqlite: str, origins: str) -> None:
    site = Site(fresh_sqlite, LOCAL_ISSUER="true", ALLOWED_ORIGINS=origins)
    refused = site.manage("check")
    assert f"ALLOWED_ORIGINS: {origins!r}" in refused.stderr
    assert "Traceback" not in refused.stderr


# The names of a developer's machine


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "[::1]", "127.0.0.1"])
def test_a_developer_connects_by_any_name_of_the_machine(developed: Site, name: str) -> None:
    host = {"Host": f"{name}:{developed.port}"}
    asked = f"http://{name.lower()}:{developed.port}"
    for path in ("/mcp", "/sse"):
        challenge = httpx2.get(f"{developed.url}{path}", headers=host, timeout=WAIT).headers["www-authenticate"]
        assert f'resource_metadata="{asked}/.well-known/oauth-protected-resource{path}"' in challenge
        metadata = httpx2.get(f"{developed.url}/.well-known/oauth-protected-resource{path}", headers=host).json()
        assert metadata["resource"] == f"{asked}{path}"
        assert developed.url in metadata["authorization_servers"]
    server = httpx2.get(f"{developed.url}/.well-known/oauth-authorization-server", headers=host, timeout=WAIT).json()
    assert server["issuer"] == developed.url
    assert server["token_endpoint"].startswith(f"{developed.url}/")


def test_tokens_for_either_name_are_good(developed: Site) -> None:
    other = f"http://localhost:{developed.port}"
    assert post(developed, call("TimeTool"), token=developed.headers(aud=f"{other}/sse")).status_code == 200
    add_user(developed.database_url, "dana", PASSWORD)
    tokens = log_in(developed.url, "dana", resource=f"{other}/mcp")
    mine = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert post(developed, call("TimeTool"), token=mine).status_code == 200
    assert post(developed, call("TimeTool"), token=mine, Host=f"localhost:{developed.port}").status_code == 200


@pytest.mark.parametrize("host", ["localhost:1", "localhost", "evil.example", "127.0.0.2:{port}"])
def test_metadata_follows_no_other_name_or_port(developed: Site, host: str) -> None:
    path = "/.well-known/oauth-protected-resource/mcp"
    answer = httpx2.get(developed.url + path, headers={"Host": host.format(port=developed.port)}, timeout=WAIT)
    assert answer.status_code == 400 or answer.json()["resource"] == f"{developed.url}/mcp"


def test_without_debug_the_site_has_one_name(proxied: Site) -> None:
    headers = {"Host": f"localhost:{proxied.port}"}
    assert httpx2.get(f"{proxied.url}/mcp", headers=headers, timeout=WAIT).status_code == 421
    token = proxied.headers(aud=f"http://localhost:{proxied.port}/sse")
    assert post(proxied, call("TimeTool"), token=token).status_code == 401


# Below a path


WELL_KNOWN = "/.well-known/(oauth-protected-resource|oauth-authorization-server|openid-configuration)"


@pytest.fixture(scope="module", params=["keeps", "takes away"])
def below(
    request: pytest.FixtureRequest,
    nginx: None,
    migrated_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SiteAddress]:
    """A site at /agents of a host, behind nginx as the guide has it, which keeps that path or takes it away."""
    database = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("below"))
    rule_for_everybody(database, "*")
    add_user(database, "root", PASSWORD, is_staff=True, is_superuser=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}/agents"
    passed = {"/agents/": "/" if request.param == "takes away" else "", f"~ ^{WELL_KNOWN}/agents(/|$)": ""}
    limits = {"REGISTRATIONS_PER_MINUTE": "1000", "SIGN_INS_PER_MINUTE": "1000", "TRUSTED_PROXIES": "127.0.0.1"}
    with (
        Site(database, PUBLIC_URL=url, LOCAL_ISSUER="true", **limits) as running,
        RoundRobin(port, [running.port], {"X-Forwarded-For": "$remote_addr"}, passed),
    ):
        yield SiteAddress(url, url, database, None)
        running.assert_no_traceback()


async def test_both_transports_call_below_a_path(below: SiteAddress) -> None:
    token = log_in(below.url, "root")["access_token"]
    async with asyncio.timeout(WAIT):
        async with below.client(token=token) as over_sse:
            assert not (await over_sse.call_tool("TimeTool", {})).is_error
        async with below.streamable_client(token=token) as over_http:
            assert not (await over_http.call_tool("TimeTool", {})).is_error
    for path in ("/mcp/", "//mcp"):
        assert httpx2.post(below.url + path, json={}, timeout=WAIT).status_code == 401


@pytest.mark.parametrize("path", ["", "/mcp", "/sse"])
def test_metadata_below_a_path_is_where_clients_look_for_it(below: SiteAddress, path: str) -> None:
    origin = below.url.removesuffix("/agents")
    if path:
        challenge = httpx2.get(below.url + path, timeout=WAIT).headers["www-authenticate"]
        assert f'resource_metadata="{origin}/.well-known/oauth-protected-resource/agents{path}"' in challenge
    for place in (
        f"{origin}/.well-known/oauth-protected-resource/agents{path}",
        f"{below.url}/.well-known/oauth-protected-resource{path}",
    ):
        found = httpx2.get(place, timeout=WAIT).json()
        assert found["resource"] == f"{below.url}{path}"
        assert below.url in found["authorization_servers"]
    # RFC 8414 section 3.1, OpenID Connect Discovery section 4, and what clients ask besides.
    for place in (
        f"{origin}/.well-known/oauth-authorization-server/agents",
        f"{origin}/.well-known/openid-configuration/agents",
        f"{below.url}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server/agents{path}",
        f"{below.url}{path}/.well-known/openid-configuration",
    ):
        server = httpx2.get(place, timeout=WAIT).json()
        assert server["issuer"] == below.url
        urls = [value for name, value in server.items() if name.endswith(("_endpoint", "_uri"))]
        assert urls and all(value.startswith(f"{below.url}/") for value in urls)
        assert httpx2.get(server["jwks_uri"], timeout=WAIT).json()["keys"]


def test_people_log_in_and_devices_too_below_a_path(below: SiteAddress) -> None:
    token = log_in(below.url, "root", resource=f"{below.url}/mcp")["access_token"]
    assert post(below, call("TimeTool"), token={"Authorization": f"Bearer {token}"}).status_code == 200
    metadata = metadata_of(below.url)
    device = register(metadata, grant_types=["urn:ietf:params:oauth:grant-type:device_code"])
    begun = httpx2.post(metadata["device_authorization_endpoint"], data={"client_id": device.client_id}, timeout=WAIT)
    assert begun.json()["verification_uri"] == f"{below.url}/device"
    with Person(below.url, "root") as person:
        assert begun.json()["user_code"] in person.open(begun.json()["verification_uri_complete"]).text


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/sse"])
def test_a_client_finds_the_login_below_a_path(below: SiteAddress, tmp_path: Path, path: str) -> None:
    browser = {"PERSON": "root", "BROWSER": f"{sys.executable} -m tests.person %s", "XDG_CACHE_HOME": str(tmp_path)}
    asked = ["mcp_client", below.url + path, "--callback-port", str(free_port()), "--login", "call", "echo", "text=x"]
    ended = warm_python.run(asked, os.environ | browser, 90)
    assert (ended.returncode, ended.stdout) == (0, "x\n"), ended.stderr


LINK = re.compile(r'(?:href|src|action|data-url|content)="(/[^"]*|http[^"]*)"')


def test_every_link_of_the_pages_below_a_path_stays_there_and_leads_somewhere(below: SiteAddress) -> None:
    origin = below.url.removesuffix("/agents")
    with Person(below.url, "root") as root:
        assert str(root.sign_in().url) == f"{below.url}/me/"
        cookies = {cookie.name: cookie.path for cookie in root.browser.cookies.jar}
        assert cookies == {"sessionid_agents": "/agents", "csrftoken_agents": "/agents"}
        seen, waiting = set[str](), [below.url + path for path in ("/", "/connect/", "/me/", "/admin/", "/nowhere")]
        while waiting and len(seen) < 70:
            url = waiting.pop(0)
            page = root._followed(root.browser.get(url))
            # 405: what a form is sent to, and no page.
            assert page.status_code in (200, 405) or "nowhere" in url, (url, page.status_code)
            seen.add(url)
            if not page.headers["content-type"].startswith("text/html"):
                continue
            here = [unescape(link) for link in LINK.findall(page.text)]
            links = [urljoin(origin, link).partition("#")[0] for link in here]
            own = [link for link in dict.fromkeys(links) if link.startswith(f"{origin}/") or link == origin]
            assert [link for link in own if not link.startswith(f"{below.url}/")] == [], url
            waiting += [
                link
                for link in own
                if link not in {*seen, *waiting} and "sign-out" not in link and "logout" not in link
            ]
    assert any("/static/" in url for url in seen)


def test_a_page_without_its_final_slash_and_a_sign_in_stay_below_the_path(below: SiteAddress) -> None:
    with httpx2.Client(timeout=WAIT) as browser:
        for path, to in {
            "/admin": "/agents/admin/",
            "/admin/": "/agents/admin/login/?next=/agents/admin/",
            "/me/": "/agents/sign-in/?next=/agents/me/",
            "/r/1": "/agents/sign-in/?next=/agents/r/1",
        }.items():
            assert browser.get(below.url + path).headers["location"] in (to, below.url.removesuffix("/agents") + to)
