"""LEVIR-CC as it is published: LevirCCcaptions.json and images/{train,val,test}/{A,B} (Liu et al., TGRS 2022)."""

from __future__ import annotations

import re
from pathlib import Path

from engine.contract.errors import InputError
from engine.evaluation.evaluate import NO_CHANGE

from .rows import PairRow, build_rows, delta_array, words

CAPTIONS_FILE = "LevirCCcaptions.json"
# The last number that the rule of ``place_of`` holds for: 445, 64 and 128 images of LEVIR-CD with 16 crops each.
LAST_NUMBERED = {"train": 7120, "val": 1024, "test": 2048}


def read(root: Path) -> list[PairRow]:
    """All pairs that ``LevirCCcaptions.json`` names."""
    return build_rows(root / CAPTIONS_FILE, lambda entry: _row(root, entry))


def place_of(name: str) -> str:
    """The LEVIR-CD image ``{split}_{k}`` that a crop was cut from: its number is n = (k − 1)·16 + row·4 + col + 1.

    Crops beyond the last number of the rule, whose image is not known, share one place a split.

    Raises
    ------
    InputError
        The name is not ``{split}_{number}``.
    """
    match = re.fullmatch(r"(train|val|test)_(\d+)", Path(name).stem)
    if match is None or int(match[2]) < 1:
        raise InputError(f"the LEVIR-CC image {name}", "a name such as train_000001.png", "restore the name of the download")
    split, number = match[1], int(match[2])
    return f"{split}_{(number - 1) // 16 + 1}" if number <= LAST_NUMBERED[split] else f"{split}_unnumbered"


def _row(root: Path, entry: dict) -> PairRow:
    name = entry["filename"]
    captions = tuple(words(sentence["raw"]) for sentence in entry["sentences"])
    # Older versions of the file have no flag; pairs without change carry fixed sentences.
    flag = entry.get("changeflag", int(not all(" ".join(caption) in NO_CHANGE for caption in captions)))
    folder = root / "images" / entry["filepath"]
    known = None if flag else delta_array({})
    return PairRow(name, "lcc", place_of(name), entry["split"], folder / "A" / name, folder / "B" / name, None, flag, known, captions)
