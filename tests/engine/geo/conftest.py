"""A factory of rasters that show one made-up ground: a pixel's value follows from its place on the earth and nothing else.

So two rasters of any CRS, rotation, resolution and type must agree wherever they are brought onto one grid, and a flipped axis, a
shift or a swapped band cannot go unseen: the ground has no symmetry.
"""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.warp import transform

HOME = "EPSG:32633"
CENTRE = (391_500.0, 5_820_000.0)  # in HOME, metres
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "geotiff"
HOLE = (14.0, 34.0, -30.0, -10.0)  # metres right of and above the centre: left, right, bottom, top


def ground(xs, ys):
    """RGB (3, …) in 20..235 at places in HOME."""
    x, y = np.asarray(xs) - CENTRE[0], np.asarray(ys) - CENTRE[1]
    red = np.sin(x / 9 + 0.4) + 0.5 * np.sin(y / 31)
    green = np.cos(y / 7) + 0.5 * np.cos((x + y) / 23 + 1)
    blue = np.sin((2 * x - y) / 17) + 0.5 * np.cos(x / 5 - 2)
    return 127.5 + 107.5 * np.stack([red, green, blue]) / 1.5


def in_hole(xs, ys, margin_m=0.0):
    x, y = np.asarray(xs) - CENTRE[0], np.asarray(ys) - CENTRE[1]
    left, right, bottom, top = HOLE
    return (x > left - margin_m) & (x < right + margin_m) & (y > bottom - margin_m) & (y < top + margin_m)


def encode(values, dtype):
    """Values 0..255 as a sensor of another type would deliver them."""
    scaled = {"uint8": values, "uint16": values * 40 + 900, "int16": values * 20 - 1500, "float32": values / 800 + 0.02, "float64": values * 3 - 100}
    return scaled[dtype].round().astype(dtype) if np.dtype(dtype).kind in "iu" else scaled[dtype].astype(dtype)


def centred(crs, pixel, height, width, degrees=0.0, shift_px=(0.0, 0.0)):
    """Transform of a raster around CENTRE, ``degrees`` turned; shift_px: columns, rows."""
    (x,), (y,) = transform(HOME, crs, [CENTRE[0]], [CENTRE[1]])
    return (
        Affine.translation(x, y)
        * Affine.rotation(degrees)
        * Affine.scale(pixel, -pixel)
        * Affine.translation(-width / 2 + shift_px[0], -height / 2 + shift_px[1])
    )


PIXEL = {"EPSG:32633": 0.5, "EPSG:32632": 0.6, "EPSG:3857": 0.9, "EPSG:4326": 6e-6, "EPSG:2263": 2.0}


@pytest.fixture
def raster(tmp_path):
    """Write a raster; see ``write``."""
    count = iter(range(100))

    def write(
        name=None,
        crs=HOME,
        pixel=None,
        height=180,
        width=210,
        degrees=0.0,
        shift_px=(0.0, 0.0),
        dtype="uint8",
        bands=(0, 1, 2),
        nodata=None,
        colours=None,
        descriptions=None,
        **profile,
    ):
        """nodata: None, or what says that the hole holds no data: "value", "alpha", "internal", "sidecar", "nan". bands: of the ground, in order."""
        path = tmp_path / (name or f"raster{next(count)}.tif")
        place = profile.pop("transform", None) or centred(crs or HOME, pixel or PIXEL[crs or HOME], height, width, degrees, shift_px)
        cols, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        xs, ys = place * (cols.ravel(), rows.ravel())
        xs, ys = (np.reshape(values, (height, width)) for values in transform(crs or HOME, HOME, xs, ys))
        pixels = encode(ground(xs, ys)[list(bands)], dtype)
        hole = in_hole(xs, ys)
        if nodata == "value":
            profile["nodata"] = 0 if dtype in ("uint8", "uint16") else -9999
            pixels[:, hole] = profile["nodata"]
        elif nodata == "nan":
            pixels[:, hole] = np.nan
        elif nodata is not None:
            pixels[:, hole] = 3  # a dark value that only the mask tells from data
        if nodata == "alpha":
            opaque = np.where(hole, 0, 65535 if dtype == "uint16" else 255).astype(dtype)
            pixels = np.concatenate([pixels, opaque[None]])
            profile["alpha"] = "yes"
        options = {"driver": "GTiff", "dtype": dtype, "count": len(pixels), "height": height, "width": width, "crs": crs, "transform": place}
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=nodata == "internal"), rasterio.open(path, "w", **options | profile) as out:
            out.write(pixels)
            if colours:
                out.colorinterp = colours
            elif nodata == "alpha" and len(pixels) == 4:
                out.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
            if descriptions:
                out.descriptions = descriptions
            if nodata in ("internal", "sidecar"):
                out.write_mask(~hole)
        return str(path)

    return write


@pytest.fixture(scope="session")
def real():
    """Folder of the real georeferenced pairs."""
    if not REAL.is_dir():
        pytest.skip(f"no real rasters in {REAL}")
    return REAL
