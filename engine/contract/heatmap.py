"""Where a run writes its heat map.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

from dataclasses import dataclass

from .options import check, is_real, is_text

HEATMAP_RASTERS, HEATMAP_POLYGONS = (".tif", ".tiff"), ".gpkg"
HEATMAP_THRESHOLD = 0.5


@dataclass(frozen=True)
class HeatmapOutput:
    """Where a run writes where in its tiles the change lies.

    Parameters
    ----------
    path : str
        ``.tif`` or ``.tiff`` for a raster of percentages in the grid's pixels, ``.gpkg`` for polygons.
    threshold : float or None
        Heat (0..1) from which ground lies in a polygon; None takes HEATMAP_THRESHOLD. Polygons only.
    """

    path: str
    threshold: float | None = None

    @property
    def polygons(self) -> bool:
        """Whether polygons are wanted, not a raster."""
        return self.path.lower().endswith(HEATMAP_POLYGONS)

    def verify(self) -> None:
        """Check the members together; opens nothing.

        Raises
        ------
        InputError
            The first that is wrong, what is needed and what to do.
        """
        suffixes = (*HEATMAP_RASTERS, HEATMAP_POLYGONS)
        ok = is_text(self.path) and self.path.lower().endswith(suffixes)
        check(ok, "heatmap", self.path, "a name that ends in .tif (a raster) or .gpkg (polygons)")
        if self.threshold is not None:
            check(
                self.polygons, "heatmap_threshold", f"{self.threshold} for a raster", "none (a raster holds every percentage), or a .gpkg as heat map"
            )
            ok = is_real(self.threshold) and 0.01 <= self.threshold <= 1
            check(ok, "heatmap_threshold", self.threshold, "a heat from 0.01 to 1")
