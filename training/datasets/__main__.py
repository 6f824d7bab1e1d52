"""Lists what is missing or broken in a data set; prints floors of Dubai-CC's scores.

    python -m training.datasets check --data DIR
    python -m training.datasets floors --data DIR

Exit code 0: nothing missing; 2: problems, or no data set there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from engine.contract.errors import EXIT_DONE, EXIT_INPUT, ChangeScribeError

from . import floors
from .check import find_problems, report
from .layouts import detect, read_rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.datasets", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check", help="list what is missing or broken; exit code 2 where anything is")
    check.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the captioned pairs, LEVIR-CC or Dubai-CC")
    floor = commands.add_parser("floors", help="what constant sentences score on Dubai-CC's test split; needs its captions alone")
    floor.add_argument("--data", type=Path, required=True, help="folder of Dubai-CC, or of its three JSON files")
    floor.set_defaults(floors=True)
    args = parser.parse_args(arguments)
    try:
        if "floors" in args:
            Console().print(floors.table(floors.floors(floors.read_sentences(args.data))), highlight=False)
            return EXIT_DONE
        name, rows = detect(args.data).name, read_rows(args.data)
    except ChangeScribeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    problems = find_problems(rows)
    console = Console()
    console.print(f"{args.data}: {name}", highlight=False)
    console.print(report(rows, problems), highlight=False)
    return EXIT_INPUT if problems else EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
