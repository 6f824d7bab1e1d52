"""What map_server.py answers to a Web Coverage Service's requests, versions 1.0.0 and 1.1.1, as MapServer writes them.

Coverages of one metre a pixel in EPSG:3857: ``ground`` has three bands, red west of WEST_X and green east of it; ``infrared`` has four of 8 bits,
of which the last is no alpha channel; ``deep`` has four of 16 bits, ten times those of ``infrared``; ``fails`` gives only the few pixels from which
a client learns what kind of bands there are.
"""

import numpy as np
from osgeo import gdal, osr

gdal.UseExceptions()

WEST_X = 1670000.0
LEFT, BOTTOM, RIGHT, TOP = WEST_X - 1000, 5619000.0, WEST_X + 1000, 5621000.0
WIDTH, HEIGHT = int(RIGHT - LEFT), int(TOP - BOTTOM)
WEST = {"ground": (255, 0, 0), "fails": (255, 0, 0), "infrared": (10, 20, 30, 40), "deep": (100, 200, 300, 400)}
EAST = {"ground": (0, 255, 0), "fails": (0, 255, 0), "infrared": (50, 60, 70, 80), "deep": (500, 600, 700, 800)}
FEW_PX = 10
LON_LAT = ((14.99, 44.99), (15.02, 45.01))
XML = '<?xml version="1.0" encoding="UTF-8"?>'
NAMES = 'xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ows="http://www.opengis.net/ows/1.1"'


def answer(query, url):
    """Content type and body."""
    version = "1.1.1" if query.get("VERSION", query.get("ACCEPTVERSIONS", "1.0.0")).startswith("1.1") else "1.0.0"
    old = version == "1.0.0"
    kind = query.get("REQUEST")
    if kind == "GetCapabilities":
        return "text/xml", (capabilities_10(url) if old else capabilities_11(url)).encode()
    if kind == "DescribeCoverage":
        name = query.get("COVERAGE") or query.get("IDENTIFIERS") or query["IDENTIFIER"]
        return "text/xml", (description_10(name) if old else description_11(name)).encode()
    if query.get("COVERAGE") == "fails" and int(query["WIDTH"]) > FEW_PX:
        return (
            "application/vnd.ogc.se_xml",
            f"{XML}<ServiceExceptionReport><ServiceException>no room</ServiceException></ServiceExceptionReport>".encode(),
        )
    if kind == "GetCoverage" and old:
        box = [float(part) for part in query["BBOX"].split(",")]
        return "image/tiff", coverage(query["COVERAGE"], box, int(query["WIDTH"]), int(query["HEIGHT"]))
    box = [float(part) for part in query["BOUNDINGBOX"].split(",")[:4]]
    step_x, step_y = (abs(float(part)) for part in query["GRIDOFFSETS"].split(","))
    return parts(coverage(query["IDENTIFIER"], box, round((box[2] - box[0]) / step_x), round((box[3] - box[1]) / step_y)))


def coverage(name, box, width, height):
    """A GeoTIFF of a part of a coverage."""
    x = box[0] + (np.arange(width) + 0.5) * (box[2] - box[0]) / width
    deep = name == "deep"
    path = f"/vsimem/{name}_{width}_{height}_{box[0]}.tif"
    kind, options = (gdal.GDT_UInt16 if deep else gdal.GDT_Byte), ["ALPHA=NO"]
    dataset = gdal.GetDriverByName("GTiff").Create(path, width, height, len(WEST[name]), kind, options)
    dataset.SetGeoTransform((box[0], (box[2] - box[0]) / width, 0, box[3], 0, (box[1] - box[3]) / height))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(3857)
    dataset.SetProjection(reference.ExportToWkt())
    for band, values in enumerate(zip(WEST[name], EAST[name]), 1):
        row = np.where(x < WEST_X, *values).astype("uint16" if deep else "uint8")
        dataset.GetRasterBand(band).WriteArray(np.tile(row, (height, 1)))
    del dataset  # written when it is closed
    size = gdal.VSIStatL(path).size
    stream = gdal.VSIFOpenL(path, "rb")
    content = gdal.VSIFReadL(1, size, stream)
    gdal.VSIFCloseL(stream)
    gdal.Unlink(path)
    return bytes(content)


