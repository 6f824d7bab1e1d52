"""Heat maps of whole runs: pipeline, command line and worker write the same file; resumed, cancelled, refused."""

import json
import signal
import threading
import time

import fiona
import numpy as np
import pytest
import rasterio
from runs import CHANGED_TILES, NODATA_TILE, TILE_PX, count, start, table
from test_worker import Parent

from engine.cli import main
from engine.contract.errors import Cancelled, InputError, OutputError
from engine.contract.heatmap import HeatmapOutput
from engine.models.captioner import ModelCard
from engine.run import pipeline
from engine.worker import Engine

import fakes

TILE = ("--tile", str(TILE_PX), "--model", fakes.ID)


def captioner(**members):
    return fakes.FakeCaptioner(ModelCard(fakes.ID, "a fake", input_px=64, threshold=0.1), **members)


def pixels(path):
    with rasterio.open(path) as raster:
        return raster.read(1)


def polygons(path):
    with fiona.open(path, layer="change_heat") as layer:
        return sorted((dict(feature.properties)["tile_ids"], str(feature.geometry["coordinates"])) for feature in layer)


def stop_after(tiles):
    seen = []
    return (lambda event: seen.append(event) if event["type"] == "tile" else None), (lambda: len(seen) >= tiles)


def test_changed_tiles_are_hot_where_the_model_says(request_of, tmp_path):
    pipeline.run(request_of(), None, captioner=captioner(), heatmap=HeatmapOutput(str(tmp_path / "heat.tif")))
    found = pixels(tmp_path / "heat.tif")
    for row in range(4):
        for col in range(4):
            values = found[row * 64 : row * 64 + 64, col * 64 : col * 64 + 64]
            if (row, col) in CHANGED_TILES:  # the fake's hot cell is row 1, column 2 of 4 × 4
                assert (values[16:32, 32:48] == 90).all() and (values == 90).sum() == 256 and (values == 20).sum() == 64 * 64 - 256
            else:
                assert np.unique(values).tolist() == [255 if (row, col) == NODATA_TILE else 0]


def test_a_pixel_without_data_in_one_date_has_no_heat(request_of, tmp_path):
    request = request_of(threshold=0.0)
    with rasterio.open(request.after, "r+") as raster:
        raster.write(np.zeros((3, 8, 64), np.uint8), window=((0, 8), (0, 64)))
    pipeline.run(request, None, captioner=captioner(), heatmap=HeatmapOutput(str(tmp_path / "heat.tif")))
    assert np.unique(pixels(tmp_path / "heat.tif")[:8, :64]).tolist() == [255]
    assert 90 in pixels(tmp_path / "heat.tif")[8:64, :64]


@pytest.mark.parametrize(("name", "read"), [("heat.tif", pixels), ("heat.gpkg", polygons)])
def test_cancelled_and_resumed_it_equals_an_undisturbed_run(request_of, tmp_path, name, read):
    request = request_of(8, 8, overlap_px=16)
    (tmp_path / "whole").mkdir()
    pipeline.run(request, str(tmp_path / "whole" / "out.gpkg"), captioner=captioner(), heatmap=HeatmapOutput(str(tmp_path / "whole" / name)))
    output, heatmap = str(tmp_path / "out.gpkg"), HeatmapOutput(str(tmp_path / name))
    event, cancelled = stop_after(20)
    with pytest.raises(Cancelled):
        pipeline.run(request, output, captioner=captioner(delay_s=0.01), on_event=event, cancelled=cancelled, heatmap=heatmap)
    assert len(read(tmp_path / name)) > 0
    summary = pipeline.run(request, output, resume=True, captioner=captioner(), heatmap=heatmap)
    assert 0 < summary.resumed < summary.total
    assert np.array_equal(read(tmp_path / name), read(tmp_path / "whole" / name))
    assert table(output) == table(tmp_path / "whole" / "out.gpkg")


def test_heat_is_written_before_the_rows_of_its_tiles(request_of, tmp_path, monkeypatch):
    from engine.output.heat import HeatWriter

    def fails(self):
        raise OutputError("the disk of heat.tif is full", "room for the results", "free some, then run again with --resume")

    monkeypatch.setattr(HeatWriter, "flush", fails)
    with pytest.raises(OutputError, match="heat.tif is full"):
        pipeline.run(request_of(), str(tmp_path / "out.gpkg"), heatmap=HeatmapOutput(str(tmp_path / "heat.tif")))
    assert count(tmp_path / "out.gpkg") == 0


def test_a_run_without_its_heat_map_is_not_continued(request_of, tmp_path):
    request, output = request_of(12, 12), str(tmp_path / "out.gpkg")
    heatmap = HeatmapOutput(str(tmp_path / "heat.tif"))
    event, cancelled = stop_after(5)
    with pytest.raises(Cancelled):
        pipeline.run(request, output, captioner=captioner(delay_s=0.01), on_event=event, cancelled=cancelled, heatmap=heatmap)
    for other in (None, HeatmapOutput(str(tmp_path / "other.tif"))):
        with pytest.raises(OutputError, match="belongs to another run .heatmap.path"):
            pipeline.run(request, output, resume=True, heatmap=other)
    (tmp_path / "heat.tif").unlink()
    with pytest.raises(OutputError, match="heat.tif is missing, though"):
        pipeline.run(request, output, resume=True, heatmap=heatmap)


