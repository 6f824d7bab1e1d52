"""What GDAL may reach: the network only where the request names a URL, no code out of files, no read that waits for ever.

A raster is often a text that names others (VRT, web map descriptions). One that came by mail must not make this machine call an address of the
sender's choice, so the network is closed until a path of the request is itself on the network; docs/security.md has the reasons.
Settings go through the environment because GDAL reads them there in every thread, in rasterio's copy of GDAL and in fiona's.
"""

from __future__ import annotations

import logging
import os
import re

CLOSED = "CPL_VSIL_CURL_ALLOWED_FILENAME"  # GDAL fetches this name only, and there is no such file
ALLOW = "CHANGESCRIBE_REMOTE"
# Drivers that are clients of a service, and so call whatever address a local file tells them.
SERVICES = "HTTP WMS WMTS WCS DAAS EEDA EEDAI PLMOSAIC PLSCENES NGW STACIT STACTA AmigoCloud Carto CSW Elasticsearch OAPIF WFS"
REMOTE = re.compile(
    r"\b(?:https?|ftp|s3|gs|az|adls|oss|swift)(?:\+\w+)?://|/vsi(?:curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)(?:_streaming)?(?:[/?]|$)", re.I
)
# A server that sends less than a byte a second for half a minute has gone; a tile that fails is done again by --resume.
PATIENCE = {"GDAL_HTTP_CONNECTTIMEOUT": "30", "GDAL_HTTP_LOW_SPEED_TIME": "30", "GDAL_HTTP_LOW_SPEED_LIMIT": "1", "GDAL_HTTP_MAX_RETRY": "2"}


def _of_interest(record: logging.LogRecord) -> bool:
    """Not that a driver to be left out is not there anyway: rasterio's GDAL and fiona's have different ones."""
    return "GDAL_SKIP" not in record.getMessage()


for _name in ("rasterio._env", "fiona._env"):
    logging.getLogger(_name).addFilter(_of_interest)


def is_remote(text: str) -> bool:
    """Whether a path, or a message of GDAL's, names something on the network."""
    return REMOTE.search(text) is not None


def limit() -> None:
    """Close the network, for GDAL's services before it loads its drivers; ``CHANGESCRIBE_REMOTE=1`` leaves it open."""
    os.environ["GDAL_VRT_ENABLE_PYTHON"] = "NO"  # pixel functions written in Python inside a VRT
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    if os.environ.get(ALLOW) != "1":
        os.environ["GDAL_SKIP"] = SERVICES
        os.environ.setdefault(CLOSED, "none")


def allow(path: str) -> None:
    """Open the network if a path of the request is on it; stays open until the next ``limit``."""
    if is_remote(path):
        os.environ.pop(CLOSED, None)


def is_closed() -> bool:
    return CLOSED in os.environ
