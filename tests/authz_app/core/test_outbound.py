"""One exchange with an outside service stays within its bounds."""

import socket
import threading

import pytest
import requests

from authz_app.core.outbound import BoundedFetch, OutboundError
from tests.tools_app.stub_service import Reply, stub_service


def get(url: str, seconds: float = 5.0, max_bytes: int = 1_000) -> bytes:
    return BoundedFetch(seconds, max_bytes).send(requests.Request("GET", url)).body


def reason_of(url: str, seconds: float = 5.0) -> str:
    with pytest.raises(OutboundError) as caught:
        get(url, seconds)
    assert caught.value.__context__ is None
    return caught.value.reason


def test_an_answer_comes_with_its_status_and_body():
    with stub_service(Reply({"a": 1}, status=418)) as service:
        answer = BoundedFetch(5, 100).send(requests.Request("GET", service.url))
    assert (answer.status, answer.body) == (418, b'{"a": 1}')


def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not():
    with stub_service(Reply(b"x" * 1_000)) as service:
        assert len(get(service.url)) == 1_000
    with stub_service(Reply(b"x" * 1_001)) as service:
        assert reason_of(service.url) == "too_large"


def test_an_endless_body_of_no_stated_length_is_too_large():
    with stub_service(Reply(b"x" * 5_000_000, headers={"Content-Length": "9999999999"})) as service:
        assert reason_of(service.url) == "too_large"


@pytest.mark.parametrize("reply", [Reply(b"x" * 500, drip=True), Reply(drip_head=True)], ids=["body", "head"])
def test_a_server_that_drips_bytes_is_cut_off_when_time_is_up(reply):
    with stub_service(reply) as service:
        assert reason_of(service.url, seconds=0.3) == "timeout"
        assert service.cut_off.wait(10)


def test_a_body_of_no_stated_length_that_drips_is_not_taken_for_whole():
    reply = Reply(b"x" * 500, headers={"Content-Length": "", "Connection": "close"}, drip=True)
    with stub_service(reply) as service:
        assert reason_of(service.url, seconds=0.3) == "timeout"


def test_a_redirect_is_an_answer_and_is_not_followed():
    with stub_service(Reply({}, status=302, headers={"Location": "/elsewhere"})) as service:
        assert BoundedFetch(5, 100).send(requests.Request("GET", service.url)).status == 302
        assert [asked.path for asked in service.asked] == ["/"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "nonsense", "ftp://127.0.0.1/", "http://[::1"])
def test_what_cannot_be_reached_is_unreachable(url):
    assert reason_of(url) == "unreachable"


def test_an_exchange_can_be_broken_off_from_another_thread():
    with stub_service(Reply(drip_head=True)) as service:
        exchange = BoundedFetch(60, 1_000)
        reasons: list[str] = []

        def run() -> None:
            try:
                exchange.send(requests.Request("GET", service.url))
            except OutboundError as error:
                reasons.append(error.reason)

        thread = threading.Thread(target=run)
        thread.start()
        while not service.asked:
            thread.join(0.01)
        exchange.abort()
        thread.join(10)
    assert reasons == ["timeout"]


def test_a_netrc_file_does_not_replace_the_authorization_header(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with stub_service(Reply({})) as service:
        request = requests.Request("GET", service.url, headers={"Authorization": "Bearer mine"})
        BoundedFetch(5, 100).send(request)
        assert service.asked[0].headers["Authorization"] == "Bearer mine"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
def test_no_connection_is_made_to_an_address_that_must_not_be_reached(host):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        exchange = BoundedFetch(5, 100, lambda address: not address.startswith(("127.", "::1")))
        with pytest.raises(OutboundError, match="forbidden"):
            exchange.send(requests.Request("GET", f"http://{host}:{listening.getsockname()[1]}/"))
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize("listens", [True, False])
def test_a_name_that_changes_its_address_does_not_tell_which_ports_are_open(listens):
    """DNS rebinding: the address that was looked up is not the one that is connected to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        if not listens:
            listening.close()
        asked = iter([True])
        with pytest.raises(OutboundError, match="unreachable"):
            BoundedFetch(5, 100, lambda address: next(asked, False)).send(
                requests.Request("GET", f"http://127.0.0.1:{port}")
            )
