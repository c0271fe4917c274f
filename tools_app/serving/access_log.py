"""The access log: one line for each response, with the path and never the query string."""

import logging
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger("access")
_MAX_PATH = 200


def without_query(target: str) -> str:
    """A request target's path, cut to a length that a log can bear."""
    path = target.partition("?")[0]
    return path if len(path) <= _MAX_PATH else f"{path[:_MAX_PATH]}..."


def log_action(protocol: str, action: str, details: Mapping[str, Any]) -> None:
    """Receive what Daphne tells of its requests (its "action logger")."""
    if protocol == "http" and action == "complete":
        logger.info(
            "%s %s %s %s %s bytes %.0f ms",
            details["client"],
            details["method"][:20],
            without_query(details["path"]),
            details["status"],
            details["size"],
            details["time_taken"] * 1000,
        )
