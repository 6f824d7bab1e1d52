"""What scripts and files of users depend on stays: names frozen in ``frozen.json``, and a layer that the first version wrote."""

import json
import shutil
import sqlite3
from pathlib import Path

import fiona
import pytest
from runs import draw_pair, table

from engine import registry
from engine.contract import fields as contract_fields
from engine.contract.errors import InputError, OutputError
from engine.contract.fields import TILE, names_of
from engine.contract.request import CaptionRequest
from engine.contract.tiles import TileCaption
from engine.models.captioner import ModelCard
from engine.report.layer import read_layer
from engine.report.reviewed import export
from engine.run import pipeline

import fakes
import surfaces

OLD_LAYER = Path(__file__).resolve().parents[1] / "contract" / "layer_v1.gpkg"
FROZEN = json.loads(surfaces.FROZEN.read_text("utf-8"))
NOW = surfaces.current()
# What the first version left in the metadata of a layer.
PROVENANCE = {"request", "model", "threshold", "sampling", "grid", "versions", "started", "ended", "counts"}


def lost(frozen, now, path=""):
    """Names of ``frozen`` that ``now`` lacks, and values that differ."""
    if isinstance(frozen, dict):
        return [name for key, value in frozen.items() for name in (lost(value, now[key], f"{path}/{key}") if key in now else [f"{path}/{key}"])]
    if isinstance(frozen, list):
        return [f"{path}/{item}" for item in frozen if item not in now]
    return [] if frozen == now else [f"{path}: {frozen!r} became {now!r}"]


def test_every_frozen_name_is_still_there():
    assert lost(FROZEN, NOW) == []


@pytest.mark.parametrize("surface", ["batch table", "columns", "models", "classes"])
def test_a_name_that_goes_away_is_noticed(surface):
    fewer = {**NOW, surface: NOW[surface][1:]}
    assert len(lost(FROZEN, fewer)) == 1


def test_the_order_of_the_first_columns_is_kept():
    frozen = [tuple(column) for column in FROZEN["columns"]]
    now = [tuple(column) for column in NOW["columns"]]
    assert [column for column in now if column in frozen] == frozen


@pytest.fixture
def old_layer(tmp_path, monkeypatch):
    """The layer of the first version, interrupted after thirteen of its sixteen tiles, beside the rasters that it was made of."""
    monkeypatch.setattr(registry, "RESOURCES", registry.RESOURCES)
    fakes.install(tmp_path / "models")
    before, after = draw_pair(tmp_path)
    path = tmp_path / "old.gpkg"
    shutil.copy(OLD_LAYER, path)
    with fiona.open(path, "a", driver="GPKG", layer="change_captions") as layer:
        provenance = json.loads(layer.tags()["changescribe"])
        provenance["request"] |= {"before": before, "after": after}  # where the rasters lie on this machine
        provenance["model"]["sha256"] = registry.row(fakes.ID)["sha256"]  # safetensors writes its metadata in any order
        layer.update_tags({"changescribe": json.dumps(provenance)})
    return path, CaptionRequest.from_json({**provenance["request"]})


def captioner():
    return fakes.FakeCaptioner(ModelCard(fakes.ID, "a fake", threshold=0.1))


def test_a_layer_of_the_first_version_is_read_with_its_corrections(old_layer):
    path, _ = old_layer
    layer = read_layer(str(path))
    captions = {cell.properties["tile_id"]: cell.properties["caption"] for cell in layer.cells}
    assert len(layer.cells) == 13
    assert captions["r00000_c00000"] == "a row of houses replaces the woods"
    assert set(layer.provenance) >= PROVENANCE - {"ended", "counts"}


def test_a_layer_of_the_first_version_is_resumed(old_layer, tmp_path):
    path, request = old_layer
    kept = table(path)
    fresh = tmp_path / "fresh.gpkg"
    pipeline.run(request, str(fresh), captioner=captioner())
    summary = pipeline.run(request, str(path), resume=True, captioner=captioner())
    assert (summary.resumed, summary.total) == (13, 16)
    now, whole = table(path), table(fresh)
    assert {tile: now[tile] for tile in kept} == kept
    frozen = {name for name, _ in FROZEN["columns"]} - {"seconds"}
    core = [name for name in names_of(TILE) if name in frozen]
    new = set(now) - set(kept)
    assert len(new) == 3
    assert all({name: now[tile][name] for name in core} == {name: whole[tile][name] for name in core} for tile in new)


def test_a_layer_of_the_first_version_is_not_continued_with_other_options(old_layer):
    path, request = old_layer
    with pytest.raises(OutputError, match="belongs to another run"):
        pipeline.run(request.with_(max_nodata=0.25), str(path), resume=True, captioner=captioner())


def test_reviewed_tiles_of_the_first_version_are_exported(old_layer, tmp_path):
    path, _ = old_layer
    export([str(path)], tmp_path / "reviewed")
    rows = json.loads((tmp_path / "reviewed" / "LevirCCcaptions.json").read_text("utf-8"))["images"]
    assert {row["sentences"][0]["raw"] for row in rows if row["reviewed"]} >= {"a row of houses replaces the woods"}
    assert sum(row["reviewed"] for row in rows) == 2


def test_the_layer_of_the_first_version_is_the_first_versions():
    with sqlite3.connect(f"file:{OLD_LAYER}?mode=ro", uri=True) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(change_captions)")]
    asked = {"answer"}  # a column of runs that ask a question
    assert columns[2:] == [name for name, _ in FROZEN["columns"] if name not in asked]


@pytest.fixture
def next_version(monkeypatch):
    """The columns of a version to come: one more, after those of every run."""
    more = contract_fields.Field("unusual", "real", "Unusual (0–1)", since=2)
    monkeypatch.setattr(contract_fields, "FIELDS", (*contract_fields.FIELDS, more))
    monkeypatch.setattr(TileCaption, "properties", lambda tile, known=TileCaption.properties: {**known(tile), "unusual": 0.25})


def test_a_layer_without_a_column_that_came_later_is_read_and_resumed(old_layer, next_version, tmp_path):
    path, request = old_layer
    assert len(read_layer(str(path)).cells) == 13
    assert read_layer(str(path)).cells[0].properties["unusual"] is None
    assert pipeline.run(request, str(path), resume=True, captioner=captioner()).total == 16
    fresh = tmp_path / "fresh.gpkg"
    pipeline.run(request, str(fresh), captioner=captioner())
    assert {row["unusual"] for row in table(fresh).values()} == {0.25}
    assert all("unusual" not in row for row in table(path).values())


def test_a_layer_of_a_later_version_is_read_and_resumed(old_layer, tmp_path, monkeypatch):
    _, request = old_layer
    path = tmp_path / "later.gpkg"
    more = contract_fields.Field("unusual", "real", "Unusual (0–1)", since=2)
    with monkeypatch.context() as later:
        later.setattr(contract_fields, "FIELDS", (*contract_fields.FIELDS, more))
        pipeline.run(request.with_(threshold=0.2), str(path), captioner=captioner())
    assert len(read_layer(str(path)).cells) == 16
    assert pipeline.run(request.with_(threshold=0.2), str(path), resume=True, captioner=captioner()).resumed == 16


def test_a_layer_without_a_core_column_is_named_as_none_of_ours(old_layer):
    path, _ = old_layer
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE change_captions RENAME COLUMN change_score TO points")
    with pytest.raises(InputError, match="no column change_score"):
        read_layer(f"{path}|layername=change_captions")
