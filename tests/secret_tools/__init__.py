"""An app of tools that say again what they are given, for the hunt for secrets.

A process that imports its ``mcp_tools`` offers them: tests do not.
"""

from typing import Literal

LEVELS: tuple[Literal["metadata", "arguments", "result"], ...] = ("metadata", "arguments", "result")
