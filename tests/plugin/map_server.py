"""A map server on the loopback address for the tests: drawn XYZ, WMTS, WMS and WCS answers, and files. Prints its port.

Tiles have the colour (x mod 256, y mod 256, z), so that a test can say which tile it got. WMS pictures are red west of WEST_X and green east of it.
Below /private/ and /locked/ user "ann" with password "secret" is wanted. Tiles below /holes/ are missing where x is odd, those below
/slow/ take SLOW_S.
"""

import base64
import struct
import sys
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import wcs_answers
from wcs_answers import WEST_X

SLOW_S = 0.4
HALF = 20037508.342789244
CREDENTIALS = "Basic " + base64.b64encode(b"ann:secret").decode()
WORLD = f'<BoundingBox CRS="EPSG:3857" SRS="EPSG:3857" minx="-{HALF}" miny="-{HALF}" maxx="{HALF}" maxy="{HALF}"/>'
GEOGRAPHIC = (
    "<EX_GeographicBoundingBox><westBoundLongitude>-180</westBoundLongitude><eastBoundLongitude>180</eastBoundLongitude>"
    "<southBoundLatitude>-85</southBoundLatitude><northBoundLatitude>85</northBoundLatitude></EX_GeographicBoundingBox>"
)


def png(rows):
    """A PNG from rows of (r, g, b) bytes."""
    height, width = len(rows), len(rows[0]) // 3

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + chunk(b"IEND", b"")


def tile(z, x, y):
    return png([bytes((x % 256, y % 256, z)) * 256] * 256)


def wms_picture(query):
    x0, _, x1, _ = (float(part) for part in query["BBOX"].split(","))
    width, height = int(query["WIDTH"]), int(query["HEIGHT"])
    centres = (x0 + (column + 0.5) * (x1 - x0) / width for column in range(width))
    return png([b"".join(b"\xff\0\0" if x < WEST_X else b"\0\xff\0" for x in centres)] * height)


def wms_capabilities(url):
    link = f'<DCPType><HTTP><Get><OnlineResource xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{url}"/></Get></HTTP></DCPType>'
    return (
        '<?xml version="1.0"?><WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms"><Service><Name>WMS</Name><Title>t</Title></Service>'
        f"<Capability><Request><GetCapabilities><Format>text/xml</Format>{link}</GetCapabilities><GetMap><Format>image/png</Format>{link}</GetMap>"
        f"</Request><Layer><Title>root</Title><CRS>EPSG:3857</CRS><Layer><Name>ground</Name><Title>Ground</Title><CRS>EPSG:3857</CRS>{GEOGRAPHIC}"
        f"{WORLD}</Layer></Layer></Capability></WMS_Capabilities>"
    )


def wmts_capabilities(base):
    matrices = "".join(
        f"<TileMatrix><ows:Identifier>{z}</ows:Identifier><ScaleDenominator>{559082264.0287178 / 2**z}</ScaleDenominator>"
        f"<TopLeftCorner>-{HALF} {HALF}</TopLeftCorner><TileWidth>256</TileWidth><TileHeight>256</TileHeight>"
        f"<MatrixWidth>{2**z}</MatrixWidth><MatrixHeight>{2**z}</MatrixHeight></TileMatrix>"
        for z in range(20)
    )
    return (
        '<?xml version="1.0"?><Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" version="1.0.0">'
        "<ows:ServiceIdentification><ows:ServiceType>OGC WMTS</ows:ServiceType></ows:ServiceIdentification><Contents><Layer>"
        "<ows:Title>Ground</ows:Title><ows:Identifier>ground</ows:Identifier><ows:WGS84BoundingBox>"
        "<ows:LowerCorner>-180 -85</ows:LowerCorner><ows:UpperCorner>180 85</ows:UpperCorner>"
        '</ows:WGS84BoundingBox><Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style><Format>image/png</Format>'
        "<TileMatrixSetLink><TileMatrixSet>world</TileMatrixSet></TileMatrixSetLink>"
        f'<ResourceURL format="image/png" resourceType="tile" template="{base}/xyz/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.png"/></Layer>'
        f"<TileMatrixSet><ows:Identifier>world</ows:Identifier><ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>{matrices}</TileMatrixSet>"
        "</Contents></Capabilities>"
    )


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        query = {key.upper(): value for key, value in parse_qsl(parts.query)}
        base = f"http://127.0.0.1:{self.server.server_port}"
        path = parts.path.strip("/").split("/")
        if path[0] in ("private", "locked") and self.headers.get("Authorization") != CREDENTIALS:
            self.send_response(401)
            self.send_header("WWW-Authenticate", f'Basic realm="{path[0]}"')
            self.end_headers()
        elif path[0] in ("xyz", "private", "locked", "holes", "slow"):
            z, x, y = int(path[1]), int(path[2]), int(path[3].split(".")[0])
            if path[0] == "slow":
                time.sleep(SLOW_S)
            if path[0] == "holes" and x % 2:
                self.send_error(404)
            else:
                self.answer("image/png", tile(z, x, y))
        elif path[0] == "wms" and query.get("REQUEST") == "GetMap":
            self.answer("image/png", wms_picture(query))
        elif path[0] == "wms":
            self.answer("text/xml", wms_capabilities(f"{base}/wms?").encode())
        elif path[0] == "wmts":
            self.answer("text/xml", wmts_capabilities(base).encode())
        elif path[0] == "wcs":
            self.answer(*wcs_answers.answer(query, f"{base}/wcs?"))
        else:
            self.file(Path(sys.argv[1]) / path[0])

    def file(self, path):
        """A file, or the part that is asked for, as GDAL's /vsicurl/ wants it."""
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last or len(content)) + 1]
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    do_HEAD = do_GET

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
