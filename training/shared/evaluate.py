"""Evaluate weights before they are bundled, on pairs with the captions and classes of training/captions merged in.

    python -m training.shared.evaluate --weights runs/scribe-s/model.safetensors --source lcc --against scribe-s

``changescribe evaluate`` scores the published captions; use that for published figures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from engine.contract.errors import EXIT_DONE, ChangeScribeError, InputError
from engine.contract.tiles import CLASSES
from engine.evaluation.evaluate import Evaluation, Pair, Settings, evaluate, table, write
from engine.models.scribe import ScribeCaptioner
from engine.registry import sha256_of

from ..datasets import DELTA_SIGNS, PairRow, captioned, load_rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True, help="safetensors file of a scribe model")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default="val", choices=("train", "val"))
    parser.add_argument("--source", help="one source only: lcc, msh, fot, clc, geh …")
    parser.add_argument("--against", metavar="ID|JSON", help="compare with a bundled model, or with what --json wrote on the same pairs")
    parser.add_argument("--balanced", action="store_true")
    parser.add_argument("--json", type=Path, dest="json_file")
    parser.add_argument("--html", type=Path, dest="html_file")
    args = parser.parse_args()
    settings = Settings(balanced=args.balanced, against=args.against, json_file=args.json_file, html_file=args.html_file)
    try:
        settings.verify()
        if not args.weights.is_file():
            raise InputError(f"{args.weights} does not exist", "a safetensors file", "export a run first: changescribe export RUN -o FILE --id ID")
        pairs = [as_pair(row) for row in captioned(load_rows(args.data), args.split, args.source)]
        captioner = ScribeCaptioner.from_checkpoint(str(args.weights))
        evaluation = evaluate(pairs, captioner, settings=settings, name="candidate")
        heading = {"data": str(args.data), "split": args.split, "model": {"id": captioner.card.id, "sha256": sha256_of(args.weights)}}
        found = heading | evaluation.found
        write(Evaluation(found, evaluation.scored), settings)
    except ChangeScribeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    Console(soft_wrap=True, highlight=False, markup=False).print(table(found))
    return EXIT_DONE


def as_pair(row: PairRow) -> Pair:
    """A training row as the evaluation takes it; a class with several signs has the first of added, removed, altered."""
    references = tuple(" ".join(words) for words in row.captions)
    delta = None
    if row.delta is not None:
        delta = {
            name: next(sign for i, sign in enumerate(DELTA_SIGNS) if row.delta[i, column])
            for column, name in enumerate(CLASSES)
            if row.delta[:, column].any()
        }
    return Pair(row.id, row.before, row.after, references, bool(row.changed), delta, source=row.source)


if __name__ == "__main__":
    sys.exit(main())
