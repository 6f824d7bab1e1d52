"""Areas on the ellipsoid, and where in an area something lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from rasterio.warp import transform as transform_points

from ..contract.errors import InputError
from .figure import Cell

EDGE_PARTS = 8  # straight edges in the layer's CRS are curves on the ground
QUADRANT_SHARE, HALF_SHARE = 0.6, 0.7
OVERLAP_SHARE = 1e-6  # of a tile; less is rounding
MIN_TILES = 4  # of fewer it says nothing where in the area they lie
HALVES = {"north": (0, 0.5, 1, 1), "south": (0, 0, 1, 0.5), "east": (0.5, 0, 1, 1), "west": (0, 0, 0.5, 1)}
QUADRANTS = {"north-east": (0.5, 0.5, 1, 1), "north-west": (0, 0.5, 0.5, 1), "south-east": (0.5, 0, 1, 0.5), "south-west": (0, 0, 0.5, 0.5)}


class Ground:
    """Footprints on an equal-area plane: Lambert's azimuthal projection of the WGS 84 ellipsoid, centred on the layer, y to the north.

    Ground under overlapping tiles counts once.

    Parameters
    ----------
    cells : of one layer, in the order of their rows and columns

    Raises
    ------
    InputError
        The layer lies nowhere on the earth.
    """

    def __init__(self, crs_wkt: str, cells: Sequence[Cell]):
        self.crs_wkt = crs_wkt
        points = np.array([point for cell in cells for point in cell.ring])
        self.centre = self.lon_lat(*((points.min(axis=0) + points.max(axis=0)) / 2))
        self._plane = f"+proj=laea +lat_0={self.centre[1]:.8f} +lon_0={self.centre[0]:.8f} +datum=WGS84 +units=m +no_defs"
        footprints = shapely.make_valid(np.array([shapely.Polygon(cell.ring) for cell in cells]))
        # Neighbours of the lattice follow one another. To unite all tiles takes long, and is needed only where they overlap.
        shared = shapely.area(shapely.intersection(footprints[:-1], footprints[1:]))
        self._overlapping = bool((shared > OVERLAP_SHARE * shapely.area(footprints[:-1])).any())
        bounds = shapely.bounds(footprints)
        sides = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
        shapes = shapely.transform(shapely.segmentize(footprints, sides / EDGE_PARTS), self._project)
        self._shapes = {id(cell): shape for cell, shape in zip(cells, shapes)}

    def lon_lat(self, x: float, y: float) -> tuple[float, float]:
        """Longitude and latitude (degrees, WGS 84) of a point in the layer's CRS."""
        lons, lats = self._transform("EPSG:4326", [x], [y])
        return lons[0], lats[0]

    def shapes(self, cells: Iterable[Cell]) -> np.ndarray:
        """Footprints of cells of the layer on the plane, metres; their union where tiles overlap."""
        found = np.array([self._shapes[id(cell)] for cell in cells])
        return np.array([shapely.union_all(found)]) if self._overlapping else found

    def area_m2(self, cells: Iterable[Cell]) -> float:
        """Ground that the footprints cover, square metres."""
        return float(shapely.area(self.shapes(cells)).sum())

    def where(self, part: Sequence[Cell], whole: Sequence[Cell]) -> str | None:
        """Where in the whole the part mostly lies ("north-east", "south"), or None where it is all over it or the whole has few tiles."""
        if not part or len(whole) < MIN_TILES:
            return None
        changed, (left, bottom, right, top) = self.shapes(part), shapely.total_bounds(self.shapes(whole))
        for places, needed in ((QUADRANTS, QUADRANT_SHARE), (HALVES, HALF_SHARE)):
            shares = {}
            for name, (x0, y0, x1, y1) in places.items():
                box = (left + x0 * (right - left), bottom + y0 * (top - bottom), left + x1 * (right - left), bottom + y1 * (top - bottom))
                shares[name] = shapely.area(shapely.intersection(changed, shapely.box(*box))).sum() / shapely.area(changed).sum()
            best = max(shares, key=shares.__getitem__)
            if shares[best] >= needed:
                return best
        return None

    def _project(self, points: np.ndarray) -> np.ndarray:
        return np.column_stack(self._transform(self._plane, points[:, 0], points[:, 1]))

    def _transform(self, target: str, xs: Any, ys: Any) -> tuple[Any, Any]:
        try:
            found = transform_points(self.crs_wkt, target, xs, ys)[:2]
        except Exception as error:  # PROJ's failures come as several GDAL classes that share no base
            raise InputError(f"the layer's CRS cannot be related to the ground ({error})", "a valid CRS", "assign the right CRS") from error
        if not np.isfinite(found).all():
            raise InputError("tiles that lie nowhere on the earth in the layer's CRS", "coordinates that fit the CRS", "assign the right CRS")
        return found[0], found[1]
