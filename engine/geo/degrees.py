"""Footprints in longitude and latitude as RFC 7946 has them: on WGS 84, cut in two at the antimeridian (its section 3.1.9).

GDAL's own writer leaves out polygons of UTM zones that cross it, and fails past the edge of Web Mercator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from . import around

DEGREES = CRS.from_epsg(4326).to_wkt()
# A transformation takes longer to begin than to apply to thousands of points.
_CHUNK = 2000
_TURN = 360.0


def in_degrees(records: Iterable[Any], crs_wkt: str) -> Iterator[dict]:
    """Features of polygons in another CRS as features in longitude and latitude.

    Raises
    ------
    rasterio errors : a point has no place on the earth
    """
    stream = iter(records)
    while chunk := list(islice(stream, _CHUNK)):
        shapes = np.array([shapely.geometry.shape(record.geometry.__geo_interface__) for record in chunk])
        moved = shapely.transform(shapes, lambda points: np.column_stack(transform_points(crs_wkt, DEGREES, points[:, 0], points[:, 1])[:2]))
        for record, shape in zip(chunk, moved):
            yield {"type": "Feature", "geometry": shapely.geometry.mapping(cut(shape)), "properties": dict(record.properties)}


def cut(shape: Any) -> Any:
    """A polygon of longitudes in any turn as one between −180 and 180°; of several parts where it crosses the antimeridian."""
    whole = around.unwrapped(shape, _TURN)
    left, _, right, _ = whole.bounds
    if left >= -180 and right <= 180:
        return whole
    parts = []
    for turns in range(round(left / _TURN), round(right / _TURN) + 1):
        inside = shapely.intersection(whole, shapely.box(_TURN * turns - 180, -90, _TURN * turns + 180, 90))
        back = shapely.transform(inside, lambda points, by=turns * _TURN: points - (by, 0))
        parts += [part for part in shapely.get_parts(back) if part.geom_type == "Polygon" and part.area > 0]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
