"""What areas of many tiles need: an estimate before, several files, and a resumed run that begins soon."""

import itertools
import json
import os
import re
import signal
import time

import fiona
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from runs import table

from engine import cli
from engine.geo.grid import TileGrid
from engine.output.writer import GridWriter
from engine.run import estimate, lanes

import fakes


def caption(request, path, *options):
    return cli.main(["caption", request.before, request.after, "--model", fakes.ID, "--tile", "64", "-o", str(path), "--json", *map(str, options)])


def test_several_files_hold_what_one_would(request_of, tmp_path, capsys):
    request = request_of(6, 4)
    assert caption(request, tmp_path / "one.gpkg") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["result"]["files"] == [str(tmp_path / "one.gpkg")]
    assert caption(request, tmp_path / "many.gpkg", "--part-tiles", 8) == 0
    files = json.loads(capsys.readouterr().out.splitlines()[-1])["result"]["files"]
    assert files == [str(tmp_path / f"many_000{i}.gpkg") for i in (1, 2, 3)]
    parts = [table(path) for path in files]
    assert [len(part) for part in parts] == [8, 8, 8]
    assert dict(itertools.chain(*(part.items() for part in parts))) == table(tmp_path / "one.gpkg")
    assert caption(request, tmp_path / "many.gpkg", "--part-tiles", 8) == 2
    assert "many_0001.gpkg exists" in capsys.readouterr().out
    assert caption(request, tmp_path / "many.gpkg", "--part-tiles", 8, "--resume") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["result"]["resumed"] == 24
    assert caption(request, tmp_path / "zero.gpkg", "--part-tiles", 0) == 0
    assert caption(request, tmp_path / "bad.gpkg", "--part-tiles", -1) == 2
    assert "tiles a file, or 0" in capsys.readouterr().out


def test_a_dry_run_reckons_from_tiles_of_the_area(request_of, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FAKE_DELAY_S", "0.01")
    request = request_of(12, 12)
    arguments = ["caption", request.before, request.after, "--model", fakes.ID, "--tile", "64", "-o", str(tmp_path / "out.gpkg"), "--dry-run"]
    assert cli.main([*arguments, "--part-tiles", "30"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"about [\d.]+ min here at [\d.]+ tiles/s, .*core-hours on cpu \(measured on 64 tiles spread over the area, \d+ % of them", told)
    assert re.search(r"about 0.0576 MB in 6 files, [\d.]+ GB free there", told)
    assert not list(tmp_path.glob("*.gpkg"))
    found = estimate.estimate(request, None, None)
    assert 5 < found["tiles_per_s"] <= 100 * lanes._cpu_lanes().width  # ten milliseconds a tile in each lane
    assert found["seconds"] == pytest.approx(144 / found["tiles_per_s"], abs=1) and found["files"] == 1 and found["free_bytes"] is None


def test_the_sample_lies_in_the_area():
    left = shapely.box(0, 0, 300, 1000)
    grid = TileGrid(1000, 1000, Affine.identity(), None, 10, 0, left)
    refs = estimate.sample(grid)
    assert len(refs) == 64 == len(set(refs)) and max(ref.col for ref in refs) < 30
    assert min(ref.row for ref in refs) < 10 and max(ref.row for ref in refs) >= 90
    assert len(estimate.sample(TileGrid(20, 20, Affine.identity(), None, 10))) == 4


def test_the_sample_of_two_areas_far_apart():
    two = shapely.MultiPolygon([shapely.box(10, 10, 90, 90), shapely.box(9800, 9800, 9900, 9900)])
    grid = TileGrid(10_000, 10_000, Affine.identity(), None, 100, 0, two)
    assert [(ref.row, ref.col) for ref in estimate.sample(grid)] == [(0, 0), (98, 98)]


def test_a_dry_run_ends_when_it_is_told_to(request_of, capsys, monkeypatch):
    request, encode = request_of(12, 12), fakes.FakeCaptioner.encode

    def stopped(self, before, after):
        os.kill(os.getpid(), signal.SIGTERM)
        return encode(self, before, after)

    monkeypatch.setattr(fakes.FakeCaptioner, "encode", stopped)
    monkeypatch.setenv("FAKE_DELAY_S", "0.5")
    assert cli.main(["caption", request.before, request.after, "--model", fakes.ID, "--tile", "64", "--dry-run"]) == 3
    assert "tiles/s" not in capsys.readouterr().out


@pytest.mark.parametrize(("first", "then"), [(8, 0), (8, 100), (0, 8), (8, 12)])
def test_resuming_wants_the_same_number_of_files(request_of, tmp_path, capsys, first, then):
    request = request_of(6, 4)
    assert caption(request, tmp_path / "out.gpkg", "--part-tiles", first) == 0
    there = sorted(tmp_path.glob("*.gpkg"))
    assert caption(request, tmp_path / "out.gpkg", "--part-tiles", then, "--resume") == 2
    assert "one of several files" in (told := capsys.readouterr().out) or "which is one file" in told or "another run (part" in told
    assert sorted(tmp_path.glob("*.gpkg")) == there


def test_resuming_reads_places_not_rows(tmp_path, tiles=50_000):
    """A million must take ten seconds at most (`python -m tests.bench.large`); a twentieth of them here."""
    path, wkt = tmp_path / "out.gpkg", rasterio.CRS.from_epsg(32633).to_wkt()
    GridWriter.open(path, wkt, {}).close()
    ring = {"type": "Polygon", "coordinates": [[(0, 0), (1, 0), (1, 1), (0, 0)]]}
    with fiona.open(path, "a", layer="change_captions") as layer:
        names = dict.fromkeys(layer.schema["properties"])
        layer.writerecords(
            {"geometry": ring, "properties": names | {"row": i // 500, "col": i % 500, "status": "failed" if i % 10_000 == 7 else "captioned"}}
            for i in range(tiles)
        )
    start_s = time.process_time()
    with GridWriter.open(path, wkt, {}, resume=True) as writer:
        assert time.process_time() - start_s < 1.0
        assert len(writer.done) == tiles - 5
        assert writer.done.mask(0, np.array([6, 7, 8])).tolist() == [True, False, True]
