"""Test the six promises on a running site, before your eyes, in about a minute.

python -m tests.prove [--alone]
"""

import argparse
import sys

from tests.prove.display import Display
from tests.prove.play import PROMISES, play
from tests.prove.stage import set_stage


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.prove", description="Test the six promises on a running site."
    )
    parser.add_argument("--alone", action="store_true", help="one worker on SQLite, whatever is installed here")
    arguments = parser.parse_args()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        return play(PROMISES, lambda: set_stage(arguments.alone), Display())
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
