"""``changescribe evaluate``: captions a data set of image pairs and scores the captions beside the floors that anybody reaches."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich import box
from rich.console import Group
from rich.table import Table

from . import device, metrics, registry
from .captioner import Captioner, CaptionOptions, tile_seed
from .errors import Cancelled, InputError, OutputError
from .pipeline import AUTO_BATCH, PROGRESS_S, Event, Summary, ignore, never
from .reading import to_input_size
from .schema import UNCHANGED_TEXT, Caption
from .text import is_well_formed

# What LEVIR-CC's annotators wrote on pairs without change; older versions of the file have no flag.
NO_CHANGE = {
    "there is no difference",
    "the two scenes seem identical",
    UNCHANGED_TEXT,
    "no change has occurred",
    "almost nothing has changed",
}
# The constant that scores best on LEVIR-CC's validation pairs, given a perfect change flag.
CONSTANT_CHANGE = "some houses are built along the road"
DEFAULTS = CaptionOptions()
# Heading and score; METEOR and S*m once on words and once on ids.
SHOWN = (
    ("B1", "BLEU-1"),
    ("B4", "BLEU-4"),
    ("M", "METEOR"),
    ("M ids", "METEOR-ids"),
    ("R-L", "ROUGE-L"),
    ("C-D", "CIDEr-D"),
    ("S*m", "S*m"),
    ("S*m ids", "S*m-ids"),
)
LOOK: dict[str, Any] = {"title_justify": "left", "box": box.SIMPLE_HEAD, "pad_edge": False}  # fits 80 columns
FLOORS = ("floor 1", "floor 2")
LEGEND = f"floor 1: always {UNCHANGED_TEXT!r}; floor 2: a perfect change flag and always {CONSTANT_CHANGE!r}"


@dataclass(frozen=True)
class Pair:
    """Two images of one place and what people wrote about them."""

    name: str
    before: Path
    after: Path
    references: tuple[str, ...]
    changed: bool


def read_pairs(data: Path, split: str) -> list[Pair]:
    """Captioned pairs of a split, each joined to its two images by name.

    Parameters
    ----------
    data : folder with LevirCCcaptions.json (images in images/<filepath>/A and B), or with pairs.json, whose rows name the images'
        folder in ``levir_split`` (images/<levir_split>/A and B) or have none (A and B in ``data``)

    Raises
    ------
    InputError
        No such file or split, or a pair that lacks an image.
    """
    rows = _rows(data)
    splits = sorted({row["split"] for row in rows})
    if split not in splits:
        raise InputError(f"no split {split!r} in {data}", f"one of {', '.join(splits)}", "correct --split")
    pairs = [_pair(data, row) for row in rows if row["split"] == split and row.get("sentences")]
    if not pairs:
        raise InputError(f"no captioned pair in split {split!r} of {data}", "pairs with sentences", "choose another split")
    return pairs


def _rows(data: Path) -> list[dict]:
    for name in ("LevirCCcaptions.json", "pairs.json"):
        if (data / name).is_file():
            try:
                return json.loads((data / name).read_text("utf-8"))["images"]
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{data / name} cannot be read ({error})", 'JSON with a list "images"', "check the file") from error
    raise InputError(f"no captions in {data}", "LevirCCcaptions.json or pairs.json", "name the data set's folder with --data")


def _pair(data: Path, row: dict) -> Pair:
    folder = row.get("levir_split") or row.get("filepath")
    root = data / "images" / folder if folder else data
    name = row["filename"]
    before, after = (root / side / name for side in ("A", "B"))
    for path in (before, after):
        if not path.is_file():
            raise InputError(f"the pair {name} lacks {path}", "both images of each pair", "complete the data set")
    references = tuple(sentence["raw"] for sentence in row["sentences"])
    flag = row.get("changeflag")
    changed = any(text.strip(" .") not in NO_CHANGE for text in references) if flag is None else bool(flag)
    return Pair(name, before, after, references, changed)


def run(
    data: Path,
    split: str,
    model: str,
    wanted_device: str = "auto",
    options: CaptionOptions = DEFAULTS,
    on_event: Event = ignore,
    cancelled: Callable[[], bool] = never,
    captioner: Captioner | None = None,
) -> dict:
    """Caption and score a split.

    Returns
    -------
    dict
        ``rows``: the model's and the floors' scores, × 100, on the whole split ("all") and on its changed pairs alone ("changed"),
        with the change flag's; ``captions`` by pair; speed and settings.

    Raises
    ------
    InputError
        Incomplete data, or no metrics library or Java. ModelError: unknown, missing or damaged.
    """
    pairs = read_pairs(data, split)
    if captioner is None:
        registry.verify(model)
    # Before the captioning, so that a missing Java is not found after an hour.
    rows = [
        score_row(FLOORS[0], pairs, {pair.name: Caption(UNCHANGED_TEXT, False, 0.0) for pair in pairs}),
        score_row(FLOORS[1], pairs, {pair.name: _oracle(pair) for pair in pairs}),
    ]
    captioner = captioner or registry.load(model, device.choose(wanted_device).name)
    captions, elapsed_s = caption_pairs(captioner, pairs, options, on_event, cancelled)
    row = registry.row(captioner.card.id)
    return {
        "data": str(data),
        "split": split,
        "model": {"id": row["id"], "sha256": row.get("sha256")},
        "device": str(captioner.device),
        "options": asdict(options),
        "pairs": len(pairs),
        "changed_pairs": sum(pair.changed for pair in pairs),
        "tiles_per_s": round(len(pairs) / elapsed_s, 2),
        "rows": [score_row(captioner.card.id, pairs, captions), *rows],
        "captions": {name: {"caption": c.text, "changed": c.changed, "change_score": round(c.change_score, 4)} for name, c in captions.items()},
    }


def _oracle(pair: Pair) -> Caption:
    return Caption(CONSTANT_CHANGE if pair.changed else UNCHANGED_TEXT, pair.changed, float(pair.changed))


def caption_pairs(
    captioner: Captioner, pairs: Sequence[Pair], options: CaptionOptions, on_event: Event = ignore, cancelled: Callable[[], bool] = never
) -> tuple[dict[str, Caption], float]:
    """Captions by name, and the seconds that the model alone took."""
    summary = Summary(None, len(pairs), captioner.card.id, str(captioner.device))
    captions: dict[str, Caption] = {}
    size, told_s = AUTO_BATCH[captioner.device.type], time.perf_counter()
    for first in range(0, len(pairs), size):
        if cancelled():
            raise Cancelled(f"the evaluation was cancelled after {first} of {len(pairs)} pairs")
        chunk = pairs[first : first + size]
        before, after = (np.concatenate([read_image(getattr(p, date), captioner.card.input_px) for p in chunk]) for date in ("before", "after"))
        start_s = time.perf_counter()
        found = captioner.caption(before, after, options, [tile_seed(0, first + i, 0) for i in range(len(chunk))])
        end_s = time.perf_counter()
        summary.elapsed_s += end_s - start_s
        for pair, caption in zip(chunk, found, strict=True):
            captions[pair.name] = caption
            summary.count("captioned" if caption.changed else "unchanged")
        if end_s - told_s >= PROGRESS_S or len(captions) == len(pairs):
            told_s = end_s
            on_event(summary.progress())
    return captions, summary.elapsed_s


def read_image(path: Path, input_px: int) -> np.ndarray:
    """An image as uint8 (1, 3, input_px, input_px).

    Raises
    ------
    InputError
        Not an image.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error})", "an image", "replace the file") from error
    return to_input_size(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None], input_px)