def parts(content):
    """A coverage of version 1.1: a description and the file, as parts of one answer."""
    edge = b"wcs"
    described = f'{XML}<Coverages xmlns="http://www.opengis.net/wcs/1.1" {NAMES}/>'.encode()
    body = b"--%b\r\nContent-Type: text/xml; charset=utf-8\r\nContent-ID: wcs.xml\r\n\r\n%b\r\n" % (edge, described)
    body += b"--%b\r\nContent-Type: image/tiff\r\nContent-Transfer-Encoding: binary\r\nContent-ID: coverage/wcs.tif\r\n\r\n" % edge
    return f'multipart/mixed; boundary="{edge.decode()}"', body + content + b"\r\n--%b--\r\n" % edge


def capabilities_10(url):
    link = f'<DCPType><HTTP><Get><OnlineResource xlink:href="{url}"/></Get></HTTP></DCPType>'
    requests = "".join(f"<{name}>{link}</{name}>" for name in ("GetCapabilities", "DescribeCoverage", "GetCoverage"))
    offers = "".join(f"<CoverageOfferingBrief><name>{name}</name><label>{name}</label>{envelope()}</CoverageOfferingBrief>" for name in WEST)
    return (
        f'{XML}<WCS_Capabilities xmlns="http://www.opengis.net/wcs" {NAMES} version="1.0.0"><Service><name>WCS</name><label>t</label></Service>'
        f"<Capability><Request>{requests}</Request></Capability><ContentMetadata>{offers}</ContentMetadata></WCS_Capabilities>"
    )


def envelope():
    corners = "".join(f"<gml:pos>{x} {y}</gml:pos>" for x, y in LON_LAT)
    return f'<lonLatEnvelope srsName="urn:ogc:def:crs:OGC:1.3:CRS84">{corners}</lonLatEnvelope>'


def description_10(name):
    values = "".join(f"<singleValue>{band + 1}</singleValue>" for band in range(len(WEST[name])))
    grid = (
        '<gml:RectifiedGrid dimension="2"><gml:limits><gml:GridEnvelope><gml:low>0 0</gml:low>'
        f"<gml:high>{WIDTH - 1} {HEIGHT - 1}</gml:high></gml:GridEnvelope></gml:limits><gml:axisName>x</gml:axisName><gml:axisName>y</gml:axisName>"
        f"<gml:origin><gml:pos>{LEFT + 0.5} {TOP - 0.5}</gml:pos></gml:origin><gml:offsetVector>1 0</gml:offsetVector>"
        "<gml:offsetVector>0 -1</gml:offsetVector></gml:RectifiedGrid>"
    )
    return (
        f'{XML}<CoverageDescription xmlns="http://www.opengis.net/wcs" {NAMES} version="1.0.0"><CoverageOffering><name>{name}</name>'
        f'<label>{name}</label>{envelope()}<domainSet><spatialDomain><gml:Envelope srsName="EPSG:3857"><gml:pos>{LEFT} {BOTTOM}</gml:pos>'
        f"<gml:pos>{RIGHT} {TOP}</gml:pos></gml:Envelope>{grid}</spatialDomain></domainSet><rangeSet><RangeSet><name>bands</name><label>bands</label>"
        f"<axisDescription><AxisDescription><name>bands</name><label>Bands</label><values>{values}</values></AxisDescription></axisDescription>"
        "</RangeSet></rangeSet><supportedCRSs><requestResponseCRSs>EPSG:3857</requestResponseCRSs><nativeCRSs>EPSG:3857</nativeCRSs></supportedCRSs>"
        '<supportedFormats nativeFormat="GeoTIFF"><formats>GeoTIFF</formats></supportedFormats><supportedInterpolations default="nearest neighbor">'
        "<interpolationMethod>nearest neighbor</interpolationMethod></supportedInterpolations></CoverageOffering></CoverageDescription>"
    )


