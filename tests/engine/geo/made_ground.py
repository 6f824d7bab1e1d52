"""One made-up ground: a pixel's value follows from its place on the earth and nothing else.

So two rasters of any CRS, rotation, resolution and type must agree wherever they are brought onto one grid, and a flipped axis, a
shift or a swapped band cannot go unseen: the ground has no symmetry.
"""

import numpy as np
from affine import Affine
from rasterio.warp import transform
from rasterio.windows import Window

from engine.contract.request import CaptionRequest
from engine.geo.pair import RasterPair

HOME = "EPSG:32633"
CENTRE = (391_500.0, 5_820_000.0)  # in HOME, metres
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


def opened(before, after, gsd_m_model=0.5, **members):
    return RasterPair.open(CaptionRequest(before, after, **members), gsd_m_model)


def whole(pair):
    return pair.read(Window(0, 0, pair.width, pair.height))


def places(pair):
    """HOME coordinates of the grid's pixel centres."""
    cols, rows = np.meshgrid(np.arange(pair.width) + 0.5, np.arange(pair.height) + 0.5)
    xs, ys = pair.transform * (cols.ravel(), rows.ravel())
    return [np.reshape(values, cols.shape) for values in transform(pair.crs, HOME, xs, ys)]
