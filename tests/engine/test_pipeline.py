"""The one path from rasters to captions: what it yields, resuming, cancelling, and every way to fail."""

import json
import os
import shutil
import threading
import time

import fiona
import numpy as np
import pytest
from runs import CHANGED_TILES, NODATA_TILE, count, table

from engine.contract.errors import AreaError, Cancelled, EngineError, InputError, ModelError, OutputError, RasterError
from engine.contract.tiles import UNCHANGED_TEXT
from engine.geo.tileset import TileSet
from engine.models.captioner import ModelCard
from engine.output.writer import GridWriter
from engine.run import lanes, pipeline, reading

import fakes


def captioner(**members):
    return fakes.FakeCaptioner(ModelCard(fakes.ID, "a fake", input_px=64, threshold=0.1), **members)


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "changescribe-reader"]


@pytest.fixture(autouse=True)
def no_reader_stays():
    yield
    assert readers() == []


def test_statuses_captions_and_order(request_of):
    tiles = []
    summary = pipeline.run(request_of(), None, on_event=lambda event: tiles.append(event["tile"]["properties"]) if event["type"] == "tile" else None)
    assert [(t["row"], t["col"]) for t in tiles] == [(row, col) for row in range(4) for col in range(4)]
    by_place = {(t["row"], t["col"]): t for t in tiles}
    assert {place for place, t in by_place.items() if t["status"] == "captioned"} == CHANGED_TILES
    skipped = by_place[NODATA_TILE]
    assert (skipped["status"], skipped["caption"], skipped["changed"], skipped["valid_after"]) == ("skipped_nodata", None, None, 0.0)
    assert by_place[0, 1]["caption"] == UNCHANGED_TEXT
    assert by_place[0, 0]["caption"] in fakes.WORDS
    assert (summary.captioned, summary.unchanged, summary.skipped, summary.failed, summary.total) == (3, 12, 1, 0, 16)


def test_captions_do_not_depend_on_the_batch_size(request_of):
    def tiles(size):
        found = []
        pipeline.run(
            request_of(batch_size=size), None, captioner=captioner(), on_event=lambda e: found.append(e["tile"]) if e["type"] == "tile" else None
        )
        return [tile["properties"] | {"seconds": 0} for tile in found]

    assert tiles(1) == tiles(5) == tiles(64)


def test_batches_are_full_and_the_done_tiles_left_out(request_of):
    request, model = request_of(batch_size=5), captioner()
    with pipeline.opened(request, model.card) as (pair, grid):
        found = list(pipeline.caption_tiles(request, model, pair, grid, grid.without(TileSet({(0, 0), (3, 3)}))))
    assert len(found) == 14
    assert sorted(model.batches) == [3, 5, 5]  # 13 with data, computed side by side


def test_a_click_gives_the_tile_of_the_run(request_of):
    request, model, found = request_of(), captioner(), {}
    pipeline.run(
        request,
        None,
        captioner=model,
        on_event=lambda e: found.update({e["tile"]["properties"]["tile_id"]: e["tile"]}) if e["type"] == "tile" else None,
    )
    with pipeline.opened(request, model.card) as (pair, grid):
        clicked = pipeline.caption_at(request, model, pair, grid, 391_360.0 + 2.5 * 32, 5_820_032.0 - 1.5 * 32).to_json()
        assert clicked["properties"] | {"seconds": 0} == found["r00001_c00002"]["properties"] | {"seconds": 0}
        with pytest.raises(AreaError, match="outside the area"):
            pipeline.caption_at(request, model, pair, grid, 0.0, 0.0)


def test_tiles_are_resampled_to_the_models_input(request_of):
    model = fakes.FakeCaptioner()  # takes 256 pixels
    plan = pipeline.describe(request_of())
    assert any("64 px are resampled to the 256 px" in text and "0.125 m" in text for text in plan["warnings"])
    assert pipeline.run(request_of(), None, captioner=model).captioned == 3


