"""The bundled model through the whole path: on the drawn sample, and on real georeferenced pairs where they are."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import pipeline, registry
from engine.captioner import CaptionOptions
from engine.cli import main
from engine.demo import write_sample
from engine.errors import ModelError
from engine.evaluation.pairs import read_image, read_pairs
from engine.schema import DEFAULT_MODEL, CaptionRequest
from engine.text import is_well_formed

GEOTIFF = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "geotiff"


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
