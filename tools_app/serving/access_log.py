"""Writes the access log: one line for each response, with the path and never the query string, in batches."""

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from authz_app.redaction.log_lines import one_line

logger = logging.getLogger("access")
_MAX_PATH = 200
_MAX_METHOD = 20
FLUSH_SECONDS = 0.2
_pending: list[str] = []


@lru_cache(maxsize=256)
def _shown(path: str) -> str:
    return one_line(path if len(path) <= _MAX_PATH else f"{path[:_MAX_PATH]}...")


def without_query(target: str) -> str:
    """A request target's path, without secrets or control characters, cut to a length that a log can bear."""
    return _shown(target.partition("?")[0])


@lru_cache(maxsize=1)
def _clock(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def log_action(protocol: str, action: str, details: Mapping[str, Any]) -> None:
    """Receive what Daphne tells of its requests (its "action logger")."""
    if protocol != "http" or action != "complete" or not logger.isEnabledFor(logging.INFO):
        return
    now = time.time()
    method, path, took = _shown(details["method"][:_MAX_METHOD]), without_query(details["path"]), details["time_taken"]
    client = (details["client"] or "-").removesuffix(":0")  # The port of who is behind a proxy is not known.
    _pending.append(
        f"{_clock(int(now))},{int(now % 1 * 1000):03d} INFO access: {client} {method} {path}"
        f" {details['status']} {details['size']} bytes {took * 1000:.0f} ms"
    )
    if len(_pending) == 1:
        asyncio.get_event_loop().call_later(FLUSH_SECONDS, flush)


def flush() -> None:
    lines = list(_pending)
    _pending.clear()
    if lines:
        record = logger.makeRecord(logger.name, logging.INFO, __file__, 0, "%d responses", (len(lines),), None)
        record.lines = lines
        logger.handle(record)
