"""A folder in LEVIR-CC's published layout, and a pair of georeferenced rasters, drawn in code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin

CHANGE = ["a house is built", "one house appears on the grass", "a villa is built", "a house shows up", "a red house is built on the grass"]
NO_CHANGE = ["there is no difference", "the two scenes seem identical", "the scene is the same as before", "no change has occurred"]
NO_CHANGE.append("almost nothing has changed")
COUNTS = {"train": 8, "val": 4, "test": 2}


def images(rng: np.random.Generator, changed: bool, width: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (256, width, 3) of both dates: one rough ground, with a red house in the second where it has changed."""
    before = rng.integers(60, 160, (32, width // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    after = before.copy()
    if changed:
        after[100:160, 40:110] = (210, 60, 50)
    return before, after


def draw_levir(root: Path, counts: dict[str, int] = COUNTS) -> Path:
    """Every second pair is changed; no flags, as in the older versions of the file."""
    rng, rows = np.random.default_rng(0), []
    for split, count in counts.items():
        for number in range(1, count + 1):
            name, changed = f"{split}_{number * 16:06d}.png", number % 2 == 0  # each of an image of LEVIR-CD of its own
            for side, image in zip("AB", images(rng, changed), strict=True):
                path = root / "images" / split / side / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(path, compress_level=1)
            texts = CHANGE if changed else NO_CHANGE
            sentences = [{"raw": f" {text} .", "tokens": text.split(), "imgid": len(rows), "sentid": i} for i, text in enumerate(texts)]
            rows.append({"filename": name, "filepath": split, "split": split, "imgid": len(rows), "sentences": sentences})
    (root / "LevirCCcaptions.json").write_text(json.dumps({"images": rows, "dataset": "LEVIR-CC"}))
    return root


def draw_rasters(folder: Path) -> tuple[Path, Path]:
    """Two GeoTIFFs of one tile, half a metre a pixel, the house in the second."""
    paths = folder / "2015.tif", folder / "2023.tif"
    for path, image in zip(paths, images(np.random.default_rng(9), changed=True), strict=True):
        profile = {"driver": "GTiff", "height": 256, "width": 256, "count": 3, "dtype": "uint8", "crs": "EPSG:32631"}
        with rasterio.open(path, "w", **profile, transform=from_origin(500000, 4649776, 0.5, 0.5)) as raster:
            raster.write(image.transpose(2, 0, 1))
    return paths


DUBAI_CHANGE = ["The area was urbanized.", "A road was built.", "Some houses appear.", "This area was urbanized.", "One road appears."]
DUBAI_SAME = [
    "Nothing has changed.",
    "There is no difference.",
    "No change was made.",
    "Everything remains the same.",
    "Everything remains the same.",
]


def draw_dubai(root: Path) -> Path:
    """Dubai-CC's published layout: tiles 1x4.tif of 50 × 50 pixels, one JSON a split, no change flags."""
    rng, column = np.random.default_rng(1), 0
    for split, (file, count) in {"train": ("Train", 6), "val": ("Validation", 4), "test": ("Test", 2)}.items():
        rows = []
        for number in range(count):
            column, changed = column + 1, number % 2 == 1
            before = rng.integers(60, 160, (10, 10, 3), dtype=np.uint8).repeat(5, 0).repeat(5, 1)
            after = before.copy()
            if changed:
                after[10:30, 10:30] = (210, 60, 50)
            for year, image in (("500_2000", before), ("500_2010", after)):
                path = root / "imgs_tiles" / "RGB" / year / f"1x{column}.tif"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(path)
            texts = DUBAI_CHANGE if changed else DUBAI_SAME
            sentences = [{"image_id": number, "sentence_id": i, "raw": text, "tokens": text.split()} for i, text in enumerate(texts)]
            rows.append({"filename": f"1x{column}.tif", "sentences": sentences, "split": split, "image_id": number, "sentids": list(range(5))})
        folder = root / "description_jsontr_te_val"
        folder.mkdir(exist_ok=True)
        (folder / f"{file}_Dubai_CC.json").write_text(json.dumps({"dataset": "DUBAI CC", "images": rows}))
    return root
