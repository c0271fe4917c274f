"""Chooses the event loop before Daphne is imported: Daphne makes its loop while it is being imported."""

import asyncio
import warnings


def install_fast_loop() -> bool:
    """Use uvloop for every event loop made from here on, if it is installed. Returns whether it is."""
    try:
        import uvloop  # noqa: PLC0415  (optional: it does not exist on every platform)
    except ImportError:
        return False
    with warnings.catch_warnings():
        # Python 3.14 deprecates policies, and Daphne has no other way to be told.
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    return True
