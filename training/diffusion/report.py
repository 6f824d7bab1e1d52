"""Report on the diffusion captioners: quality and time against sampling steps, for each sampler.

    python -m training.diffusion.report [--models kd-rscc] [--split val] [--long-pairs N]

Every cell (model, sampler, steps, samples) is kept in a file of its own under ``--folder``, so an interrupted report goes on where it was, and
processes with different ``--models`` can share the work. Writes docs/diffusion.md, .json and .png of what is there.

Pairs that the change flag calls unchanged are not decoded, as for users; the images are encoded once for all cells.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine import registry
from engine.contract.tiles import Caption
from engine.evaluation.pairs import Pair, read_image, read_pairs
from engine.models.captioner import changed_caption, tile_seed, unchanged_caption
from engine.models.diffusion.captioner import FAITHFUL, DiffusionCaptioner, Sampling, is_usable
from engine.words.text import is_well_formed

from .report_page import write_report
from .report_time import TIMED, measure

STEPS = (1, 2, 5, 10, 20, 50, 200, 2000)
SHORT = 50  # steps up to which cells come before the others
LONG = 200  # steps beyond which --long-pairs holds
NOISY = ("euler-ancestral", "dpmpp-2m-sde", "ddpm")
SAMPLES = (4, 8)  # beside one, of each model's default
ROWS = 32  # samples at a time
MODELS = ("kd-rscc", "diffusion-rscc")


@dataclass(frozen=True)
class Cell:
    """One way of sampling one model."""

    model: str
    sampling: Sampling

    @property
    def name(self) -> str:
        """Name of the sampler in tables."""
        temperature = self.sampling.temperature
        return self.sampling.sampler + (", clamped" if self.sampling.clamp else "") + (f", temperature {temperature:g}" if temperature != 1 else "")

    @property
    def evaluations(self) -> int:
        """Of the network, for a caption."""
        steps = self.sampling.steps
        return (2 * steps - 1 if self.sampling.sampler == "heun" else steps) * self.sampling.samples

    @property
    def file(self) -> str:
        sampling = self.sampling
        parts = (sampling.sampler, "clamp" if sampling.clamp else "free", sampling.steps, sampling.samples, f"{sampling.temperature:g}")
        return "-".join(map(str, parts)) + ".json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/levir_cc"), help="data set in the layout of `changescribe evaluate`")
    parser.add_argument("--split", default="val")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="whose cells to fill")
    parser.add_argument(
        "--long-pairs", type=int, metavar="N", help=f"cells of more than {LONG} steps, but the published one, take the first N pairs alone"
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/diffusion-report"))
    parser.add_argument("--out", type=Path, default=Path("docs/diffusion"), help="name of the report's files without their endings")
    args = parser.parse_args()
    pairs = read_pairs(args.data, args.split)
    for model in args.models:
        fill(model, pairs, folder_of(args.folder, model, args.split), args.long_pairs)
    found = {model: read_folder(folder_of(args.folder, model, args.split)) for model in MODELS}
    write_report(args.out, found, pairs, {"data": args.data.name, "split": args.split})


def folder_of(folder: Path, model: str, split: str) -> Path:
    """Cells of one checkpoint: others never mix with them."""
    return folder / f"{model}-{split}-{registry.row(model)['sha256'][:12]}"


def fill(model: str, pairs: Sequence[Pair], folder: Path, long_pairs: int | None) -> None:
    """Compute the cells and timings that are not there yet: what the report's claims need first."""
    captioner = registry.load(model)
    assert isinstance(captioner, DiffusionCaptioner)
    folder.mkdir(parents=True, exist_ok=True)
    tokens, scores = encoded(captioner, pairs)
    slow = [cell for cell in cells(captioner) if cell.sampling.steps > SHORT and cell.sampling not in FAITHFUL.values()]
    for cell in (cell for cell in cells(captioner) if cell not in slow):
        fill_cell(captioner, cell, tokens, scores, folder)
    if not (folder / TIMED).is_file():
        images = [np.concatenate([read_image(getattr(pair, date), captioner.card.input_px) for pair in pairs]) for date in ("before", "after")]
        _write(folder / TIMED, measure(captioner, *images))
    for cell in slow:
        count = long_pairs if cell.sampling.steps > LONG else None
        fill_cell(captioner, cell, tokens[:count], scores[:count], folder)


