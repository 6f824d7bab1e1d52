"""What the Processing tests share."""

import json
import time

import numpy as np
from osgeo import gdal, osr
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProcessingFeedback, QgsProject

CHANGES = "changescribe:captionchanges"


class Feedback(QgsProcessingFeedback):
    def __init__(self, cancel_after_s=None):
        super().__init__(False)
        self.cancel_at = None if cancel_after_s is None else time.monotonic() + cancel_after_s
        self.texts = []

    def isCanceled(self):
        return self.cancel_at is not None and time.monotonic() >= self.cancel_at

    def setProgressText(self, text):
        self.texts.append(text)


def run(parameters, feedback=None, name=CHANGES):
    """Run as qgis_process does; returns (results, context)."""
    context, feedback = QgsProcessingContext(), feedback or QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(name)
    ok, message = algorithm.checkParameterValues(parameters, context)
    if not ok:
        raise QgsProcessingException(message)
    results, ok = algorithm.run(parameters, context, feedback, {}, False)
    if not ok:
        raise QgsProcessingException(feedback.textLog())
    return results, context


def sent(path):
    """Requests of type caption that the fake worker read."""
    return [message["request"] for message in map(json.loads, path.read_text().splitlines()) if message["type"] == "caption"]


def write_raster(path, bands=3, size=64, origin=(500000.0, 5000000.0), pixel=8.0, crs="EPSG:32633"):
    """A small GeoTIFF of a gradient; returns its path as text."""
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), size, size, bands, gdal.GDT_Byte)
    dataset.SetGeoTransform((origin[0], pixel, 0, origin[1], 0, -pixel))
    if crs:
        reference = osr.SpatialReference()
        reference.SetFromUserInput(crs)
        dataset.SetProjection(reference.ExportToWkt())
    for band in range(bands):
        dataset.GetRasterBand(band + 1).WriteArray(np.add.outer(np.arange(size), np.arange(size) + band * 10).astype("uint8"))
    dataset.FlushCache()
    return str(path)
