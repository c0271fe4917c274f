"""A login whose every step reaches another worker, and what happens to it while Redis is away."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.conftest import copy_sqlite, need
from tests.issuer import Issuer
from tests.person import Person, add_person, log_in, metadata_of, redeem, register
from tests.redis import RedisServer, program
from tests.round_robin import BalancedSite, balanced_site

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    need("redis-server", program() is not None)
    with RedisServer() as running:
        yield running


@pytest.fixture
def site(
    nginx: None, own_redis: RedisServer, issuer: Issuer, migrated_sqlite: Path, tmp_path: Path
) -> Iterator[BalancedSite]:
    url = copy_sqlite(migrated_sqlite, tmp_path)
    with balanced_site(
        2,
        url,
        issuer,
        REDIS_URL=own_redis.url,
        LOCAL_ISSUER="true",
        REGISTRATIONS_PER_MINUTE="8",
        TRUSTED_PROXIES="127.0.0.1",
    ) as running:
        add_person(running.workers[0], "dana")
        yield running
        for worker in running.workers:
            worker.assert_no_traceback()


def test_any_worker_takes_any_step_and_limits_count_together(site: BalancedSite) -> None:
    # An odd number of requests each, so that each login begins at the other worker.
    for _ in range(3):
        assert log_in(site.url, "dana")["access_token"]
        httpx2.get(f"{site.url}/connect/", timeout=60)
    metadata = metadata_of(site.url)
    device = register(metadata, grant_types=[DEVICE])
    begun = httpx2.post(metadata["device_authorization_endpoint"], data={"client_id": device.client_id}).json()
    with Person(site.url, "dana") as dana:
        assert "connected" in dana.submit(dana.open(f"/device?code={begun['user_code']}"), action="allow").text
    body = {"grant_type": DEVICE, "device_code": begun["device_code"], "client_id": device.client_id}
    assert httpx2.post(metadata["token_endpoint"], data=body).status_code == 200
    wanted = {"redirect_uris": ["http://127.0.0.1/"], "token_endpoint_auth_method": "none"}
    answers = [httpx2.post(metadata["registration_endpoint"], json=wanted).status_code for _ in range(6)]
    assert answers == [201] * 4 + [429] * 2


def test_while_redis_is_away_nobody_logs_in_and_nothing_breaks(site: BalancedSite, own_redis: RedisServer) -> None:
    metadata = metadata_of(site.url)
    application = register(metadata)
    with Person(site.url, "dana") as dana:
        callback = dana.allow(application.address(metadata))
        own_redis.kill()
        assert redeem(metadata, application, callback).status_code == 503
        assert httpx2.post(metadata["registration_endpoint"], json={}, timeout=60).status_code in (400, 503)
        page = dana.browser.get("/sign-in/")
        assert page.status_code in (200, 302)
        again = dana.open(application.address(metadata))
        assert dana.submit(again, action="allow").status_code == 503
        with Person(site.url, "dana") as other:
            refused = other.sign_in()
            assert refused.status_code == 503
            assert "Try again" in refused.text
        own_redis.start()
        assert log_in(site.url, "dana")["access_token"]
