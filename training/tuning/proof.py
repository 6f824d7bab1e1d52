"""Does tuning on reviewed tiles help? Two-fold: half of the places tune, the other half is scored, and the other way round.

    python -m training.tuning.proof --data ../shared/data --out runs/tune-proof

The pairs are those of the validation split that are not LEVIR-CC's: other places, other sensors, captions of another hand. ``scribe-s`` was
not trained on them, but its epoch was chosen with them among others. As a reviewer writes one caption a tile, tuning sees one of five;
scoring takes all five. With ``--notes`` the reviewer writes notes of the classes ("survey : new building , road ; gone vegetation") in place of
sentences, which shows whether a style that the model has never seen is learnt.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from engine import registry
from engine.contract.errors import ChangeScribeError
from engine.contract.request import DEFAULT_MODEL
from engine.contract.tiles import CLASSES
from engine.evaluation.evaluate import Settings, caption_pairs, evaluate, table
from engine.models.captioner import CaptionOptions
from engine.models.scribe import ScribeCaptioner

from ..datasets import DELTA_SIGNS, PairRow, captioned, load_rows
from ..shared.evaluate import as_pair
from .tune import TuneOptions, tune

MEMBERS = ("changed", "change_score", "score", "added", "removed", "altered")
HELD_OUT = 4  # one place in so many chooses the epoch


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/tune-proof"))
    parser.add_argument("--source", action="append", help="only these sources (repeatable): msh, xbd, fot, szt, dsi")
    parser.add_argument("--notes", action="store_true", help="captions as notes of the classes")
    parser.add_argument("--lr", type=float, default=TuneOptions.lr, help="of the decoder, as `changescribe train` has it")
    parser.add_argument("--epochs", type=int, default=TuneOptions.epochs)
    args = parser.parse_args()
    rows = [row for row in captioned(load_rows(args.data), "val") if row.source != "lcc" and (not args.source or row.source in args.source)]
    if args.notes:
        rows = [as_notes(row) for row in rows]
    try:
        found = cross_fit(rows, args.out, TuneOptions(lr=args.lr, epochs=args.epochs))
    except ChangeScribeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    (args.out / "scores.json").write_text(json.dumps(found, indent=1), "utf-8")
    Console(soft_wrap=True, highlight=False, markup=False).print(table(found))
    return 0


def cross_fit(rows: Sequence[PairRow], out: Path, options: TuneOptions) -> dict:
    """Scores of the bundled model against the two tuned ones, each on the half that it has not seen."""
    halves = split_by_place(rows, 2)
    captions: dict[str, dict] = {}
    for fold, (scored, tuning) in enumerate((halves, halves[::-1])):
        path = tuned_on(tuning, out / f"fold{fold}", options)
        found, _ = caption_pairs(ScribeCaptioner.from_checkpoint(str(path)), [as_pair(row) for row in scored], CaptionOptions())
        captions |= {name: {"caption": c.text, **{k: getattr(c, k) for k in MEMBERS}} for name, c in found.items()}
    tuned = out / "tuned.json"
    tuned.write_text(json.dumps({"captions": captions}), "utf-8")
    pairs = [as_pair(row) for row in rows]
    # "against" is subtracted, so that a plus in the table speaks for the bundled model.
    heading = {"data": str(out), "split": "val", "model": {"id": DEFAULT_MODEL, "sha256": registry.row(DEFAULT_MODEL)["sha256"]}}
    return heading | evaluate(pairs, registry.load(DEFAULT_MODEL), settings=Settings(against=str(tuned))).found


def tuned_on(rows: Sequence[PairRow], folder: Path, options: TuneOptions) -> Path:
    """Weights tuned on the pairs; those of an interrupted proof are taken up."""
    path = folder / f"{options.name}.safetensors"
    return path if path.is_file() else tune(write_dataset(rows, folder / "reviewed"), folder, options)


def as_notes(row: PairRow) -> PairRow:
    """The pair with its classes noted in place of its captions; unchanged ones keep theirs."""
    if not row.changed or row.delta is None:
        return row
    named = [[name for c, name in enumerate(CLASSES) if row.delta[i, c]] for i in range(len(DELTA_SIGNS))]
    text = " ; ".join(f"{word} {' , '.join(names)}" for word, names in zip(("new", "gone", "altered"), named) if names)
    return replace(row, captions=(tuple(f"survey : {text}".split()),))


def split_by_place(rows: Sequence[PairRow], parts: int) -> list[list[PairRow]]:
    """Rows in parts that share no place; every source's places are dealt out in turn."""
    places = sorted({(row.source, row.place) for row in rows})
    part_of = {place: i % parts for i, (_, place) in enumerate(places)}
    return [[row for row in rows if part_of[row.place] == part] for part in range(parts)]


def write_dataset(rows: Sequence[PairRow], folder: Path) -> Path:
    """The pairs as a reviewer would have exported them: one caption a tile, some places held out."""
    if folder.exists():
        shutil.rmtree(folder)
    held = {row.id for row in split_by_place(rows, HELD_OUT)[0]}
    images = []
    for row in rows:
        split = "val" if row.id in held else "train"
        for side, path in (("A", row.before), ("B", row.after)):
            target = folder / "images" / split / side / row.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        caption = " ".join(row.captions[0])
        images.append(
            {
                "filename": row.name,
                "filepath": split,
                "split": split,
                "place": row.place,
                "changeflag": int(row.changed or 0),
                "delta": _delta(row),
                "sentences": [{"raw": caption, "tokens": caption.split()}],
            }
        )
    (folder / "LevirCCcaptions.json").write_text(json.dumps({"images": images}), "utf-8")
    return folder


def _delta(row: PairRow) -> dict[str, str] | None:
    if row.delta is None:
        return None
    return {name: sign for i, sign in enumerate(DELTA_SIGNS) for c, name in enumerate(CLASSES) if row.delta[i, c]}


if __name__ == "__main__":
    sys.exit(main())