def test_resampling_keeps_a_constant_and_averages_detail():
    tiles = np.full((1, 3, 64, 64), 77, np.uint8)
    assert (reading.to_input_size(tiles, 256) == 77).all()
    checks = (np.indices((128, 128)).sum(0) % 2 * 200).astype(np.uint8)[None, None].repeat(3, 1)
    assert abs(int(reading.to_input_size(checks, 32)[0, 0, 8:24, 8:24].mean()) - 100) <= 1


def test_describe_says_what_would_be_done(request_of):
    plan = pipeline.describe(request_of())
    assert (plan["tiles"], plan["crs"], plan["height"], plan["width"], plan["before_bands"]) == (16, "EPSG:32633", 256, 256, [1, 2, 3])
    assert plan["gsd_m"] == pytest.approx(0.5, abs=0.01)


def test_provenance_repeats_the_run(request_of, tmp_path):
    output = tmp_path / "out.gpkg"
    request = request_of()
    pipeline.run(request, str(output))
    with fiona.open(output, layer="change_captions") as layer:
        kept = json.loads(layer.tags()["changescribe"])
    assert kept["request"] == json.loads(json.dumps(request.to_json()))
    assert os.path.isabs(kept["request"]["before"])
    assert len(kept["model"]["sha256"]) == 64
    assert {"changescribe", "torch", "gdal", "rasterio", "python", "device"} <= set(kept["versions"])
    assert kept["threshold"] == 0.1
    assert kept["counts"]["captioned"] == 3
    assert kept["grid"]["tiles"] == 16


def test_progress_counts_up_to_the_total(request_of):
    events = []
    pipeline.run(request_of(), None, captioner=captioner(delay_s=0.05), on_event=lambda e: events.append(e) if e["type"] == "progress" else None)
    assert (events[0]["done"], events[-1]["done"], events[-1]["eta_s"]) == (0, 16, 0.0)
    assert events[-1]["tiles_per_s"] > 0
    assert len(events) <= 2 + 5 * 2  # five a second, for about a second


def stop_after(tiles):
    """An ``on_event`` and a ``cancelled`` that says so after some tiles, and when it did."""
    seen, when = [], []

    def event(event):
        seen.append(event) if event["type"] == "tile" else None

    def cancelled():
        if len(seen) >= tiles and not when:
            when.append(time.perf_counter())
        return bool(when)

    return event, cancelled, when


def test_cancel_acts_within_a_second_and_keeps_what_is_written(request_of, tmp_path):
    output = tmp_path / "out.gpkg"
    event, cancelled, when = stop_after(20)
    with pytest.raises(Cancelled, match="what was written is kept"):
        pipeline.run(request_of(16, 16), str(output), captioner=captioner(delay_s=0.03), on_event=event, cancelled=cancelled)
    assert time.perf_counter() - when[0] < 1.0
    assert 20 <= count(output) < 256


def test_cancel_does_not_wait_for_a_slow_batch(request_of):
    slow, start_s = captioner(delay_s=0.4), time.perf_counter()
    with pytest.raises(Cancelled):
        pipeline.run(request_of(batch_size=8), None, captioner=slow, cancelled=lambda: bool(slow.batches))
    assert time.perf_counter() - start_s < 1.5  # opening, and not the 3.2 s of the batch


def test_batches_left_behind_by_cancellations_keep_their_lanes(request_of, monkeypatch):
    """However often a run is cancelled and begun again, no more batches compute side by side than there are lanes."""
    lane = lanes.Lane(lanes._pool(2, 1), 2)
    monkeypatch.setattr(lanes, "_cpu_lanes", lambda: lane)
    slow, computing, most = captioner(), [], []

    def encode(before, after):
        computing.append(None)
        most.append(len(computing))
        time.sleep(0.3)
        computing.pop()
        return type(slow).encode(slow, before, after)

    def begun_after(count):
        return lambda: len(most) > count

    monkeypatch.setattr(slow, "encode", encode)
    for _ in range(3):
        with pytest.raises(Cancelled):
            pipeline.run(request_of(batch_size=4), None, captioner=slow, cancelled=begun_after(len(most)))
    assert max(most) == 2
    lane.pool.shutdown()


