"""Samples as `changescribe sample` writes them, on the fake worker's grid of 4 × 4 tiles of 128 m, every fourth of them mapped as changed."""

import json

from osgeo import ogr, osr

CLASSES = {
    "change": ["unchanged", "changed"],
    "class": ["unchanged", *(f"{name} {change}" for change in ("added", "removed", "altered") for name in ("building", "road")), "other change"],
}
TEXTS = ("tile_id", "stratum", "mapped", *(f"{name}{part}" for part in ("", "_2") for name in ("verdict", "reference", "judge", "judged", "shown")))


def mapped(by, number):
    """The map's class of the tile that is judged as the ``number``-th."""
    if number % 4:
        return "unchanged"
    return "changed" if by == "change" else "building added"


def write_sample(path, tiles=12, by="change", layer="", rasters=None, drawn=None):
    """Write a sample of ``tiles``; its metadata says that ``drawn`` were. Returns its path as text."""
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    rows = source.CreateLayer("accuracy_sample", reference, ogr.wkbPolygon)
    rows.CreateField(ogr.FieldDefn("sample_id", ogr.OFTInteger))
    for name in TEXTS:
        rows.CreateField(ogr.FieldDefn(name, ogr.OFTString))
    for name in ("inclusion", "area_m2"):
        rows.CreateField(ogr.FieldDefn(name, ogr.OFTReal))
    for number in reversed(range(tiles)):  # not in the order of judging
        feature = ogr.Feature(rows.GetLayerDefn())
        row, col = divmod(number, 4)
        x, y = col * 128.0, 512.0 - row * 128.0
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POLYGON(({x} {y},{x + 128} {y},{x + 128} {y - 128},{x} {y - 128},{x} {y}))"))
        values = {"sample_id": number + 1, "tile_id": f"r{row:05d}_c{col:05d}", "stratum": mapped(by, number), "mapped": mapped(by, number)}
        for name, value in {**values, "inclusion": 0.5, "area_m2": 16384.0}.items():
            feature.SetField(name, value)
        rows.CreateFeature(feature)
    strata = {}
    for number in range(tiles if drawn is None else drawn):
        stratum = strata.setdefault(mapped(by, number), {"units": 0, "area_m2": 0.0, "sampled": 0})
        stratum.update(units=stratum["units"] + 2, area_m2=stratum["area_m2"] + 32768.0, sampled=stratum["sampled"] + 1)
    metadata = {"layer": layer, "rasters": rasters or {}, "options": {"by": by}, "strata": strata, "classes": CLASSES[by], "fingerprint": ""}
    metadata["mapped_m2"] = {name: stratum["area_m2"] for name, stratum in strata.items()}
    rows.SetMetadataItem("changescribe_sample", json.dumps(metadata))
    return str(path)
