"""Runs whose tiles are cut to the area, by every way to run."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from runs import TILE_PX

from engine import registry
from engine.cli import main
from engine.contract.heatmap import HeatmapOutput
from engine.contract.request import CaptionRequest
from engine.models.captioner import ModelCard
from engine.run import cluster_block, pipeline
from engine.run.preview import preview
from engine.worker import Engine

import fakes

SIDE_PX = 2 * TILE_PX
BUILT = np.s_[:, 16:48, 80:112]  # in tile (0, 1), beyond the area


def captioner():
    return fakes.FakeCaptioner(ModelCard(fakes.ID, "a fake", input_px=64, threshold=0.1))


@pytest.fixture
def request_of(tmp_path, fake_weights):
    """2 × 2 tiles; the change lies in tile (0, 1), right of the area, whose edge runs down the tile's columns 8 to 16."""
    rng = np.random.default_rng(2)
    before = rng.integers(80, 140, (3, SIDE_PX, SIDE_PX), dtype=np.uint8)
    after = before.copy()
    after[BUILT] = 255
    after[:, 100:110, :30] = 0  # no data in tile (1, 0), inside the area
    form = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": SIDE_PX, "width": SIDE_PX, "crs": "EPSG:32633", "nodata": 0}
    place = rasterio.Affine(0.5, 0, 391_360.0, 0, -0.5, 5_820_032.0)
    for date, pixels in (("before", before), ("after", after)):
        with rasterio.open(tmp_path / f"{date}.tif", "w", **form, transform=place) as raster:
            raster.write(pixels)
    corners = [place * corner for corner in ((0, 0), (TILE_PX + 8, 0), (TILE_PX + 16, SIDE_PX), (0, SIDE_PX), (0, 0))]
    collection = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}},
        "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [corners]}}],
    }
    (tmp_path / "aoi.geojson").write_text(json.dumps(collection))

    def make(**members):
        paths = (str(tmp_path / f"{date}.tif") for date in ("before", "after"))
        return CaptionRequest(*paths, aoi=str(tmp_path / "aoi.geojson"), model=fakes.ID, tile_px=TILE_PX, **members)

    return make


def tiles_of(request, **members):
    found = []
    pipeline.run(
        request, None, captioner=captioner(), on_event=lambda e: found.append(e["tile"]["properties"]) if e["type"] == "tile" else None, **members
    )
    return {(tile["row"], tile["col"]): {**tile, "seconds": 0} for tile in found}


def test_change_beyond_the_area_is_not_captioned(request_of):
    whole, cut = tiles_of(request_of()), tiles_of(request_of(clip=True))
    assert set(whole) == set(cut) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert {place for place, tile in whole.items() if tile["changed"]} == {(0, 1)}
    assert not any(tile["changed"] for tile in cut.values())
    # Only the area counts, though it covers a fifth of tile (0, 1).
    assert (cut[0, 1]["status"], cut[0, 1]["valid_before"], cut[0, 1]["valid_after"]) == ("unchanged", 1.0, 1.0)
    assert cut[1, 0]["valid_after"] == pytest.approx(1 - 300 / TILE_PX**2, abs=1e-4)


def test_heat_maps_are_empty_beyond_the_area_and_without_data(request_of, tmp_path):
    heat = HeatmapOutput(str(tmp_path / "heat.tif"))
    pipeline.run(request_of(clip=True, threshold=0.0), None, captioner=captioner(), heatmap=heat)
    with rasterio.open(tmp_path / "heat.tif") as raster:
        found = raster.read(1)
    assert (found[:, TILE_PX + 17 :] == 255).all() and (found[100:110, :30] == 255).all()
    assert (found[:100, : TILE_PX + 8] != 255).all() and (found[:64, 64:72] == 20).all()


def test_an_extent_is_cut_too_and_without_an_area_nothing_is(request_of):
    whole = request_of().with_(aoi=None)
    place = 391_360.0, 5_820_032.0 - SIDE_PX / 2, 391_360.0 + (TILE_PX + 10) / 2, 5_820_032.0
    cut = tiles_of(whole.with_(extent=place, clip=True))
    assert set(cut) == {(0, 0), (0, 1), (1, 0), (1, 1)} and not any(tile["changed"] for tile in cut.values())
    assert tiles_of(whole.with_(clip=True)) == tiles_of(whole)


def test_preview_click_block_and_worker_show_the_runs_tiles(request_of):
    request = request_of(clip=True)
    expected = tiles_of(request)[0, 1]
    with pipeline.opened(request, registry.card(fakes.ID)) as (pair, grid):
        x, y = pair.transform * (TILE_PX + 4, 10)
        clicked = pipeline.caption_at(request, captioner(), pair, grid, x, y).to_json()["properties"]
        job = cluster_block.Job(request, pair, replace(grid, area=None), False, registry.row(fakes.ID)["sha256"])
        (block,), _ = cluster_block.caption_block(job, np.array([[0, 1]]))
        shown = preview(request, registry.card(fakes.ID), pair, grid)
    assert {**clicked, "seconds": 0} == {**block.to_json()["properties"], "seconds": 0} == expected
    assert shown["after"]["valid"] > 0.9
    message = {"type": "caption_at", "request": request.to_json(), "x": x, "y": y}
    answer = Engine().handle(message, lambda event: None, threading.Event())
    assert {**answer["tile"]["properties"], "seconds": 0} == expected


def test_command_line_and_table(request_of, tmp_path, capsys):
    request = request_of()
    rows = ("before.tif,after.tif,aoi.geojson,64,yes,cut", "before.tif,after.tif,aoi.geojson,64,no,whole")
    (tmp_path / "jobs.csv").write_text("\n".join(("before,after,aoi,tile_px,clip,output", *rows)))
    assert main(["batch", str(tmp_path / "jobs.csv"), "-o", str(tmp_path), "--model", fakes.ID, "--json"]) == 0
    assert [job["result"]["changed"] for job in _result(capsys)["jobs"]] == [0, 1]
    for options, changed in (([], 1), (["--clip"], 0)):
        output = str(tmp_path / f"{changed}.gpkg")
        assert (
            main(
                [
                    "caption",
                    request.before,
                    request.after,
                    "--aoi",
                    request.aoi,
                    "--tile",
                    "64",
                    "-o",
                    output,
                    *options,
                    "--model",
                    fakes.ID,
                    "--json",
                ]
            )
            == 0
        )
        assert _result(capsys)["changed"] == changed


def _result(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])["result"]
