"""A run: from two rasters to captioned tiles, in this process, in a batch or on a cluster."""
