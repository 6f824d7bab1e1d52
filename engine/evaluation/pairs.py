"""Captioned pairs of a data set, and their pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..contract.errors import InputError
from ..run.reading import to_input_size
from ..words import dubai
from ..words.text import NO_CHANGE

DUBAI = "Dubai-CC"  # source of its pairs
CAPTIONS_FILES = ("LevirCCcaptions.json", "pairs.json")


@dataclass(frozen=True)
class Pair:
    """Two images of one place and what people wrote about them.

    delta : sign ("+" appeared, "-" disappeared, "~" was altered) by class of ``schema.CLASSES``, or None where nobody noted it.
    quality, source : what the data set says of the images, or None.
    """

    name: str
    before: Path
    after: Path
    references: tuple[str, ...]
    changed: bool
    delta: Mapping[str, str] | None = None
    quality: str | None = None
    source: str | None = None


def read_pairs(data: Path, split: str) -> list[Pair]:
    """Captioned pairs of a split, each joined to its two images by name.

    Parameters
    ----------
    data : folder of Dubai-CC as published (``words.dubai``), or folder with LevirCCcaptions.json (images in images/<filepath>/A and B), or with
        pairs.json, whose rows name the images'
        folder in ``levir_split`` (images/<levir_split>/A and B) or have none (A and B in ``data``); or the folder of several such folders, whose
        pairs are then named <folder>/<name> and have the folder as their source where they name none

    Raises
    ------
    InputError
        No such file or split, a name twice, or a pair that lacks an image.
    """
    if (data / dubai.CAPTIONS_FOLDER).is_dir():
        return _read_dubai(data, split)
    rows = [(folder, row) for folder in _folders(data) for row in _rows(folder)]
    splits = sorted({row["split"] for _, row in rows})
    if split not in splits:
        raise InputError(f"no split {split!r} in {data}", f"one of {', '.join(splits)}", "correct --split")
    pairs = [_pair(folder, row, folder != data) for folder, row in rows if row["split"] == split and row.get("sentences")]
    if not pairs:
        raise InputError(f"no captioned pair in split {split!r} of {data}", "pairs with sentences", "choose another split")
    names = [pair.name for pair in pairs]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})[:3]
        raise InputError(f"{data} names a pair twice ({', '.join(twice)})", "one row for each pair", "remove the second row")
    return pairs


def _read_dubai(data: Path, split: str) -> list[Pair]:
    if split not in dubai.CAPTIONS_FILES:
        raise InputError(f"no split {split!r} in {data}", f"one of {', '.join(dubai.CAPTIONS_FILES)}", "correct --split")
    file = data / dubai.CAPTIONS_FOLDER / dubai.CAPTIONS_FILES[split]
    try:
        rows = json.loads(file.read_text("utf-8"))["images"]
        named = [(row["filename"], tuple(sentence["raw"] for sentence in row["sentences"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} cannot be read ({error!r})", "the JSON that Dubai-CC publishes", "check the file") from error
    pairs = []
    for name, references in named:
        before, after = (data / folder / name for folder in (dubai.BEFORE, dubai.AFTER))
        _verify_files(name, before, after)
        changed = dubai.is_changed(references)
        pairs.append(Pair(name, before, after, references, changed, None if changed else {}, source=DUBAI))
    return pairs


def _verify_files(name: str, *paths: Path) -> None:
    for path in paths:
        if not path.is_file():
            raise InputError(f"the pair {name} lacks {path}", "both images of each pair", "complete the data set")


def _folders(data: Path) -> list[Path]:
    """The data set's folder itself, or those of the data sets in it."""
    if any(os.path.isfile(data / name) for name in CAPTIONS_FILES) or not os.path.isdir(data):
        return [data]
    return sorted(folder for folder in data.iterdir() if any((folder / name).is_file() for name in CAPTIONS_FILES)) or [data]


def _rows(data: Path) -> list[dict]:
    for name in CAPTIONS_FILES:
        if os.path.isfile(data / name):
            try:
                return json.loads((data / name).read_text("utf-8"))["images"]
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{data / name} cannot be read ({error})", 'JSON with a list "images"', "check the file") from error
    raise InputError(
        f"no captions in {data}", "LevirCCcaptions.json, pairs.json or description_jsontr_te_val", "name the data set's folder with --data"
    )


def _pair(data: Path, row: dict, of_several: bool = False) -> Pair:
    folder = row.get("levir_split") or row.get("filepath")
    root = data / "images" / folder if folder else data
    name = row["filename"]
    before, after = (root / side / name for side in ("A", "B"))
    _verify_files(name, before, after)
    references = tuple(sentence["raw"] for sentence in row["sentences"])
    flag = row.get("changeflag")
    changed = any(text.strip(" .") not in NO_CHANGE for text in references) if flag is None else bool(flag)
    delta = row.get("delta", None if changed else {})
    source = row.get("source") or (data.name if of_several else None)
    return Pair(f"{data.name}/{name}" if of_several else name, before, after, references, changed, delta, row.get("quality"), source)


def read_image(path: Path, input_px: int) -> np.ndarray:
    """An image as uint8 (1, 3, input_px, input_px).

    Raises
    ------
    InputError
        Not an image.
    """
    pixels = np.asarray(open_rgb(path))
    return to_input_size(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None], input_px)


def open_rgb(path: Path) -> Image.Image:
    """An image in RGB; raises as ``read_image``."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error})", "an image", "replace the file") from error
