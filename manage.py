#!/usr/bin/env python
"""Run a management command."""

import os
import sys

from mcpsite.loop import install_fast_loop

# It cannot be said: 1 would be an answer, for a script that runs `audit verify`.
_CANNOT_SAY = 2


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcpsite.settings")
    if sys.argv[1:2] == ["serve"]:
        install_fast_loop()
    # After the event loop is chosen.
    from django.core.management import execute_from_command_line  # noqa: PLC0415
    from django.db import Error  # noqa: PLC0415

    from authz_app.audit.entries import AuditUnavailable  # noqa: PLC0415
    from authz_app.core import actor  # noqa: PLC0415
    from tools_app.errors import BadDefinition  # noqa: PLC0415

    try:
        with actor.acting(actor.command(sys.argv)):
            execute_from_command_line(sys.argv)
    except BadDefinition as error:
        if "--traceback" in sys.argv:
            raise
        print(error, file=sys.stderr)
        sys.exit(_CANNOT_SAY)
    except (Error, AuditUnavailable) as error:
        if "--traceback" in sys.argv:
            raise
        cause = (error.__cause__ if isinstance(error, AuditUnavailable) else None) or error
        reason = str(cause).strip().partition("\n")[0]
        print(
            f"The database cannot be used: {reason}. Check DATABASE_URL. (--traceback shows where it failed.)",
            file=sys.stderr,
        )
        sys.exit(_CANNOT_SAY)


if __name__ == "__main__":
    main()
