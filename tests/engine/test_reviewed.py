"""``changescribe export-reviewed``: what of a reviewed layer becomes a data set, in which split, and with which pixels."""

import json
import sqlite3

import numpy as np
import pytest
import rasterio
from PIL import Image
from runs import TILE_PX

from engine.cli import main
from engine.contract.errors import InputError, OutputError
from engine.contract.tiles import UNCHANGED_TEXT
from engine.evaluation.pairs import read_pairs
from engine.report.figure import Cell
from engine.report.reviewed import CAPTIONS, export, export_of, split_places

import fakes

CHANGED = "r00000_c00000", "r00001_c00002", "r00003_c00003"


@pytest.fixture
def captioned(make_pair, fake_weights, tmp_path):
    """A run over 4 × 4 tiles: 3 changed, 12 unchanged, 1 without data."""
    output = tmp_path / "out.gpkg"
    assert main(["caption", *make_pair(), "-o", str(output), "--tile", str(TILE_PX), "--model", fakes.ID]) == 0
    return output


def edit(path, tile_id, **values):
    """Set columns of a row, as QGIS does; GDAL's triggers on geometries are not needed for that."""
    with sqlite3.connect(path) as database:
        for trigger in [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            database.execute(f'DROP TRIGGER "{trigger}"')
        for name, value in values.items():
            database.execute(f"UPDATE change_captions SET {name} = ? WHERE tile_id = ?", (value, tile_id))


def rows_of(folder):
    return {row["filename"].split("out_")[1].removesuffix(".png"): row for row in json.loads((folder / CAPTIONS).read_text())["images"]}


def test_what_was_judged_is_exported(captioned, tmp_path):
    edit(captioned, CHANGED[0], review="right")
    edit(captioned, CHANGED[1], review="wrong", edited_caption="A shed appears.", added="building", removed=None, altered=None)
    edit(captioned, CHANGED[2], review="wrong")  # and nobody said what is right
    folder = tmp_path / "reviewed"
    assert main(["export-reviewed", str(captioned), "-o", str(folder)]) == 0
    rows = rows_of(folder)
    assert rows[CHANGED[1]]["sentences"] == [{"raw": "A shed appears.", "tokens": ["a", "shed", "appears"]}]
    assert rows[CHANGED[1]]["delta"] == {"building": "+"}
    assert rows[CHANGED[0]]["changeflag"] == 1 and CHANGED[2] not in rows
    unjudged = [row for row in rows.values() if not row["reviewed"]]
    assert len(unjudged) == 2 and all(row["changeflag"] == 0 and row["sentences"][0]["raw"] == UNCHANGED_TEXT for row in unjudged)
    assert len([pair for split in {row["split"] for row in rows.values()} for pair in read_pairs(folder, split)]) == 4


def test_false_alarms_and_missed_changes(captioned, tmp_path):
    edit(captioned, CHANGED[0], changed=0, edited_caption=UNCHANGED_TEXT, review="wrong")
    edit(captioned, "r00000_c00001", changed=1, edited_caption="a pond is dug")
    folder = tmp_path / "reviewed"
    export([str(captioned)], folder)
    rows = rows_of(folder)
    assert rows[CHANGED[0]]["changeflag"] == 0 and rows[CHANGED[0]]["delta"] == {}
    assert rows["r00000_c00001"]["delta"] == {"water": "+"}  # read off the caption


def test_the_pixels_are_those_of_the_tile(captioned, tmp_path):
    edit(captioned, CHANGED[1], review="right")
    folder = tmp_path / "reviewed"
    export([str(captioned)], folder)
    row = rows_of(folder)[CHANGED[1]]
    for side, date in (("A", "before"), ("B", "after")):
        with Image.open(folder / "images" / row["filepath"] / side / row["filename"]) as image:
            seen = np.asarray(image)
        with rasterio.open(tmp_path / f"{date}.tif") as raster:
            true = raster.read()[:, TILE_PX : 2 * TILE_PX, 2 * TILE_PX : 3 * TILE_PX]
        assert seen.shape == (256, 256, 3)
        # Enlarged four times, so that the noise is blurred; another tile's would not be like it at all.
        like = np.corrcoef(seen.reshape(64, 4, 64, 4, 3).mean((1, 3)).ravel(), true.transpose(1, 2, 0).ravel())[0, 1]
        assert like > 0.9 and abs(seen.mean() - true.mean()) < 2


def test_errors(captioned, tmp_path):
    with pytest.raises(InputError, match="no reviewed tile"):
        export([str(captioned)], tmp_path / "a")
    edit(captioned, CHANGED[0], review="right")
    with pytest.raises(InputError, match="--before and --after with 2 layers"):
        export([str(captioned)] * 2, tmp_path / "a", before="x.tif")
    export([str(captioned)], tmp_path / "b")
    with pytest.raises(OutputError, match="holds a data set already"):
        export([str(captioned)], tmp_path / "b")
    (tmp_path / "after.tif").unlink()
    with pytest.raises(InputError, match="No pictures of the after date"):
        export([str(captioned)], tmp_path / "c")
    for members in (None, {}, {"layer": "a", "output": 1}, {"layer": "a", "output": "b", "x": "y"}):
        with pytest.raises(InputError, match="an export"):
            export_of(members)


def cells(count, changed):
    ring = ((0, 0), (1, 0), (1, -1), (0, -1), (0, 0))
    return [Cell(ring, {"row": i // 10, "col": i % 10, "changed": i in changed}) for i in range(count)]


def test_no_place_is_in_both_splits_and_both_have_changes():
    chosen = cells(100, set(range(0, 100, 3)))
    found = split_places(chosen)
    by_split = {split: {place for place, s in found if s == split} for split in ("train", "val")}
    assert not by_split["train"] & by_split["val"]
    held = [cell for cell, (_, split) in zip(chosen, found) if split == "val"]
    assert 0.15 < len(held) / 100 < 0.5
    assert any(cell.changed for cell in held) and any(not cell.changed for cell in held)
    assert found == split_places(chosen)


def test_one_place_is_all_to_learn_from():
    assert [split for _, split in split_places(cells(1, {0}))] == ["train"]
