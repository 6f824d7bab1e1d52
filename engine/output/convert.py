"""``changescribe convert``: a layer of captions in another format.

A run writes a GeoPackage, which survives a crash, can be resumed and holds its provenance and style; other formats are made of it afterwards.
What reads and writes them is imported when it is needed, so that ``changescribe --help`` is instant.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from ..contract.errors import EXIT_DONE, InputError, OutputError
from ..contract.tiles import LAYER_NAME

SHAPEFILE_NAME, SHAPEFILE_TEXT = 10, 254
# Suffix → GDAL's driver and its options. RFC 7946 has GeoJSON in longitude and latitude (WGS 84).
FORMATS: dict[str, tuple[str, dict[str, str]]] = {
    ".geojson": ("GeoJSON", {"RFC7946": "YES"}),
    ".fgb": ("FlatGeobuf", {}),
    ".shp": ("ESRI Shapefile", {"ENCODING": "UTF-8"}),
}


def convert(source: str, target: str) -> dict:
    """Copy a layer of captions to a file of another format, which appears whole or not at all.

    Parameters
    ----------
    source : GeoPackage of a run
    target : file to write; its suffix, one of FORMATS, is the format

    Returns
    -------
    dict
        output, tiles, and warnings: what the format does not hold.

    Raises
    ------
    InputError
        ``source`` has no layer of captions.
    OutputError
        ``target`` exists, has another suffix, or cannot be written.
    """
    import fiona
    from fiona._err import CPLE_BaseError
    from fiona.errors import FionaError

    from ..geo import access
    from .writer import verify_path

    path = Path(target)
    verify_path(path, tuple(FORMATS))
    if path.exists():
        raise OutputError(f"{path} exists", "a file that does not", "choose another name, or delete it")
    driver, options = FORMATS[path.suffix.lower()]
    access.limit()
    with _opened(source) as layer, tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}") as folder:
        cut = 0

        def records() -> Any:
            nonlocal cut
            for record in layer:
                cut += any(len(value.encode()) > SHAPEFILE_TEXT for value in record.properties.values() if isinstance(value, str))
                yield record

        crs_wkt, schema, rows = layer.crs_wkt, layer.schema, records()
        if driver == "GeoJSON":
            from ..geo.degrees import DEGREES, in_degrees

            crs_wkt, schema = DEGREES, layer.schema | {"geometry": ["Polygon", "MultiPolygon"]}
            rows = in_degrees(rows, layer.crs_wkt)
        try:
            with fiona.open(os.path.join(folder, path.name), "w", driver=driver, crs_wkt=crs_wkt, schema=schema, **options) as written:
                written.writerecords(rows)
            for part in os.listdir(folder):  # a Shapefile is several files
                os.replace(os.path.join(folder, part), path.parent / part)
        except (FionaError, CPLE_BaseError, OSError) as error:
            raise OutputError(f"{path} cannot be written ({error})", "a folder with space and permission", "choose another output") from error
        return {"output": str(path), "tiles": len(layer), "warnings": _losses(layer, cut) if path.suffix.lower() == ".shp" else []}


def _opened(source: str) -> Any:
    import fiona
    from fiona.errors import FionaError

    from ..geo import vector

    if not os.path.exists(source):
        raise InputError(f"no file {source}", "the GeoPackage of a run", "correct the name")
    try:
        return fiona.open(source, layer=LAYER_NAME)
    except (FionaError, ValueError) as error:
        if vector.is_locked(source):
            raise InputError(f"{source} is locked by another program", *vector.LOCKED) from error
        raise InputError(f"no layer {LAYER_NAME} in {source} ({error})", "the GeoPackage of a run", "name one") from error


def _losses(layer: Any, cut: int) -> list[str]:
    long = [name for name in layer.schema["properties"] if len(name) > SHAPEFILE_NAME]
    found = [f"a Shapefile cuts names to {SHAPEFILE_NAME} characters: {', '.join(f'{name} is {name[:SHAPEFILE_NAME]}' for name in long)}"]
    if cut:
        found.append(f"a Shapefile cuts texts to {SHAPEFILE_TEXT} bytes: those of {cut} {'tile' if cut == 1 else 'tiles'} are cut")
    return found


def add(commands: Any) -> argparse.ArgumentParser:
    """The command's grammar."""
    command = commands.add_parser(
        "convert",
        help="a layer of captions as GeoJSON, FlatGeobuf or Shapefile",
        description="Writes the layer of a run in another format. Runs themselves write GeoPackages, which a crash leaves whole.",
    )
    command.add_argument("layer", metavar="CHANGES.gpkg", help="what a run has written")
    command.add_argument("-o", "--output", metavar="OUT", required=True, help=f"file to write; the format is its suffix: {', '.join(FORMATS)}")
    command.set_defaults(run=run)
    return command


def run(args: argparse.Namespace, output: Any) -> int:
    found = convert(args.layer, args.output)
    for note in found["warnings"]:
        output.event({"type": "log", "level": "warning", "message": note})
    output.result(found)
    output.text(f"{found['output']}: {found['tiles']} tiles")
    return EXIT_DONE