def score_row(name: str, pairs: Sequence[Pair], captions: dict[str, Caption]) -> dict:
    """Scores of one set of captions: all pairs, changed pairs alone, change flag, share of well-formed sentences."""
    changed = [pair for pair in pairs if pair.changed]
    found, truth = [captions[pair.name].changed for pair in pairs], [pair.changed for pair in pairs]
    flag = metrics.flag_scores(found, truth)
    return {
        "name": name,
        "all": _scores(pairs, captions),
        "changed": _scores(changed, captions) if changed else None,
        # JSON has no NaN: a flag that never rises has no precision.
        "flag": {key: value if value == value else None for key, value in flag.items()},
        "well_formed": float(np.mean([is_well_formed(captions[pair.name].text) for pair in pairs])),
    }


def _scores(pairs: Sequence[Pair], captions: dict[str, Caption]) -> dict[str, float]:
    hypotheses = {pair.name: captions[pair.name].text for pair in pairs}
    references = {pair.name: pair.references for pair in pairs}
    scores = metrics.score(hypotheses, references)
    on_ids = metrics.score(hypotheses, references, meteor="ids")
    return scores | {"METEOR-ids": on_ids["METEOR"], "S*m-ids": on_ids["S*m"]}


def table(found: dict) -> Group:
    """Scores beside the floors, for people."""
    speed = f"{found['tiles_per_s']:g} a second on {found['device']}"
    title = f"{found['model']['id']} on {found['split']} of {found['data']}: {found['pairs']} pairs, {speed}"
    alone = _score_table(f"The {found['changed_pairs']} changed pairs alone", found["rows"], "changed")
    flags = Table(title="Change flag, and share of well-formed sentences", **LOOK)
    flags.add_column("")
    for heading in ("accuracy", "precision", "recall", "well-formed"):
        flags.add_column(heading, justify="right")
    for row in found["rows"]:
        values = [row["flag"][key] for key in ("accuracy", "precision", "recall")]
        flags.add_row(row["name"], *map(_percent, values), _percent(100 * row["well_formed"]))
    return Group(title, _score_table("All pairs", found["rows"], "all"), alone, flags, LEGEND)


def _score_table(title: str, rows: Sequence[dict], part: str) -> Table:
    grid = Table(title=title, **LOOK)
    grid.add_column("", no_wrap=True)
    for heading, _ in SHOWN:
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        if row[part]:
            grid.add_row(row["name"], *(_percent(row[part][key]) for _, key in SHOWN))
    return grid


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def write(found: dict, path: Path) -> None:
    """Write scores and captions as JSON.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    try:
        path.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error})", "a writable file", "choose another name for --json") from error
