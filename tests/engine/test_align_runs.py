"""Option ``align`` on its way: run, log, provenance, resume, click, preview, cluster and report."""

import json
import pickle

import numpy as np
import pytest
import rasterio
from runs import TILE_PX, table

from engine import registry
from engine.contract.errors import Cancelled, OutputError
from engine.geo.matching import align
from engine.output.writer import read_provenance
from engine.report.layer import read_layer
from engine.report.pictures import Pictures, tile_frame
from engine.run import pipeline, preview

SHIFT_PX = 12


@pytest.fixture
def shifted(request_of):
    """A request whose after raster lies 12 pixels too far down, and the request of the pair as it should be."""

    def make(**members):
        request = request_of(6, 6)
        with rasterio.open(request.after) as source:
            profile, pixels = source.profile, source.read()
        profile["transform"] = profile["transform"] * rasterio.Affine.translation(0, SHIFT_PX)
        after = request.after.replace("after", "shifted")
        with rasterio.open(after, "w", **profile) as out:
            out.write(pixels)
        return request.with_(after=after, **members), request

    return make


def run(request, output, **options):
    events = []
    summary = pipeline.run(request, str(output), captioner=registry.load(request.model), on_event=events.append, **options)
    return summary, [event for event in events if event["type"] == "log"]


def captions(path):
    """Caption by tile, of tiles with data everywhere."""
    return {name: row["caption"] for name, row in table(path).items() if min(row["valid_before"], row["valid_after"]) == 1}


def test_aligned_pair_has_the_captions_of_the_pair_that_matches(shifted, tmp_path):
    request, right = shifted(align="shift")
    run(right, tmp_path / "right.gpkg")
    summary, log = run(request, tmp_path / "aligned.gpkg")
    aligned, expected = captions(tmp_path / "aligned.gpkg"), captions(tmp_path / "right.gpkg")
    assert len(aligned) >= 28 and aligned.items() <= expected.items()
    assert [entry["level"] for entry in log if "moved by -12.0 pixels down and" in entry["message"]] == ["info"]
    assert not any("false changes" in warning for warning in summary.warnings)
    recorded = read_provenance(tmp_path / "aligned.gpkg")["alignment"]
    assert recorded["applied"] and recorded["rows_px"] == SHIFT_PX and recorded["residual_px"] < 0.5
    assert read_provenance(tmp_path / "right.gpkg")["alignment"] is None
    assert json.loads(json.dumps(pipeline.describe(request)["alignment"])) == recorded


def test_a_run_that_does_not_align_offers_it(shifted, tmp_path):
    request, _ = shifted()
    summary, log = run(request, tmp_path / "off.gpkg")
    (offer,) = [entry for entry in log if entry.get("offer") == "align"]
    assert "--align shift" in offer["message"] and offer["message"] in summary.warnings
    card = registry.card(request.model)
    with pipeline.opened(request, card) as opened:
        found = preview.preview(request, card, *opened)
    assert found["offset"] == offer["message"] and found["alignment"] is None
    request = request.with_(align="shift")
    with pipeline.opened(request, card) as opened:
        found = preview.preview(request, card, *opened)
    assert found["offset"] is None and found["alignment"].startswith("The after raster is moved")


def test_resumed_run_reads_the_recorded_alignment(shifted, tmp_path, monkeypatch):
    request, _ = shifted(align="shift")
    run(request, tmp_path / "whole.gpkg")
    tiles = []
    with pytest.raises(Cancelled):
        pipeline.run(
            request.with_(batch_size=4),
            str(tmp_path / "out.gpkg"),
            captioner=registry.load(request.model),
            on_event=lambda event: tiles.append(event) if event["type"] == "tile" else None,
            cancelled=lambda: len(tiles) >= 8,
        )
    with monkeypatch.context() as patch:
        patch.setattr(align, "estimate", lambda *args: pytest.fail("estimated again"))
        summary, _ = run(request, tmp_path / "out.gpkg", resume=True)
    assert summary.resumed >= 8 and table(tmp_path / "out.gpkg") == table(tmp_path / "whole.gpkg")
    with pytest.raises(OutputError, match="request.align"):
        run(request.with_(align="off"), tmp_path / "out.gpkg", resume=True)


def test_click_and_cluster_read_the_runs_pixels(shifted, tmp_path, monkeypatch):
    request, _ = shifted(align="shift")
    run(request, tmp_path / "out.gpkg")
    captioner = registry.load(request.model)
    part = (391_360.0, 5_820_032.0 - 2 * TILE_PX * 0.5, 391_360.0 + 3 * TILE_PX * 0.5, 5_820_032.0)
    with pipeline.opened(request.with_(extent=part), captioner.card) as (pair, grid):
        clicked = pipeline.caption_at(request, captioner, pair, grid, 391_360.0 + 2.5 * 32, 5_820_032.0 - 1.5 * 32).to_json()["properties"]
        row = table(tmp_path / "out.gpkg")["r00001_c00002"]
        assert (clicked["caption"], clicked["change_score"]) == (row["caption"], row["change_score"])
        monkeypatch.setattr(align, "estimate", lambda *args: pytest.fail("estimated by a worker"))
        sent = pickle.loads(pickle.dumps(pair))
        ref = next(iter(grid))
        assert all(np.array_equal(mine, other) for mine, other in zip(pair.read(ref), sent.read(ref)))
        sent.close()


def test_the_reports_pictures_are_aligned(shifted, tmp_path):
    request, right = shifted(align="shift")
    run(request, tmp_path / "out.gpkg")
    layer = read_layer(str(tmp_path / "out.gpkg"))
    cell = next(cell for cell in layer.cells if cell.properties["tile_id"] == "r00003_c00003")
    with Pictures(layer) as pictures, Pictures(layer, after=right.after) as unmoved, rasterio.open(right.after) as truth:
        frame = tile_frame(cell, layer.crs_wkt)
        shown = pictures.pixels("after", frame)[0]
        assert unmoved.pixels("after", frame)[0].shape == shown.shape
        tile = truth.read(window=rasterio.windows.Window(3 * TILE_PX, 3 * TILE_PX, TILE_PX, TILE_PX))
    # A tile of 64 pixels is shown with 256; its middle pixels are the raster's.
    assert abs(shown[:, 2::4, 2::4].astype(int) - tile).mean() < abs(np.roll(shown, 4 * SHIFT_PX, 1)[:, 2::4, 2::4].astype(int) - tile).mean() / 2