def fill_cell(captioner: DiffusionCaptioner, cell: Cell, tokens: Tensor, scores: np.ndarray, folder: Path) -> None:
    """Compute a cell and keep it, unless it is there."""
    path = folder / cell.file
    if path.is_file():
        return
    found = run_cell(captioner, cell, tokens, scores)
    _write(path, asdict(cell) | {"name": cell.name, "evaluations": cell.evaluations} | found)
    print(f"{cell.model}: {cell.name}, {cell.sampling.steps} steps, {cell.sampling.samples} samples: {found['seconds']:.0f} s", flush=True)


def cells(captioner: DiffusionCaptioner) -> list[Cell]:
    """The samplers of a model at all steps, cheap ones first; its default with more samples; clamped chains where the published one is.

    Samplers that draw noise on their way have temperature 1, which the others have at the start alone: there the model's own, and 1 for its default.
    """
    model, own, published = captioner.card.id, captioner.default, FAITHFUL[captioner.net.config.family]
    kinds = [Sampling(name, 1, temperature=1.0 if name in NOISY else own.temperature) for name in captioner.samplers]
    kinds += [replace(own, samples=1), replace(own, samples=1, temperature=1.0), published]
    found = [Cell(model, replace(kind, steps=steps)) for steps in STEPS for kind in kinds]
    found += [Cell(model, replace(own, samples=count)) for count in (1, *SAMPLES)]
    return sorted(dict.fromkeys(found), key=lambda cell: cell.evaluations)


def encoded(captioner: DiffusionCaptioner, pairs: Sequence[Pair], batch: int = 16) -> tuple[Tensor, np.ndarray]:
    """Condition tokens (N, 196, C) and change scores (N,) of all pairs."""
    tokens, scores = [], []
    with torch.inference_mode():
        for start in range(0, len(pairs), batch):
            chunk = pairs[start : start + batch]
            images = (
                torch.from_numpy(np.concatenate([read_image(getattr(p, date), captioner.card.input_px) for p in chunk]))
                for date in ("before", "after")
            )
            found = captioner.encode(*images)
            tokens.append(found.state)
            scores.append(found.change_score)
    return torch.cat(tokens), np.concatenate(scores)


def run_cell(captioner: DiffusionCaptioner, cell: Cell, tokens: Tensor, scores: np.ndarray) -> dict:
    """Captions of the pairs, and of the first draw of each the share of well-formed sentences."""
    changed = np.flatnonzero(scores >= captioner.card.threshold).tolist()
    captions: list[Caption] = [unchanged_caption(float(score)) for score in scores]
    drawn, sampling, start_s = [], cell.sampling, time.perf_counter()
    rows = max(1, ROWS // sampling.samples)
    with torch.inference_mode():
        for first in range(0, len(changed), rows):
            part = changed[first : first + rows]
            seeds = [tile_seed(0, i, 0) for i in part]
            samples = captioner.draw(tokens[part], sampling, seeds)
            drawn += [sample for of_tile in samples for sample in of_tile]
            for i, (text, score) in zip(part, captioner.choose_captions(tokens[part], sampling, seeds, samples), strict=True):
                captions[i] = changed_caption(text, score, float(scores[i]))
    return {
        "pairs": len(scores),
        "decoded": len(changed),
        "seconds": time.perf_counter() - start_s,
        "drawn": len(drawn),
        "drawn_well_formed": sum(is_well_formed(sample.text) for sample in drawn),
        "drawn_usable": sum(map(is_usable, drawn)),
        "captions": [{"text": c.text, "changed": c.changed, "change_score": c.change_score, "score": c.score} for c in captions],
    }


def read_folder(folder: Path) -> dict:
    """``cells`` and ``timing`` of a model; empty and None where nothing is there yet."""
    files = sorted(folder.glob("*.json"))
    timing = folder / TIMED
    return {
        "cells": [json.loads(path.read_text("utf-8")) for path in files if path.name != TIMED],
        "timing": json.loads(timing.read_text("utf-8")) if timing.is_file() else None,
    }


def _write(path: Path, found: dict) -> None:
    """Whole or not at all: an interrupted report must not leave half a cell."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    part.replace(path)


if __name__ == "__main__":
    main()
