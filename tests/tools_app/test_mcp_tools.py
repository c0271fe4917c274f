"""TimeTool and weather_tool, as a model meets them.

Covers: tools_app.weather, tools_app.conf
"""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.tools_app.stub_service import Asked, Reply, stub_service
from tools_app.errors import ToolFailure
from tools_app.mcp_tools import TimeTool, current_time, weather_tool
from tools_app.registry import registered_tools
from tools_app.weather import current_weather

NOW = datetime(2026, 11, 23, 12, 30, 15, 987_654, tzinfo=UTC)
KEY = "0123456789abcdef-the-secret-key"
REPORT = {"weather": [{"description": "light rain"}], "main": {"temp": 17.42}, "name": "London"}


def test_the_time_is_in_utc_without_a_zone():
    assert current_time(NOW, None) == "The current time is 2026-11-23 12:30:15+00:00 (UTC)."


def test_the_time_is_told_in_the_zone_asked_for():
    assert current_time(NOW, "Asia/Kolkata") == "The current time is 2026-11-23 18:00:15+05:30 (Asia/Kolkata)."


def test_a_zone_is_known_in_any_case():
    assert current_time(NOW, "asia/kolkata") == current_time(NOW, "Asia/Kolkata")


def test_daylight_saving_time_is_kept():
    summer = NOW.replace(month=7)
    assert "13:30:15+01:00" in current_time(summer, "Europe/London")
    assert "12:30:15+00:00" in current_time(NOW, "Europe/London")


def test_the_tool_tells_the_time_that_it_is():
    before = datetime.now(UTC).replace(microsecond=0)
    told = TimeTool(input_timezone="America/New_York").removeprefix("The current time is ").split(" (")[0]
    assert before <= datetime.fromisoformat(told) <= datetime.now(UTC)


def zone_failure(zone: str) -> str:
    with pytest.raises(ToolFailure) as caught:
        current_time(NOW, zone)
    return str(caught.value)


@pytest.mark.parametrize(
    "zone",
    [
        "Bengaluru", "", " ", ".", "..", "/", "../../etc/passwd", "/etc/passwd", "Asia", "Asia/", "Asia/Kolkata/..",
        "posix/Asia/Kolkata", "localtime", "Factory", "zone.tab", "UTC+5:30", "a\0b", "\ud800", "\u200b",
        "x" * 1_000_000, "Asia/" * 100_000,
    ],
)  # fmt: skip
def test_whatever_is_no_zone_is_the_same_helpful_failure(zone):
    failure = zone_failure(zone)
    assert "is not an IANA time zone." in failure
    assert "Asia/Kolkata" in failure
    assert len(failure) < 400
    assert failure.isprintable()


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("kolkatta", "Asia/Kolkata"),
        ("New York", "America/New_York"),
        ("Asia/Tokio", "Asia/Tokyo"),
        ("Nairobi", "Africa/Nairobi"),
    ],
)
def test_a_zone_that_is_nearly_right_is_corrected(zone, meant):
    assert f"Did you mean {meant}" in zone_failure(zone)


def test_the_description_tells_a_model_how_to_ask_for_bengaluru():
    description = registered_tools()["TimeTool"].listed.description
    assert "Bengaluru" in description
    assert "Asia/Kolkata" in description


def test_the_tools_take_what_the_tutorial_says():
    time_schema = registered_tools()["TimeTool"].listed.input_schema
    weather_schema = registered_tools()["weather_tool"].listed.input_schema
    assert list(time_schema["properties"]) == ["input_timezone"]
    assert time_schema.get("required", []) == []
    assert list(weather_schema["properties"]) == weather_schema["required"] == ["location"]


def test_the_weather_is_told_in_one_sentence():
    with stub_service(Reply(REPORT)) as service:
        said = current_weather(" London ", KEY, f"{service.url}/data/2.5/weather")
    assert said == "The weather in London is light rain with a temperature of 17.42°C."
    assert service.asked[0].path == "/data/2.5/weather"
    assert service.asked[0].query == {"q": ["London"], "appid": [KEY], "units": ["metric"]}


