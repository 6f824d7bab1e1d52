"""A factory of rasters that show the ground of ``made_ground``."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_ground import HOME, PIXEL, centred, encode, ground, in_hole
from rasterio.enums import ColorInterp
from rasterio.warp import transform

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "geotiff"


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
