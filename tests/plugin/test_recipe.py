"""Every command of docs/processing.md, run as it stands there."""

import re
import shlex
import shutil

from conftest import ROOT
from osgeo import gdal, ogr, osr
from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingModelAlgorithm, QgsProject, QgsVectorLayer

from helpers import run, write_raster


def commands():
    """(algorithm or model file, parameters) of every ``qgis_process run`` in the docs."""
    text = (ROOT / "docs" / "processing.md").read_text("utf-8")
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            program, command, name, *options = shlex.split(line)
            assert program == "qgis_process"
            if command == "run":
                yield name, dict(option.removeprefix("--").split("=", 1) for option in options)


def write_districts(path, like):
    """One square over the fake worker's grid, apart from a metre at its edges."""
    source = ogr.GetDriverByName("GPKG").CreateDataSource(path)
    layer = source.CreateLayer("districts", osr.SpatialReference(gdal.Open(like).GetProjection()), ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("name", ogr.OFTString))
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetField("name", "all")
    feature.SetGeometry(ogr.CreateGeometryFromWkt("POLYGON((1 1, 511 1, 511 511, 1 511, 1 1))"))
    layer.CreateFeature(feature)


def run_model(path, parameters):
    model, context, feedback = QgsProcessingModelAlgorithm(), QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    assert model.fromFile(path)
    assert set(parameters) <= {parameter.name() for parameter in model.parameterDefinitions()}
    _, ok = model.run(parameters, context, feedback)
    assert ok, feedback.textLog()


def test_every_command_runs(provider, qgis_processing, engine, tmp_path, monkeypatch):
    engine()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "series").mkdir()
    for name in ("2019", "2023", "series/town_2019", "series/town_2020", "series/town_2021"):
        write_raster(f"{name}.tif", origin=(0.0, 512.0))  # where the fake worker's grid lies
    write_districts("districts.gpkg", "2019.tif")
    shutil.copy(ROOT / "resources" / "processing" / "changed_tiles_by_area.model3", tmp_path)
    found = list(commands())
    for name, parameters in found:
        if name.endswith(".model3"):
            run_model(name, parameters)
        else:
            algorithm = provider.algorithm(name.removeprefix("changescribe:"))
            assert set(parameters) <= {parameter.name() for parameter in algorithm.parameterDefinitions()}
            run(parameters, name=name)
    assert len(found) >= 7
    tiles = {
        "changes.gpkg": 16,
        "districts_tiles.gpkg": 16,
        "districts_changed.gpkg": 1,
        "changes/pairs.csv": 2,
        "ends/pairs.csv": 1,
        "tiles.gpkg": 4,
    }
    assert {name: QgsVectorLayer(name, "").featureCount() for name in tiles} == tiles
    assert (tmp_path / "engine.html").is_file()
