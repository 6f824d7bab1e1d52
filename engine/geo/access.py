"""What GDAL may reach: the network only where the request names a URL, no code out of files, no read that waits for ever.

A raster is often a text that names others (VRT, web map descriptions). One that came by mail must not make this machine call an address of the
sender's choice, so the network is closed until a path of the request is itself on the network; docs/security.md has the reasons.
Settings go through the environment because GDAL reads them there in every thread, in rasterio's copy of GDAL and in fiona's. What is closed is the
whole process's network as far as libcurl is its client, which also means netCDF's and PROJ's; Dask's own connections know no proxy.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CLOSED = "CPL_VSIL_CURL_ALLOWED_FILENAME"  # GDAL fetches this name only, and there is no such file
ALLOW = "CHANGESCRIBE_REMOTE"
# CLOSED holds for /vsicurl/ and its like. The rest (GDAL's own fetching, listings, netCDF) is sent to a proxy that is none: port 9 discards.
NOWHERE = "http://127.0.0.1:9"
PROXIES = dict.fromkeys(("GDAL_HTTP_PROXY", "GDAL_HTTPS_PROXY", "http_proxy", "https_proxy", "ftp_proxy", "all_proxy"), NOWHERE)
PROXIES |= dict.fromkeys(("no_proxy", "NO_PROXY"), "")  # libcurl asks for the second where the first is empty
USERS = "CHANGESCRIBE_PROXIES"  # the user's own proxies while they are out of use, as JSON; here, so that child processes know them too
# Drivers that are clients of a service, and so call whatever address a local file tells them. OGR_VRT opens its sources before fiona refuses it.
SERVICES = "HTTP WMS WMTS WCS DAAS EEDA EEDAI PLMOSAIC PLSCENES NGW STACIT STACTA AmigoCloud Carto CSW Elasticsearch OAPIF WFS OGR_VRT"
REMOTE = re.compile(
    r"\b(?:https?|ftp|s3|gs|az|adls|oss|swift)(?:\+\w+)?://|/vsi(?:curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)(?:_streaming)?(?:[/?]|$)", re.I
)
# What libcurl says of a proxy that is none, by its version.
REFUSED = re.compile(r"via 127\.0\.0\.1\b|127\.0\.0\.1(?: port |:)9\b")
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


def was_refused(message: str) -> bool:
    """Whether a message of GDAL's tells that a file wanted to reach the closed network."""
    return is_closed() and (is_remote(message) or REFUSED.search(message) is not None)


def limit() -> None:
    """Close the network, for GDAL's services before it loads its drivers; ``CHANGESCRIBE_REMOTE=1`` leaves it open."""
    os.environ["GDAL_VRT_ENABLE_PYTHON"] = "NO"  # pixel functions written in Python inside a VRT
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    if os.environ.get(ALLOW) == "1":
        return
    os.environ["GDAL_SKIP"] = SERVICES
    os.environ.setdefault(CLOSED, "none")
    if USERS not in os.environ:
        os.environ[USERS] = json.dumps({name: os.environ[name] for name in PROXIES if name in os.environ})
    os.environ.update(PROXIES)


def allow(path: str) -> None:
    """Open the network if a path of the request is on it; stays open until the next ``limit``."""
    if is_remote(path) and is_closed():
        theirs = users_environment()
        for name in (CLOSED, USERS, *PROXIES):
            os.environ.pop(name, None)
        os.environ.update(theirs)


def is_closed() -> bool:
    return CLOSED in os.environ


def users_environment() -> dict[str, str]:
    """The environment as it is while the network is open: for a child that is to reach it."""
    if not is_closed():
        return dict(os.environ)
    return {name: value for name, value in os.environ.items() if name not in {CLOSED, USERS, *PROXIES}} | json.loads(os.environ.get(USERS, "{}"))


_readers = 0  # blocks of tiles on the network that are at work
_counting = threading.Lock()


@contextmanager
def only_for(*paths: str) -> Iterator[None]:
    """Keep the network closed but for work whose paths are on it; work side by side shares one state, open until the last such work ends."""
    global _readers
    remote = any(map(is_remote, paths))
    with _counting:
        _readers += remote
        if not _readers:
            limit()
    try:
        yield
    finally:
        with _counting:
            _readers -= remote
            if not _readers:
                limit()