def capabilities_11(url):
    link = f'<ows:DCP><ows:HTTP><ows:Get xlink:type="simple" xlink:href="{url}"/></ows:HTTP></ows:DCP>'
    operations = "".join(f'<ows:Operation name="{name}">{link}</ows:Operation>' for name in ("GetCapabilities", "DescribeCoverage", "GetCoverage"))
    box = f"<ows:LowerCorner>{LON_LAT[0][0]} {LON_LAT[0][1]}</ows:LowerCorner><ows:UpperCorner>{LON_LAT[1][0]} {LON_LAT[1][1]}</ows:UpperCorner>"
    summaries = "".join(
        f"<CoverageSummary><ows:Title>{name}</ows:Title><ows:WGS84BoundingBox>{box}</ows:WGS84BoundingBox>"
        f"<SupportedCRS>urn:ogc:def:crs:EPSG::3857</SupportedCRS><SupportedFormat>image/tiff</SupportedFormat><Identifier>{name}</Identifier>"
        "</CoverageSummary>"
        for name in WEST
    )
    return (
        f'{XML}<Capabilities xmlns="http://www.opengis.net/wcs/1.1" {NAMES} version="1.1.1"><ows:ServiceIdentification><ows:Title>t</ows:Title>'
        "<ows:ServiceType>OGC WCS</ows:ServiceType><ows:ServiceTypeVersion>1.1.1</ows:ServiceTypeVersion></ows:ServiceIdentification>"
        f"<ows:OperationsMetadata>{operations}</ows:OperationsMetadata><Contents>{summaries}</Contents></Capabilities>"
    )


def description_11(name):
    crs = "urn:ogc:def:crs:EPSG::3857"
    keys = "".join(f"<Key>{band + 1}</Key>" for band in range(len(WEST[name])))
    boxes = (("urn:ogc:def:crs:OGC::imageCRS", "0 0", f"{WIDTH - 1} {HEIGHT - 1}"), (crs, f"{LEFT} {BOTTOM}", f"{RIGHT} {TOP}"))
    domain = "".join(
        f'<ows:BoundingBox crs="{kind}" dimensions="2"><ows:LowerCorner>{low}</ows:LowerCorner>'
        f"<ows:UpperCorner>{high}</ows:UpperCorner></ows:BoundingBox>"
        for kind, low, high in boxes
    )
    grid = (
        f"<GridCRS><GridBaseCRS>{crs}</GridBaseCRS><GridType>urn:ogc:def:method:WCS:1.1:2dSimpleGrid</GridType>"
        f"<GridOrigin>{LEFT + 0.5} {TOP - 0.5}</GridOrigin><GridOffsets>1 -1</GridOffsets>"
        "<GridCS>urn:ogc:def:cs:OGC:0.0:Grid2dSquareCS</GridCS></GridCRS>"
    )
    return (
        f'{XML}<CoverageDescriptions xmlns="http://www.opengis.net/wcs/1.1" {NAMES} version="1.1.1"><CoverageDescription>'
        f"<ows:Title>{name}</ows:Title><Identifier>{name}</Identifier><Domain><SpatialDomain>{domain}{grid}</SpatialDomain></Domain><Range><Field>"
        "<Identifier>raster</Identifier><Definition><ows:AnyValue/></Definition><InterpolationMethods>"
        "<DefaultMethod>nearest neighbor</DefaultMethod></InterpolationMethods>"
        f'<Axis identifier="bands"><AvailableKeys>{keys}</AvailableKeys></Axis></Field></Range><SupportedCRS>{crs}</SupportedCRS>'
        "<SupportedFormat>image/tiff</SupportedFormat></CoverageDescription></CoverageDescriptions>"
    )
