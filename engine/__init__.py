"""ChangeScribe's captioning engine: two rasters of one place in, a captioned grid out.

Importing this package is free: torch, rasterio and fiona are imported only by the modules that need them,
so that QGIS can read ``errors``, ``protocol`` and ``schema`` with nothing but the standard library.
"""

__version__ = "0.1.0"
