"""Layers of QGIS on their way to the engine and back: rasters, areas, grids, dates."""