def test_a_model_without_a_heat_map_is_refused_before_the_run(request_of, tmp_path, monkeypatch):
    monkeypatch.setattr(fakes.FakeCaptioner, "has_heatmap", False)
    with pytest.raises(InputError, match="fake has no heat map. Needed: a model that has one, such as scribe-s"):
        pipeline.run(request_of(), str(tmp_path / "out.gpkg"), heatmap=HeatmapOutput(str(tmp_path / "heat.tif")))
    assert list(tmp_path.glob("out*")) + list(tmp_path.glob("heat*")) == []


def test_what_cannot_be_written_is_said_before_anything_is(request_of, tmp_path):
    output = str(tmp_path / "out.gpkg")
    (tmp_path / "there.tif").write_bytes(b"mine")
    for name, match in (
        ("none/heat.tif", "the folder .* does not exist"),
        ("there.tif", "there.tif exists"),
        ("out.gpkg", "as output and as heat map"),
    ):
        with pytest.raises(InputError, match=match):
            pipeline.run(request_of(), output, heatmap=HeatmapOutput(str(tmp_path / name)))
    assert not (tmp_path / "out.gpkg").exists() and (tmp_path / "there.tif").read_bytes() == b"mine"


def test_command_line_and_worker_write_the_same_heat_map(make_pair, fake_weights, tmp_path, capsys):
    pair = make_pair()
    assert main(["caption", *pair, "-o", str(tmp_path / "cli.gpkg"), *TILE, "--heatmap", str(tmp_path / "cli.tif")]) == 0
    options = ["--heatmap", str(tmp_path / "cli_heat.gpkg"), "--heatmap-threshold", "0.15"]
    assert main(["caption", *pair, "-o", str(tmp_path / "cli2.gpkg"), *TILE, *options]) == 0
    worker = Parent(tmp_path)
    worker.greet()
    request = {"before": pair[0], "after": pair[1], "model": fakes.ID, "tile_px": TILE_PX}
    message = {"request": request, "output": None, "resume": False}
    assert worker.ask("caption", **message, heatmap=str(tmp_path / "worker.tif"))[-1]["type"] == "result"
    assert worker.ask("caption", **message, heatmap=str(tmp_path / "worker.gpkg"), heatmap_threshold=0.15)[-1]["type"] == "result"
    assert worker.close() == 0
    assert (pixels(tmp_path / "cli.tif") == pixels(tmp_path / "worker.tif")).all()
    assert polygons(tmp_path / "cli_heat.gpkg") == polygons(tmp_path / "worker.gpkg")
    assert [tile_ids for tile_ids, _ in polygons(tmp_path / "worker.gpkg")] == [f"r{row:05d}_c{col:05d}" for row, col in sorted(CHANGED_TILES)]
    with rasterio.open(tmp_path / "cli.tif") as raster:
        assert json.loads(raster.tags()["changescribe"])["model"]["id"] == fakes.ID


@pytest.mark.parametrize(
    ("members", "match"),
    [
        ({"heatmap_threshold": 0.5}, "without a heatmap"),
        ({"heatmap": 5}, "heatmap = 5"),
        ({"heatmap": "/tmp/x.jpg"}, "ends in .tif"),
        ({"heatmap": "/tmp/x.gpkg", "heatmap_threshold": "high"}, "heatmap_threshold = 'high'"),
    ],
)
def test_the_worker_refuses_what_is_no_heat_map(request_of, members, match):
    message = {"type": "caption", "request": request_of().to_json(), "output": None, "resume": False, **members}
    with pytest.raises(InputError, match=match):
        Engine().handle(message, lambda event: None, threading.Event())


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--heatmap", "heat.png"], "ends in .tif"),
        (["--heatmap", "heat.tif", "--heatmap-threshold", "0.5"], "for a raster"),
        (["--heatmap-threshold", "0.5"], "without --heatmap"),
    ],
)
def test_the_command_line_refuses_what_is_no_heat_map(make_pair, fake_weights, tmp_path, capsys, options, match):
    assert main(["caption", *make_pair(), "-o", str(tmp_path / "out.gpkg"), *TILE, *options]) == 2
    assert match in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out.gpkg").exists()


def test_killed_and_resumed_it_equals_an_undisturbed_run(make_pair, fake_weights, tmp_path):
    pair, output, heat = make_pair(16, 16), tmp_path / "out.gpkg", tmp_path / "heat.tif"
    process = start(tmp_path, "caption", *pair, "-o", output, *TILE, "--heatmap", heat, delay_s=0.03)
    end = time.monotonic() + 60
    while count(output) == 0:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = pixels(heat)
    assert (kept[:64, :64] != 255).all() and (kept == 255).any()
    assert main(["caption", *pair, "-o", str(output), *TILE, "--heatmap", str(heat), "--resume"]) == 0
    assert main(["caption", *pair, "-o", str(tmp_path / "whole.gpkg"), *TILE, "--heatmap", str(tmp_path / "whole.tif")]) == 0
    assert (pixels(heat) == pixels(tmp_path / "whole.tif")).all()
