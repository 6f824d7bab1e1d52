"""What one pair of a data set is, and its pixels. Every loader of this package gives ``PairRow``."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from engine.contract.errors import InputError
from engine.contract.tiles import CLASSES, UNCHANGED_TEXT
from engine.words.text import NO_CHANGE

from .excluded import EXCLUDED, STRICT, SplitOptions

IMAGE_PX = 256
WORLD = ("clc", "geh", "nai", "uav", "lst", "usg", "sen", "bmk", "ind")  # sources of world/
FOLDERS = {"lcc": "levir_cc", "dcc": "dubai_cc"} | dict.fromkeys(WORLD, "world")  # first part of a row's id; "pairs" for every other source
DELTA_SIGNS = "+-~"  # added, removed, altered: the order of engine.models.scribe.DELTAS


@dataclass(frozen=True)
class PairRow:
    """One pair: files, labels and captions.

    changed : 1, 0 or None (unknown). delta : (3, 7) of 0/1 by sign and class, or None (unknown).
    captions : tuples of words; empty where there are none. mask : building-change mask, or None.
    stored_px : side of the images in their files; ``read_pair`` gives 256 px whatever it is.
    sure : of the change flag, 2 certain, 1 fairly, 0 doubtful. gsd_m : ground resolution in metres, None where unknown.
    colour : the pixels show what an eye would see; False for false colour and for one grey band.
    """

    name: str
    source: str
    place: str
    split: str
    before: Path
    after: Path
    mask: Path | None
    changed: int | None
    delta: np.ndarray | None
    captions: tuple[tuple[str, ...], ...]
    stored_px: int = IMAGE_PX
    sure: int = 2
    gsd_m: float | None = None
    colour: bool = True

    @property
    def id(self) -> str:
        """``levir_cc/<name>``, ``dubai_cc/<name>``, ``world/<name>`` or ``pairs/<name>``, as captions files name a pair."""
        return f"{FOLDERS.get(self.source, 'pairs')}/{self.name}"


def training_rows(rows: list[PairRow], options: SplitOptions = STRICT) -> list[PairRow]:
    """Rows to train on: those of split "train" without the near-duplicates of ``EXCLUDED``, unless the options keep them.

    Raises
    ------
    InputError
        A place occurs in train and in an evaluation split, and the options do not allow it.
    """
    train = [row for row in rows if row.split == "train" and not (options.exclude and is_excluded(row))]
    leaked = sorted({row.place for row in train} & {row.place for row in rows if row.split != "train"})
    if leaked and options.allow_overlap:
        print(json.dumps({"places_in_two_splits": len(leaked), "first": leaked[:5]}), flush=True)
    elif leaked:
        raise InputError(f"places {leaked[:5]} are in train and in an evaluation split", "each place in one split", "split by place, not by pair")
    return train


def is_excluded(row: PairRow) -> bool:
    """Whether the pair is known to show the ground of an evaluation pair."""
    return Path(row.id).with_suffix("").as_posix() in EXCLUDED


def unchanged_sentences(rows: Sequence[PairRow]) -> tuple[str, ...]:
    """The data set's own sentences for pairs without a change: LEVIR-CC's five where it has them, the engine's own first, or nobody has others.

    Else those that occur twice or more among its unchanged pairs and never among the changed ones, the most frequent first.
    """
    counts, changes = (Counter(" ".join(caption) for row in rows if row.changed == flag for caption in row.captions) for flag in (0, 1))
    own = [sentence for sentence, count in counts.most_common() if count > 1 and sentence not in changes]
    if not own or counts.keys() & NO_CHANGE:
        return (UNCHANGED_TEXT, *sorted(NO_CHANGE - {UNCHANGED_TEXT}))
    return tuple(own)


def captioned(rows: list[PairRow], split: str, source: str | None = None) -> list[PairRow]:
    return [row for row in rows if row.split == split and row.captions and (source is None or row.source == source)]


def read_pair(row: PairRow) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(before, after) uint8 (3, 256, 256) and the mask uint8 0/1 (256, 256) or None.

    Images stored at another size are resized bilinearly (models.md §5), masks to the nearest pixel.

    Raises
    ------
    InputError
        An image cannot be read or has not the size of its data set.
    """
    before, after = (read_rgb(path, row.stored_px) for path in (row.before, row.after))
    if row.mask is None:
        return before, after, None
    mask = _decode(row.mask, lambda image: image.convert("L").resize((IMAGE_PX, IMAGE_PX), Image.Resampling.NEAREST)) > 127
    return before, after, mask.astype(np.uint8)


def read_batch(rows: Sequence[PairRow]) -> tuple[np.ndarray, np.ndarray]:
    """Before and after images of several pairs, uint8 (N, 3, 256, 256) each."""
    pairs = [read_pair(row) for row in rows]
    return np.stack([before for before, _, _ in pairs]), np.stack([after for _, after, _ in pairs])


def read_rgb(path: Path, stored_px: int = IMAGE_PX) -> np.ndarray:
    """One image of side ``stored_px``, uint8 (3, 256, 256).

    Raises
    ------
    InputError
        It cannot be read or has another size.
    """

    def square(image: Image.Image) -> Image.Image:
        if image.size != (stored_px, stored_px):
            raise InputError(f"{path} is {image.width}×{image.height}", f"{stored_px}×{stored_px}", "restore the image or remove its row")
        rgb = image.convert("RGB")
        return rgb if stored_px == IMAGE_PX else rgb.resize((IMAGE_PX, IMAGE_PX), Image.Resampling.BILINEAR)

    return _decode(path, square).transpose(2, 0, 1).copy()


def _decode(path: Path, convert: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return np.asarray(convert(image))
    except (OSError, SyntaxError) as error:  # Pillow raises SyntaxError on some broken PNG and TIFF files
        raise InputError(f"{path} cannot be read ({error})", "an image", "restore the file or remove its row") from error


def words(text: str) -> tuple[str, ...]:
    """Tokens of a caption: lower case, "." and "?" dropped, commas and semicolons tokens of their own, else split on spaces (models.md §5)."""
    return tuple(re.findall(r"[,;]|[^\s,;]+", re.sub(r"[.?]", "", text.lower())))


def delta_array(delta: dict[str, str]) -> np.ndarray:
    """{class: sign} as float32 (3, 7) of 0/1, rows in the order of ``DELTA_SIGNS``."""
    return np.array([[delta.get(name) == sign for name in CLASSES] for sign in DELTA_SIGNS], dtype=np.float32)


def read_images_list(path: Path) -> list[dict]:
    """The list under "images" of a data set's JSON file.

    Raises
    ------
    InputError
        The file is missing, no JSON, or has no such list.
    """
    try:
        images = json.loads(path.read_text("utf-8"))["images"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error!r})", 'JSON with a list "images"', "restore the file") from error
    if not isinstance(images, list):
        raise InputError(f'"images" of {path} is no list', "a list of pairs", "restore the file")
    return images


def build_rows(path: Path, build: Callable[[dict], PairRow]) -> list[PairRow]:
    """A row for each pair listed in the JSON file ``path``.

    Raises
    ------
    InputError
        As ``read_images_list``; or a pair lacks a member, which is named.
    """
    rows = []
    for number, entry in enumerate(read_images_list(path)):
        try:
            rows.append(build(entry))
        except (KeyError, TypeError) as error:
            raise InputError(f"pair {number} of {path} is not complete ({error!r})", "a row as the data set publishes it", "mend the row") from error
    return rows
