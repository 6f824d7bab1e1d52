"""Dubai-CC as it is published: 500 pairs of Landsat tiles, 50×50 pixels, of 2000 and 2010 (Hoxha et al., TGRS 2022).

imgs_tiles/RGB/{500_2000,500_2010}/<filename> and description_jsontr_te_val/{Train,Validation,Test}_Dubai_CC.json.

Not verified on the download itself, which we do not have; taken from public code that reads it: the JSON is {"images": [{"filename", "sentences":
[{"raw"}]}]} without a change flag, and the sentences of ``NO_CHANGE`` mark the pairs without change. The tiles are read as 8-bit RGB.
"""

from __future__ import annotations

from pathlib import Path

from .rows import PairRow, build_rows, delta_array, words

CAPTIONS_FOLDER = "description_jsontr_te_val"
CAPTIONS_FILES = {"train": "Train_Dubai_CC.json", "val": "Validation_Dubai_CC.json", "test": "Test_Dubai_CC.json"}
BEFORE, AFTER = "imgs_tiles/RGB/500_2000", "imgs_tiles/RGB/500_2010"
TILE_PX = 50
NO_CHANGE = (
    "nothing has changed",
    "no change occurred",
    "there is no change to mention",
    "there is no difference",
    "everything remains the same",
    "the area appears the same",
    "no change in this area",
    "all remained the same",
    "no difference in this area",
)


def read(root: Path) -> list[PairRow]:
    """All pairs of the three captions files. Tiles do not overlap: each is a place of its own."""
    rows = []
    for split, name in CAPTIONS_FILES.items():
        rows += build_rows(root / CAPTIONS_FOLDER / name, lambda entry, split=split: _row(root, split, entry))  # type: ignore[misc]
    return rows


def _row(root: Path, split: str, entry: dict) -> PairRow:
    name = entry["filename"]
    captions = tuple(words(sentence["raw"]) for sentence in entry["sentences"])
    # Annotators may differ on a pair: the majority decides.
    unchanged = sum(any(phrase in " ".join(caption) for phrase in NO_CHANGE) for caption in captions)
    flag = int(2 * unchanged < len(captions))
    known = None if flag else delta_array({})
    return PairRow(name, "dcc", f"dubai_{Path(name).stem}", split, root / BEFORE / name, root / AFTER / name, None, flag, known, captions, TILE_PX)
