"""``changescribe export-reviewed``: tiles that a person has judged, as a data set in LEVIR-CC's layout.

    DIR/LevirCCcaptions.json                one row a tile: files, split, place, change flag, classes, the caption
    DIR/images/{train,val}/{A,B}/*.png      before and after, 256 × 256 pixels as the model sees them

The splits share no place (a block of neighbouring tiles). Of the tiles that nobody has judged and the model surely finds unchanged, as many are put
in as make changed and unchanged ones equally many: who only corrects changes would else teach a model that everything changes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..contract.errors import InputError, OutputError
from ..contract.tiles import REVIEWS
from .figure import Cell
from .layer import Layer, read_layer
from .pictures import DATES, TILE_PX, Pictures, tile_frame

CAPTIONS = "LevirCCcaptions.json"
HELD_OUT = 0.25
BLOCKS = (4, 2, 1)  # tiles a side of a place; smaller where there would be fewer than MIN_PLACES
MIN_PLACES = 8
SURE = 0.1  # change score under which a tile that nobody judged is taken as unchanged
SEED = 0


def export(layers: Sequence[str], folder: Path, before: str | None = None, after: str | None = None) -> dict[str, Any]:
    """Write the data set.

    Returns
    -------
    dict
        ``output``, and numbers of tiles: ``train``, ``val``, ``changed``, ``unreviewed``.

    Raises
    ------
    InputError
        No layer of ours, no reviewed tile, or a raster that cannot be read. OutputError: the folder cannot be written or holds a data set.
    """
    if (before or after) and len(layers) > 1:
        raise InputError(f"--before and --after with {len(layers)} layers", "one layer", "export the layers one by one")
    if os.path.exists(folder / CAPTIONS):
        raise OutputError(f"{folder} holds a data set already", "an empty or new folder", "choose another, or delete it")
    rows: list[dict] = []
    try:
        for number, source in enumerate(layers):
            layer = read_layer(source)
            chosen = choose(layer)
            with Pictures(layer, before, after) as pictures:
                if pictures.notes:
                    raise InputError(" ".join(pictures.notes), "both rasters of the layer", "name them with --before and --after")
                rows += _write(layer, chosen, pictures, folder, f"{number}_{Path(layer.path).stem}")
        if rows:
            (folder / CAPTIONS).write_text(json.dumps({"images": rows}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error})", "a writable folder with room", "choose another folder") from error
    if not any(row["reviewed"] for row in rows):
        raise InputError(
            f"no reviewed tile in {', '.join(layers)}", "tiles marked as right or wrong, or with a corrected caption", "review some in QGIS and save"
        )
    counts = {split: sum(row["split"] == split for row in rows) for split in ("train", "val")}
    counts |= {"changed": sum(row["changeflag"] for row in rows), "unreviewed": sum(not row["reviewed"] for row in rows)}
    return {"output": str(folder), **counts}


def export_of(members: Any) -> dict[str, Any]:
    """``export`` of one layer, from the protocol's message.

    Raises
    ------
    InputError
        Unknown, missing or ill-typed members; and as ``export``.
    """
    ok = isinstance(members, dict) and {"layer", "output"} <= set(members) <= {"layer", "output", *DATES}
    if not ok or not all(isinstance(members[name], str) and "\0" not in members[name] for name in members if members[name] is not None):
        raise InputError(f"an export {members!r}", "an object with the paths layer and output, and if wanted before and after", "correct its members")
    return export([members["layer"]], Path(members["output"]), members.get("before"), members.get("after"))


def choose(layer: Layer) -> list[Cell]:
    """The judged tiles, and sure unchanged ones, evenly spread over the layer, until both kinds are equally many."""
    judged = [cell for cell in layer.cells if is_judged(cell)]
    wanted = sum(1 if cell.changed else -1 for cell in judged)
    sure = [c for c in layer.cells if c.properties["changed"] is False and not is_judged(c) and (c.properties["change_score"] or 0) < SURE]
    picked = np.linspace(0, len(sure) - 1, min(max(wanted, 0), len(sure))).round().astype(int) if judged else []
    return judged + [sure[i] for i in picked]


def is_judged(cell: Cell) -> bool:
    """Whether a person has said what holds for the tile."""
    values = cell.properties
    return values["changed"] is not None and (values.get("review") in REVIEWS or bool((values.get("edited_caption") or "").strip()))


def _write(layer: Layer, chosen: Sequence[Cell], pictures: Pictures, folder: Path, name: str) -> list[dict]:
    """Write the pictures of one layer; its rows."""
    sides = [np.hypot(*(np.array(cell.ring[1]) - cell.ring[0])) for cell in layer.cells]
    longest, rows = float(max(sides)), []
    for cell, (place, split) in zip(chosen, split_places(chosen)):
        values = cell.properties
        file = f"{name}_{values['tile_id']}.png"
        for side, date in zip("AB", DATES):
            target = folder / "images" / split / side / file
            target.parent.mkdir(parents=True, exist_ok=True)
            pixels, _ = pictures.pixels(date, tile_frame(cell, layer.crs_wkt, longest))
            # As in a run, a tile at the raster's edge is padded at its right and lower side.
            padded = np.pad(pixels, [(0, 0), *((0, max(0, TILE_PX - size)) for size in pixels.shape[1:])])[:, :TILE_PX, :TILE_PX]
            Image.fromarray(np.ascontiguousarray(padded.transpose(1, 2, 0))).save(target)
        caption = values["caption"].strip()
        row = {"filename": file, "filepath": split, "split": split, "place": f"{name}_{place}", "changeflag": int(cell.changed)}
        row |= {"sentences": [{"raw": caption, "tokens": caption.lower().rstrip(".").split()}], "reviewed": is_judged(cell)}
        classes = {part[1:]: part[0] for part in reversed(cell.classes)}  # of several signs the first counts
        if classes or not cell.changed:
            row["delta"] = classes
        rows.append(row)
    return rows


def split_places(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """(place, split) of each tile: places are dealt to "val" in a fixed random order until it holds a quarter of the tiles of each kind."""
    for block in BLOCKS:
        places = [f"{(cell.properties['row'] or 0) // block}_{(cell.properties['col'] or 0) // block}" for cell in cells]
        if len(set(places)) >= MIN_PLACES:
            break
    held: set[str] = set()
    for kind in (True, False):
        mine = [place for place, cell in zip(places, cells) if cell.changed is kind]
        for place in _shuffled(set(mine)):
            # At least one place of each kind stays to learn from.
            if sum(p in held for p in mine) >= HELD_OUT * len(mine) or len(set(mine) - held) <= 1:
                break
            held.add(place)
    return [(place, "val" if place in held else "train") for place in places]


def _shuffled(places: Iterable[str]) -> list[str]:
    return list(np.random.default_rng(SEED).permutation(sorted(places)))