def test_cancel_acts_while_a_read_hangs(request_of, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(reading, "read_tile", lambda *args: release.wait(20))
    start_s = time.perf_counter()
    with pytest.raises(Cancelled):
        pipeline.run(request_of(), None, cancelled=lambda: time.perf_counter() - start_s > 0.3)
    release.set()
    assert time.perf_counter() - start_s < 2.5  # opening, 0.3 s, and at most a second of waiting for the thread
    for thread in readers():
        thread.join(5)


def test_a_resumed_run_equals_an_undisturbed_one(request_of, tmp_path):
    whole, parted = tmp_path / "whole.gpkg", tmp_path / "parted.gpkg"
    request = request_of(8, 8)
    pipeline.run(request, str(whole))
    event, cancelled, _ = stop_after(20)
    with pytest.raises(Cancelled):
        pipeline.run(request, str(parted), captioner=captioner(delay_s=0.02), on_event=event, cancelled=cancelled)
    kept = count(parted)
    summary = pipeline.run(request, str(parted), resume=True)
    assert summary.resumed == kept > 0
    assert table(parted) == table(whole)


def test_a_tile_that_breaks_the_model_fails_alone(request_of):
    import rasterio

    request, logs = request_of(batch_size=8), []
    with rasterio.open(request.before, "r+") as raster:
        raster.write(np.full((3, 1, 1), 201, np.uint8), window=((64, 65), (128, 129)))  # corner of tile (1, 2)
    model = captioner(fail_at=201)
    summary = pipeline.run(request, None, captioner=model, on_event=lambda e: logs.append(e) if e["type"] == "log" else None)
    assert (summary.failed, summary.captioned, summary.unchanged) == (1, 2, 12)
    assert [(log["level"], log["message"]) for log in logs] == [("error", "Tile r00001_c00002 failed: ValueError: the fake fails at this tile")]


def test_a_model_that_always_fails_ends_the_run(request_of):
    with pytest.raises(EngineError, match="tiles in a row failed: ValueError"):
        pipeline.run(request_of(8, 8), None, captioner=captioner(fail_at=100))
    with pytest.raises(EngineError, match="all 15 tiles failed"):
        pipeline.run(request_of(4, 4), None, captioner=captioner(fail_at=100))


def test_an_unreadable_tile_fails_alone(request_of, monkeypatch):
    from engine.geo.pair import RasterPair

    read = RasterPair.read

    def broken(self, ref):
        if (ref.row, ref.col) == (1, 1):
            raise RasterError("a damaged block")
        return read(self, ref)

    request = request_of()
    with pipeline.opened(request, captioner().card) as (pair, grid):
        monkeypatch.setattr(RasterPair, "read", broken)
        statuses = {(t.ref.row, t.ref.col): t.status for t in pipeline.caption_tiles(request, captioner(), pair, grid, grid)}
    assert statuses[1, 1] == "failed"
    assert sum(status == "failed" for status in statuses.values()) == 1


def test_rasters_unreadable_in_a_row_end_the_run(request_of, monkeypatch):
    request = request_of(8, 8)
    with pipeline.opened(request, captioner().card) as (pair, grid):
        monkeypatch.setattr(type(pair), "read", lambda self, ref: (_ for _ in ()).throw(RasterError("a damaged block")))
        with pytest.raises(RasterError, match="in a row could not be read.*damaged block"):
            list(pipeline.caption_tiles(request, captioner(), pair, grid, grid))


@pytest.mark.parametrize("harm", ["deleted", "truncated"])
def test_a_raster_that_goes_away_stops_the_run_and_keeps_what_is_written(request_of, tmp_path, harm):
    request = request_of(16, 16)
    output, whole, spare = tmp_path / "out.gpkg", tmp_path / "whole.gpkg", tmp_path / "spare.tif"
    shutil.copy2(request.before, spare)
    pipeline.run(request, str(whole))
    seen = []

    def event(event):
        seen.append(event["type"])
        if seen.count("tile") == 10 and event["type"] == "tile":
            os.unlink(request.before) if harm == "deleted" else os.truncate(request.before, 5000)

    with pytest.raises(RasterError, match="deleted" if harm == "deleted" else "changed while the run read it"):
        pipeline.run(request, str(output), captioner=captioner(delay_s=0.01), on_event=event)
    assert 10 <= count(output) < 256
    shutil.copy2(spare, request.before)
    pipeline.run(request, str(output), resume=True)
    assert table(output) == table(whole)


def test_a_full_disk_stops_the_run(request_of, tmp_path, monkeypatch):
    def full(self, tile):
        raise OutputError("the disk of out.gpkg is full", "room for the results", "free some, then run again with --resume")

    monkeypatch.setattr(GridWriter, "add", full)
    with pytest.raises(OutputError, match="full.*--resume"):
        pipeline.run(request_of(8, 8), str(tmp_path / "out.gpkg"))


def test_two_runs_on_one_output(request_of, tmp_path):
    request, output, clash = request_of(), str(tmp_path / "out.gpkg"), []

    def event(event):
        if event["type"] == "tile" and not clash:
            with pytest.raises(OutputError, match="being written by another run") as caught:
                pipeline.run(request, output, resume=True)
            clash.append(caught)

    pipeline.run(request, output, on_event=event)
    assert clash
    assert count(output) == 16


def test_unknown_model_and_damaged_weights(request_of, fake_weights):
    with pytest.raises(ModelError, match="unknown model 'gpt'.*one of fake"):
        pipeline.run(request_of().with_(model="gpt"), None)
    content = bytearray(fake_weights.read_bytes())
    content[-1] ^= 1
    fake_weights.write_bytes(content)
    with pytest.raises(ModelError, match="damaged.*sha256"):
        pipeline.run(request_of(), None)


def test_a_bad_request_opens_nothing(request_of):
    with pytest.raises(InputError, match="overlap_px = 64"):
        pipeline.run(request_of(overlap_px=64), None)


def test_batches_grow_to_the_full_size(request_of):
    request, model = request_of(16, 16, batch_size=5), captioner()
    with pipeline.opened(request, model.card) as (pair, grid):
        sizes = [len(batch.ready) for batch in reading.BatchReader(request, pair, grid, 5, 64, first_tiles=2).batches(lambda: False) if batch.tiles]
    assert sizes[:4] == [2, 4, 5, 5]
    assert sum(sizes) >= 200


@pytest.mark.parametrize(("asked", "sizes"), [(None, {8, 10, 12}), (12, {12})])
def test_batches_of_a_size_that_was_asked_for_have_it_from_the_first(request_of, monkeypatch, asked, sizes):
    monkeypatch.setattr(lanes, "batch_size", lambda captioner: 12)
    model, called = captioner(), []
    caption = model.caption
    monkeypatch.setattr(model, "caption", lambda before, *rest: called.append(len(before)) or caption(before, *rest))
    pipeline.run(request_of(8, 9, batch_size=asked), None, captioner=model)
    assert set(called[:-1]) == sizes


@pytest.mark.parametrize(("free_mb", "batch"), [(None, 8), (100_000.0, 8), (1000.0, 4), (1.0, 1)])
def test_the_batch_fits_the_free_memory(monkeypatch, free_mb, batch):
    monkeypatch.setattr(lanes, "_cpu_lanes", lambda: lanes.Lane(lanes._pool(2, 1), 2))
    monkeypatch.setattr(lanes.device, "free_memory_mb", lambda chosen: free_mb)
    assert lanes.batch_size(captioner()) == batch  # its card speaks of 1000 MB for 16 tiles, two batches are computed at once, half may be filled
