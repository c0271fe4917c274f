"""Applications whose client ID is the address of a document, served here with TLS on a real socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import copy_sqlite
from tests.databases import add_user, execute, rows
from tests.documents import Documents
from tests.person import PASSWORD, Application, Person, add_person, metadata_of, redeem
from tests.site import Site

CALLBACK = "http://127.0.0.1:52301/callback"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documents]:
    with Documents(tmp_path_factory.mktemp("documents")) as running:
        yield running


def serving(database_url: str, documents: Documents, **environment: str) -> Site:
    site = Site(database_url, LOCAL_ISSUER="true", REGISTRATIONS_PER_MINUTE="1000", **environment)
    site.environment |= documents.environment
    return site


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, documents: Documents) -> Iterator[Site]:
    """With DEBUG, because of which it reaches this machine."""
    with serving(copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site")), documents, DEBUG="true") as running:
        add_person(running, "dana")
        yield running
        running.assert_no_traceback()


@pytest.fixture(scope="module")
def dana(site: Site) -> Iterator[Person]:
    with Person(site.url, "dana") as person:
        person.sign_in()
        yield person


@pytest.fixture(scope="module")
def metadata(site: Site) -> dict[str, Any]:
    return metadata_of(site.url)


def test_a_person_logs_in_with_an_application_that_only_has_a_document(
    documents: Documents, dana: Person, metadata: dict[str, Any]
) -> None:
    client_id = documents.publish(
        "/app.json", client_name="Claude Code", grant_types=["authorization_code", "refresh_token"]
    )
    application = Application(client_id, CALLBACK)
    page = dana.browser.get(application.address(metadata)).text
    assert "Claude Code" in page
    assert client_id in page
    tokens = redeem(metadata, application, dana.allow(application.address(metadata))).json()
    assert tokens["refresh_token"]
    assert documents.requests.count("/app.json") == 1


def test_nothing_is_fetched_for_a_stranger(documents: Documents, site: Site, metadata: dict[str, Any]) -> None:
    application = Application(documents.publish("/stranger.json"), CALLBACK)
    with Person(site.url, "nobody") as stranger:
        assert stranger.browser.get(application.address(metadata)).status_code == 302
        assert stranger.browser.get(application.address(metadata, prompt="none")).status_code == 400
        for body in ({"grant_type": "authorization_code", "code": "x"}, {"grant_type": "refresh_token"}):
            answer = stranger.browser.post(
                metadata["token_endpoint"], data={**body, "client_id": application.client_id}
            )
            assert answer.status_code in (400, 401)
    assert "/stranger.json" not in documents.requests


def test_the_document_is_read_anew_after_an_hour_and_administrators_decisions_stay(
    documents: Documents, site: Site, dana: Person, metadata: dict[str, Any]
) -> None:
    application = Application(documents.publish("/changing.json"), CALLBACK)
    assert dana.browser.get(application.address(metadata)).status_code == 200
    execute(
        site.database_url,
        "UPDATE allauth_idp_oidc_client SET scopes = 'approved', data = json_set(data, '$.fetched_at', 0) WHERE id = ?",
        [application.client_id],
    )
    documents.publish("/changing.json", client_name="Renamed", scope="admin")
    assert "Renamed" in dana.browser.get(application.address(metadata)).text
    sql = "SELECT name, scopes FROM allauth_idp_oidc_client WHERE id = ?"
    assert rows(site.database_url, sql, [application.client_id]) == [("Renamed", "approved")]


def test_while_its_server_is_away_what_was_read_is_good(
    documents: Documents, site: Site, dana: Person, metadata: dict[str, Any]
) -> None:
    application = Application(documents.publish("/away.json"), CALLBACK)
    assert dana.browser.get(application.address(metadata)).status_code == 200
    execute(site.database_url, "UPDATE allauth_idp_oidc_client SET data = json_set(data, '$.fetched_at', 0)")
    documents.answers["/away.json"] = (503, {}, b"")
    assert dana.browser.get(application.address(metadata)).status_code == 200


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, {}, b""), "HTTP status 404"),
        ((302, {"Location": "/app.json"}, b""), "HTTP status 302"),
        ((200, {}, b"x" * 10_000), "more than a description can hold"),
        ((200, {}, b"not json"), "no JSON"),
        ((200, {}, b"[" * 8_000), "no JSON"),
        ((200, {}, b"[]"), "JSON object"),
        ((200, {}, b'{"client_id": "https://elsewhere.example/"}'), "does not match"),
    ],
)
def test_a_document_that_is_none_is_named_for_what_it_is(
    documents: Documents, dana: Person, metadata: dict[str, Any], answer: tuple[int, dict[str, str], bytes], words: str
) -> None:
    application = Application(f"{documents.url}/broken.json", CALLBACK)
    documents.answers["/broken.json"] = answer
    page = dana.browser.get(application.address(metadata))
    assert page.status_code == 400
    assert words in page.text


@pytest.mark.parametrize(
    "fields",
    [
        {"redirect_uris": []},
        {"redirect_uris": "https://app.example/"},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["http://app.example/"]},
        {"redirect_uris": ["https://a.example/\0"]},
        {"client_name": "a\0b"},
        {"client_name": 7},
        {"client_name": "\u202eedualC"},
        {"grant_types": ["client_credentials"]},
        {"grant_types": 7},
        {"response_types": ["token"]},
        {"scope": []},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": []},
    ],
)
def test_a_document_is_checked_like_a_registration(
    documents: Documents, dana: Person, metadata: dict[str, Any], fields: dict[str, Any]
) -> None:
    application = Application(documents.publish("/unfit.json", **fields), CALLBACK)
    page = dana.browser.get(application.address(metadata))
    assert page.status_code == 400
    assert "description cannot be used" in page.text


@pytest.mark.parametrize(
    "client_id",
    [
        "https://[",
        "https://",
        "https://host.example",
        "https://host.example/",
        "https://host.example/../x",
        "https://host.example/x?y",
        "https://host.example/x#y",
        "https://user@host.example/x",
        "https://host.example:99999999/x",
        "https://host.example/" + "x" * 200,
        "HTTPS://host.example/x",
        "http://127.0.0.1/x",
        "https://\0/x",
    ],
)
def test_an_unfit_address_is_refused(dana: Person, metadata: dict[str, Any], client_id: str) -> None:
    assert dana.browser.get(Application(client_id, CALLBACK).address(metadata)).status_code == 400


def test_without_debug_no_private_address_is_reached(
    migrated_sqlite: Path, tmp_path: Path, documents: Documents
) -> None:
    """Server-side request forgery: the address is the choice of whoever makes the link."""
    with serving(copy_sqlite(migrated_sqlite, tmp_path), documents) as site:
        add_person(site, "dana")
        metadata = metadata_of(site.url)
        with Person(site.url, "dana") as dana:
            dana.sign_in()
            client_id = documents.publish("/private.json")
            spelled = [client_id, client_id.replace("127.0.0.1", "localhost"), client_id.replace("127.0.0.1", "127.1")]
            for address in spelled:
                page = dana.browser.get(Application(address, CALLBACK).address(metadata))
                assert page.status_code == 400, address
                assert "does not connect to" in page.text, address
        site.assert_no_traceback()
    assert "/private.json" not in documents.requests


def test_fetching_is_limited(migrated_sqlite: Path, tmp_path: Path, documents: Documents) -> None:
    site = serving(copy_sqlite(migrated_sqlite, tmp_path), documents, DEBUG="true")
    site.environment["SITE_REGISTRATIONS_PER_MINUTE"] = "2"
    with site:
        add_person(site, "dana")
        metadata = metadata_of(site.url)
        with Person(site.url, "dana") as dana:
            dana.sign_in()
            for n in range(4):
                application = Application(documents.publish(f"/many-{n}.json"), CALLBACK)
                last = dana.browser.get(application.address(metadata))
        assert "too many were fetched" in last.text
    assert sum(path.startswith("/many-") for path in documents.requests) == 2


def test_a_site_without_a_way_out_says_what_to_set(migrated_sqlite: Path, tmp_path: Path, documents: Documents) -> None:
    nobody = "https://localhost:1/app.json"
    application = Application(nobody, CALLBACK)
    with serving(copy_sqlite(migrated_sqlite, tmp_path), documents, DEBUG="true") as site:
        add_user(site.database_url, "root", PASSWORD, is_staff=True, is_superuser=True)
        with Person(site.url, "root") as root:
            root.sign_in()
            said = "set CLIENT_ID_METADATA_DOCUMENTS=false"
            assert said not in root.browser.get("/admin/").text
            page = root.browser.get(application.address(metadata_of(site.url))).text
            assert "could not be reached" in page
            assert said in root.browser.get("/admin/").text
        site.wait_for_line("WARNING|ERROR .*A client id metadata document was not fetched")


def test_a_site_that_reads_no_documents_offers_none(
    migrated_sqlite: Path, tmp_path: Path, documents: Documents
) -> None:
    client_id = documents.publish("/unread.json", client_name="Codex")
    with serving(
        copy_sqlite(migrated_sqlite, tmp_path), documents, DEBUG="true", CLIENT_ID_METADATA_DOCUMENTS="false"
    ) as site:
        add_person(site, "dana")
        metadata = metadata_of(site.url)
        assert metadata["client_id_metadata_document_supported"] is False
        with Person(site.url, "dana") as dana:
            dana.sign_in()
            page = dana.browser.get(Application(client_id, CALLBACK).address(metadata)).text
    assert "This site reads no documents of applications" in page
