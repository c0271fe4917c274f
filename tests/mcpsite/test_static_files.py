"""Static files under ASGI."""

import pytest
from django.test import AsyncClient
from pytest_django import Settings

CSS = "/static/authz_app/admin.css"


@pytest.fixture(autouse=True)
def served(settings: Settings) -> None:
    settings.WHITENOISE_USE_FINDERS = True
    settings.MIDDLEWARE = ["mcpsite.static_files.StaticFilesMiddleware"]


async def test_a_file_is_answered_whole_so_that_django_need_not_warn(async_client: AsyncClient) -> None:
    response = await async_client.get(CSS)
    assert response.status_code == 200
    assert not response.streaming
    assert response["Content-Type"] == 'text/css; charset="utf-8"'
    assert int(response["Content-Length"]) == len(response.content) > 0


async def test_what_the_browser_has_is_not_sent_again(async_client: AsyncClient) -> None:
    etag = (await async_client.get(CSS))["ETag"]
    response = await async_client.get(CSS, headers={"If-None-Match": etag})
    assert response.status_code == 304
    assert response.content == b""
    assert "Content-Type" not in response


async def test_a_part_of_a_file_can_be_asked_for(async_client: AsyncClient) -> None:
    response = await async_client.get(CSS, headers={"Range": "bytes=0-9"})
    assert (response.status_code, len(response.content)) == (206, 10)
