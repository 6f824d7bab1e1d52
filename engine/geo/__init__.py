"""The raster side: two files on one pixel grid, its tiles, the area of interest and the output layer.

source        one raster: opening, windows warped to the pair's grid, what of it is data (``validity``), bands (``bands``)
pair          two rasters on the BEFORE raster's grid, stretched to uint8 (``stretch``), checked by ``registration``
joint         what the model sees where a date has no data: one mask for both, filled alike
grid, area    which tiles cover the area of interest
writer        GeoPackage output with provenance and resume (``provenance``)
"""

from . import access as access
from .proj_data import unset_foreign

UNSET = unset_foreign()  # before PROJ reads them; the command line says these notes
