"""Whether a raster says where on the earth its pixels lie, and what to do where it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..contract.errors import RasterError

# In a file's WKT, perhaps under a compound CRS: what is tied to no place on the earth's surface.
_LOCAL = re.compile(r'(?:COMPD_CS|COMPOUNDCRS)?\[?(?:"[^"]*",)?\s*(LOCAL_CS|ENGCRS|ENGINEERINGCRS)\["([^"]*)"', re.I)
_NO_MAP = {"GEOCCS": "geocentric", "VERT_CS": "vertical", "VERTCRS": "vertical"}


def verify_place(path: str, name: str, dataset: Any) -> None:
    """Check that a raster has a pixel grid in its CRS; a raster without any place at all is left to ``verify_crs``.

    Parameters
    ----------
    name : "before" or "after", for messages.
    dataset : rasterio dataset

    Raises
    ------
    RasterError
        It is georeferenced by RPC, a geolocation array or control points, or has a CRS alone. The remedy is named.
    """
    if not dataset.transform.is_identity:
        return
    raster = f"the {name} raster {path}"
    if dataset.rpcs is not None:
        raise RasterError(
            f"{raster} is georeferenced by RPC only (rational polynomial coefficients: a satellite's image that is not orthorectified)",
            "an orthorectified raster",
            f"orthorectify it with an elevation model: gdalwarp -rpc -to RPC_DEM=DEM.tif -t_srs EPSG:CODE {path} ortho.tif",
        )
    if dataset.tags(ns="GEOLOCATION"):
        raise RasterError(
            f"{raster} is georeferenced by arrays of longitude and latitude only (a swath)",
            "a raster with a pixel grid",
            f"warp it first: gdalwarp -geoloc -t_srs EPSG:CODE {path} warped.tif",
        )
    if dataset.gcps[0]:
        raise RasterError(
            f"{raster} is georeferenced by control points only",
            "a raster with a pixel grid",
            f"warp it first: gdalwarp -r bilinear {path} warped.tif",
        )
    if dataset.crs:
        raise RasterError(
            f"{raster} has a CRS but no place in it",
            "a raster with a geotransform",
            f"add its world file, or set its extent: gdal_edit.py -a_ullr X0 Y1 X1 Y0 {path}",
        )


def verify_crs(before: Any, after: Any) -> None:
    """Check that both rasters (RasterSource) have a CRS of the earth's surface.

    Raises
    ------
    RasterError
    """
    _verify_there(before, after)
    sources = (before, after)
    local = [(source, found.group(2)) for source in sources if (found := _LOCAL.match(source.crs.to_wkt()))]
    if local:
        names = " and ".join(f'the {source.name} raster {source.path} has the local CRS "{title}"' for source, title in local)
        known = [source for source in sources if source not in [each for each, _ in local]]
        same = f" (the {known[0].name} raster has {crs_name(known[0].crs)}; use it only if the coordinates of both match)" if known else ""
        raise RasterError(
            f"{names}, an engineering CRS that is tied to no place on the earth",
            "the real CRS of these coordinates",
            f"assign it: {_assign([source for source, _ in local])}{same}",
        )
    for source in sources:
        kind = next((word for start, word in _NO_MAP.items() if source.crs.to_wkt().startswith(start + "[")), None)
        if kind:
            raise RasterError(
                f"the {source.name} raster {source.path} has the {kind} CRS {crs_name(source.crs)}",
                "a geographic or projected CRS",
                f"assign the right one: {_assign([source])}",
            )


def _verify_there(before: Any, after: Any) -> None:
    lacking = [source for source in (before, after) if not source.crs]
    if not lacking:
        return
    names = " and ".join(f"the {source.name} raster {source.path}" for source in lacking)
    do = f"assign the right one, for example: {_assign(lacking)}"
    if len(lacking) == 2 and (before.height, before.width) == (after.height, after.width):
        do += (
            f". Both have {before.height} × {before.width} pixels: if they are plain pictures of exactly the same ground, give both the same made-up"
            " place with gdal_translate -a_srs EPSG:3857 -a_ullr 0 HEIGHT WIDTH 0 (pixels times metres a pixel)"
        )
    elif len(lacking) == 1:
        other = after if lacking[0] is before else before
        do += f" (the {other.name} raster has {crs_name(other.crs)}; use it only if the coordinates of both match)"
    raise RasterError(f"{names} {'have' if len(lacking) == 2 else 'has'} no CRS", "georeferenced rasters", do)


def _assign(sources: Sequence[Any]) -> str:
    return "; ".join(f"gdal_edit.py -a_srs EPSG:CODE {source.path}" for source in sources)


def crs_name(crs: Any) -> str:
    """Authority and code of a CRS, else its name."""
    return crs.to_string() if crs.to_epsg() else (crs.to_wkt().split('"') + [""])[1]
