"""Measure this server beside the `mcp` SDK's own: `make bench`, or

python -m tests.bench [--quick] [--postgresql] [--remember-tokens] [--json FILE]
"""

import argparse
import gc
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.errors import BenchFailed
from tests.bench.plan import DEFAULT, QUICK
from tests.bench.redaction import check_growth
from tests.bench.run import run
from tests.bench.table import table


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure this server beside the SDK's.")
    parser.add_argument("--quick", action="store_true", help="About a minute or less, and less exact.")
    parser.add_argument("--postgresql", action="store_true", help="On a private PostgreSQL cluster instead of SQLite.")
    parser.add_argument(
        "--remember-tokens", action="store_true", help="Lend the reference this server's memory of verified tokens."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="Write the results to this file, too.")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    options = parsed(arguments)
    # What is loaded by now need not be looked at by the collector while latencies are taken.
    gc.collect()
    gc.freeze()
    try:
        growth = check_growth()
        results = run(QUICK if options.quick else DEFAULT, options.postgresql, options.remember_tokens)
    except BenchFailed as failure:
        print(f"The bench failed: {failure}", *getattr(failure, "__notes__", ()), sep="\n\n", file=sys.stderr)
        return 1
    print(f"\n{table(results)}\n{growth}")
    if options.json:
        options.json.write_text(json.dumps(asdict(results), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
