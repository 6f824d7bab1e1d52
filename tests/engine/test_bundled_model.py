"""The bundled model through the whole path: on the drawn sample, and on real georeferenced pairs where they are."""

import sqlite3
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

from engine import registry
from engine.cli import main
from engine.contract.errors import ModelError
from engine.contract.request import DEFAULT_MODEL, CaptionRequest
from engine.demo import write_sample
from engine.evaluation.pairs import read_image, read_pairs
from engine.models import scribe
from engine.models.captioner import CaptionOptions
from engine.run import lanes, pipeline
from engine.words.text import is_well_formed

GEOTIFF = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "geotiff"
SCORE_TOLERANCE = 0.02  # of change and caption scores (0..1) between batch sizes, threads, fused or not, bfloat16 or not


@pytest.fixture(scope="module")
def captioner():
    try:
        registry.verify(DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(str(error))
    return registry.load(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    before, after = write_sample(tmp_path_factory.mktemp("sample"))
    return CaptionRequest(str(before), str(after))


def captions(request, captioner):
    found = {}
    pipeline.run(
        request, None, captioner=captioner, on_event=lambda e: found.update({e["tile"]["properties"]["tile_id"]: e["tile"]}) if "tile" in e else None
    )
    return {tile_id: (tile["properties"]["caption"], tile["properties"]["status"]) for tile_id, tile in found.items()}


def test_a_thousand_tiles_have_no_empty_cut_or_stuttered_sentence(captioner):
    """Every tile is decoded, changed or not, and its sentence read before the sanity check would replace it."""
    if not GEOTIFF.exists():
        pytest.skip("../shared/data is not here")
    folders = (("pairs", "val"), ("levir_cc", "val"), ("levir_cc", "train"))
    pairs = [pair for folder, split in folders for pair in read_pairs(GEOTIFF.parent / folder, split)][:1000]
    assert len(pairs) == 1000
    sentences = []
    with torch.inference_mode():
        for start in range(0, len(pairs), 20):
            dates = [
                np.concatenate([read_image(path, 256) for path in paths]) for paths in zip(*((p.before, p.after) for p in pairs[start : start + 20]))
            ]
            encoded = captioner.encode(*map(torch.from_numpy, dates))
            sentences += [text for text, _ in captioner.generate(encoded.state, torch.arange(20), CaptionOptions(), ())]
    assert [text for text in sentences if not is_well_formed(text)] == []
    assert len(set(sentences)) > 100


def test_batches_and_clicks_give_the_same_captions(captioner, sample):
    whole = captions(sample, captioner)
    assert captions(sample.with_(batch_size=3), captioner) == whole
    assert {status for _, status in whole.values()} == {"captioned", "unchanged"}
    with pipeline.opened(sample, captioner.card) as (pair, grid):
        for ref in list(grid)[:6]:
            ring = grid.footprint(ref)[:4]
            x, y = (sum(point[i] for point in ring) / 4 for i in (0, 1))
            tile = pipeline.caption_at(sample, captioner, pair, grid, x, y)
            assert (tile.caption.text, tile.status) == whole[ref.tile_id]


def by_tile(request, captioner, width, threads):
    """Captions of a run on so many lanes of so many threads, by tile."""
    lane = lanes.Lane(lanes._pool(width, threads), width)
    with mock.patch.object(lanes, "_cpu_lanes", lambda: lane), pipeline.opened(request, captioner.card) as (pair, grid):
        found = {tile.ref.tile_id: tile.caption for tile in pipeline.caption_tiles(request, captioner, pair, grid, grid)}
    lane.pool.shutdown()
    return found


def assert_same(found, expected, other_words=0):
    """The same flags and captions, and scores as near as rounding in another order leaves them; some tiles may have ``other_words``."""
    assert list(found) == list(expected)
    pairs = [(caption, expected[tile_id]) for tile_id, caption in found.items()]
    assert [caption.changed for caption, _ in pairs] == [other.changed for _, other in pairs]
    assert [caption.change_score for caption, _ in pairs] == pytest.approx([other.change_score for _, other in pairs], abs=SCORE_TOLERANCE)
    same = [(caption, other) for caption, other in pairs if caption.text == other.text]
    assert len(same) >= len(pairs) - other_words
    assert [caption.score for caption, _ in same] == pytest.approx([other.score for _, other in same], abs=SCORE_TOLERANCE)


@pytest.fixture(scope="module")
def expected(captioner, sample):
    return by_tile(sample, captioner, 1, 1)


@pytest.mark.parametrize(("width", "threads", "batch"), [(2, 1, None), (1, 2, 7), (3, 1, 2)])
def test_lanes_threads_and_batches_change_no_caption(captioner, sample, expected, width, threads, batch):
    assert_same(by_tile(sample.with_(batch_size=batch), captioner, width, threads), expected)


def test_fused_convolutions_change_no_caption(captioner, sample, expected, monkeypatch):
    monkeypatch.setattr(captioner, "encoder", captioner.net.encoder)
    assert_same(by_tile(sample, captioner, 1, 1), expected)


def test_full_precision_changes_no_flag(captioner, sample, expected, monkeypatch):
    """What a processor without bfloat16 computes; where two sentences are about as likely, it may choose the other one."""
    monkeypatch.setattr(scribe, "cpu_has_bf16", lambda: False)
    assert_same(by_tile(sample, registry.load(DEFAULT_MODEL), 1, 1), expected, other_words=3)


@pytest.mark.parametrize("name", ["fotbcd/Binary_test_114", "utm_float32/2_1"])
def test_real_pairs_are_captioned_whether_or_not_the_dates_share_a_grid(captioner, tmp_path, name):
    before, after = (GEOTIFF / f"{name}_{date}.tif" for date in ("before", "after"))
    if not before.exists():
        pytest.skip("../shared/data is not here")
    output = tmp_path / "out.gpkg"
    assert main(["caption", str(before), str(after), "-o", str(output)]) == 0
    with sqlite3.connect(output) as database:
        rows = database.execute("SELECT status, caption, change_score, model FROM change_captions").fetchall()
    assert rows
    assert all(
        status in ("captioned", "unchanged") and caption and 0 <= score <= 1 and model == DEFAULT_MODEL for status, caption, score, model in rows
    )
