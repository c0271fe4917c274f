"""Words the current weather from OpenWeatherMap. Knows nothing of MCP; the key is in the request only."""

import logging

import orjson
import requests

from authz_app.core.outbound import BoundedFetch, OutboundError
from tools_app.errors import ToolFailure

_MAX_BYTES = 65_536
_MAX_LOCATION = 200

_TRY_LATER = "The weather service cannot be used right now. Try again later."
_UNREACHED = {
    "timeout": "The weather service did not answer in time. Try again later.",
    "too_large": "The weather service sent far more than a weather report. Try again later.",
    "unreachable": "The weather service could not be reached. Try again later.",
    "untrusted": "The weather service has a certificate that this site does not trust. Tell an administrator.",
}
_REFUSED = {
    401: "The weather service does not accept this site's API key. An administrator has to correct"
    " OPENWEATHERMAP_API_KEY.",
    429: "The weather service has been asked too often by this site. Try again later.",
}


def _names_no_key(record: logging.LogRecord) -> bool:
    return "appid=" not in record.getMessage()


# At DEBUG urllib3 logs each request line, and OpenWeatherMap takes its key in the query only.
logging.getLogger("urllib3.connectionpool").addFilter(_names_no_key)


def current_weather(location: str, api_key: str, url: str, seconds: float = 5.0) -> str:
    """The weather in ``location`` now, as a sentence, within ``seconds``.

    Raises:
        ToolFailure: there is no key or no such place, or the service failed; worded for the model.
    """
    place = location.strip()
    if not place or len(place) > _MAX_LOCATION or not place.isprintable():
        raise ToolFailure("Name one place, such as 'London', 'Paris,FR' or 'Bengaluru'.")
    if not api_key:
        raise ToolFailure("This site has no weather service: an administrator has to set OPENWEATHERMAP_API_KEY.")
    report = _report(place, api_key, url, seconds)
    description, temperature = _reading(report)
    if api_key in description:
        raise ToolFailure(_TRY_LATER)
    return f"The weather in {place} is {description} with a temperature of {temperature}°C."


def _report(place: str, api_key: str, url: str, seconds: float) -> bytes:
    query = {"q": place, "appid": api_key, "units": "metric"}
    failure = ""
    try:
        answer = BoundedFetch(seconds, _MAX_BYTES).send(requests.Request("GET", url, params=query))
    except OutboundError as error:
        failure = _UNREACHED[error.reason]
    if failure:
        raise ToolFailure(failure)
    if answer.status == 200:
        return answer.body
    if answer.status in (400, 404):
        raise ToolFailure(
            f"The weather service knows no place called {place!r}. Try the name of a city, or a city and a country"
            " code such as 'Paris,FR'."
        )
    raise ToolFailure(_REFUSED.get(answer.status, f"The weather service failed (HTTP {answer.status}). Try later."))


def _reading(report: bytes) -> tuple[str, float]:
    """The description and the temperature in °C (https://openweathermap.org/current, "JSON format")."""
    try:
        parsed = orjson.loads(report)
    except orjson.JSONDecodeError:
        parsed = None
    match parsed:
        case {"weather": [{"description": str(text)}, *_], "main": {"temp": int() | float() as temperature}} if (
            text and text.isprintable() and len(text) <= 100 and not isinstance(temperature, bool)
        ):
            return text, temperature
    raise ToolFailure("The weather service sent a report that cannot be read. Try again later.")
