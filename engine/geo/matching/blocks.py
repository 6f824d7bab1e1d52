"""How a raster is stored: a block is the least that GDAL decodes, and a file of a few bytes can claim one of any size."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from ...contract.errors import RasterError
from .. import access

MAX_BLOCK_BYTES = 1 << 30
MAX_PARTS = 64  # files behind a mosaic whose blocks are looked at; to open each of thousands would take a minute


def verify_blocks(path: str, name: str, dataset: Any) -> None:
    """Check the blocks of a raster, "before" or "after", and of the files behind it.

    Raises
    ------
    RasterError
    """
    for part_path, part in chain([(path, dataset)], _parts(path, dataset)):
        block_bytes = _block_bytes(part)
        if block_bytes > MAX_BLOCK_BYTES:
            behind = "" if part_path == path else f"refers to {part_path}, which "
            raise RasterError(
                f"the {name} raster {path} {behind}is stored in blocks of {block_bytes / 1e6:.0f} MB",
                f"blocks of at most {MAX_BLOCK_BYTES / 1e6:.0f} MB",
                f"store it in tiles: gdal_translate -co TILED=YES {part_path} tiled.tif; if it should be small, it is damaged",
            )


def _block_bytes(dataset: Any) -> int:
    """What GDAL decodes at least to give one pixel, in bytes."""
    largest = max((height * width * np.dtype(dtype).itemsize for (height, width), dtype in zip(dataset.block_shapes, dataset.dtypes)), default=0)
    return largest * (dataset.count if dataset.tags(ns="IMAGE_STRUCTURE").get("INTERLEAVE") == "PIXEL" else 1)


def _parts(path: str, dataset: Any) -> Iterator[tuple[str, Any]]:
    """The first rasters of the local files behind a local one, and behind those (a mosaic may name mosaics), each open for its turn."""
    if access.is_remote(path):
        return
    waiting, seen = deque(dataset.files), {path}
    while waiting and len(seen) <= MAX_PARTS:
        file = waiting.popleft()
        if file in seen or access.is_remote(file):
            continue
        seen.add(file)
        try:
            with warnings.catch_warnings(), rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="TRUE"):  # a folder of thousands is not listed for each
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                part = rasterio.open(file)
        except RasterioError:  # a world file, metadata
            continue
        with part:
            yield file, part
            waiting.extend(part.files)