def test_the_tool_takes_key_and_address_from_the_settings(settings):
    with stub_service(Reply(REPORT)) as service:
        settings.OPENWEATHERMAP_API_KEY, settings.OPENWEATHERMAP_URL = KEY, service.url
        assert weather_tool("Paris,FR") == "The weather in Paris,FR is light rain with a temperature of 17.42°C."


def test_a_place_cannot_add_to_the_query():
    with stub_service(Reply(REPORT)) as service:
        current_weather("x&appid=other#&units=imperial", KEY, service.url)
        assert service.asked[0].query["appid"] == [KEY]
        assert service.asked[0].query["units"] == ["metric"]


def weather_failure(url: str, location: str = "London", key: str = KEY, seconds: float = 5.0) -> str:
    with pytest.raises(ToolFailure) as caught:
        current_weather(location, key, url, seconds)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in repr(error) + str(error)
        error = error.__context__
    return str(caught.value)


def test_without_a_key_nothing_is_asked():
    with stub_service(Reply(REPORT)) as service:
        assert "OPENWEATHERMAP_API_KEY" in weather_failure(service.url, key="")
        assert service.asked == []


@pytest.mark.parametrize("location", ["", "   ", "a\nb", "a\0b", "x" * 201])
def test_what_is_no_place_is_not_asked_for(location):
    with stub_service(Reply(REPORT)) as service:
        assert "Name one place" in weather_failure(service.url, location)
        assert service.asked == []


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "does not accept this site's API key"),
        (404, "knows no place called 'London'"),
        (429, "asked too often"),
        (500, "HTTP 500"),
        (503, "HTTP 503"),
        (302, "HTTP 302"),
        (204, "HTTP 204"),
    ],
)
def test_a_refusal_of_the_service_is_a_sentence_without_the_key(status, says):
    def refuse(asked: Asked) -> Reply:
        headers = {"Location": f"/else?appid={KEY}"} if status == 302 else {}
        return Reply({"cod": status, "message": f"Invalid API key {KEY}"}, status, headers)

    with stub_service(refuse) as service:
        assert says in weather_failure(service.url)
        assert len(service.asked) == 1


def without(report: dict[str, Any], *path: str) -> dict[str, Any]:
    rest = {name: value for name, value in report.items() if name != path[0]}
    return rest | ({path[0]: without(report[path[0]], *path[1:])} if path[1:] else {})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"\xff\xfe", b"[" * 60_000, b'{"main": NaN}', [], None, 5, {},
        without(REPORT, "weather"), without(REPORT, "main"), without(REPORT, "main", "temp"),
        REPORT | {"weather": []}, REPORT | {"weather": [None]}, REPORT | {"weather": [{}]},
        REPORT | {"weather": [{"description": ""}]}, REPORT | {"weather": [{"description": "a\nb"}]},
        REPORT | {"weather": [{"description": "x" * 101}]},
        REPORT | {"main": {"temp": "17"}}, REPORT | {"main": {"temp": True}}, REPORT | {"main": {"temp": None}},
    ],
)  # fmt: skip
def test_an_odd_report_is_a_sentence(body):
    with stub_service(Reply(body)) as service:
        assert "cannot be read" in weather_failure(service.url)


def test_a_report_over_64_kb_is_not_read():
    with stub_service(Reply(b" " * 65_537)) as service:
        assert "far more" in weather_failure(service.url)


@pytest.mark.parametrize("reply", [Reply(REPORT, drip=True), Reply(drip_head=True)], ids=["body", "head"])
def test_a_service_that_drips_is_given_up(reply):
    with stub_service(reply) as service:
        assert "did not answer in time" in weather_failure(service.url, seconds=0.3)


def test_a_service_that_is_not_there_is_a_sentence():
    assert "could not be reached" in weather_failure("http://127.0.0.1:1")


def test_a_report_that_holds_the_key_is_not_passed_on():
    with stub_service(Reply(REPORT | {"weather": [{"description": f"key {KEY}"}]})) as service:
        weather_failure(service.url)


def test_the_key_is_in_no_log_at_any_level(caplog):
    caplog.set_level(logging.DEBUG)
    with stub_service(Reply(REPORT)) as service:
        current_weather("London", KEY, service.url)
    with stub_service(Reply({}, 500)) as service:
        weather_failure(service.url)
    weather_failure("http://127.0.0.1:1")
    assert KEY not in caplog.text
    assert "urllib3" in caplog.text
