"""Django's development server is refused with what to use in its place."""

import pytest
from django.core.management import CommandError, call_command

from tools_app.management.commands.runserver import Command


def test_the_development_server_is_refused() -> None:
    with pytest.raises(CommandError, match=r"Use: manage\.py serve"):
        call_command(Command(), "8000")
