"""A sample drawn from a layer, judged, and what `changescribe accuracy` makes of it."""

import csv
import json
import shutil
from collections import Counter

import fiona
import pytest

from engine.accuracy import design, sample
from engine.accuracy.design import SampleOptions
from engine.accuracy.result import assess
from engine.cli import main
from engine.contract.fields import TILE, fields_of
from engine.errors import InputError, OutputError

KINDS = {"text": "str", "int": "int32", "bool": "bool", "real": "float"}
SIDE_M = 128.0


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    """A layer of 40 × 50 tiles: 200 changed (100 with new buildings), 20 without data in the after raster, the rest unchanged."""
    path = tmp_path_factory.mktemp("sample") / "changes.gpkg"
    schema = {"geometry": "Polygon", "properties": {field.name: KINDS[field.kind] for field in fields_of(TILE)}}
    with fiona.open(path, "w", driver="GPKG", layer="change_captions", schema=schema, crs="EPSG:32633") as rows:
        for number in range(2000):
            row, col = divmod(number, 50)
            x, y = 391_000 + col * SIDE_M, 5_820_000 - row * SIDE_M
            ring = [(x, y), (x + SIDE_M, y), (x + SIDE_M, y - SIDE_M), (x, y - SIDE_M), (x, y)]
            values = dict.fromkeys(schema["properties"]) | {"tile_id": f"r{row:05d}_c{col:05d}", "row": row, "col": col, "status": "unchanged"}
            values |= {"changed": False, "change_score": 0.1, "caption": "the scene is the same as before", "valid_before": 1.0, "valid_after": 1.0}
            if number % 10 == 0:
                values |= {"changed": True, "status": "captioned", "change_score": 0.5 + number % 40 / 100, "caption": "houses are built"}
                values |= {"added": "building" if number % 20 == 0 else "road"}
            elif number % 100 == 1:
                values |= {"changed": None, "status": "skipped_nodata", "valid_after": 0.1, "change_score": None, "caption": None}
            rows.write({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": values})
    return str(path)


def judge(path, wrong=(), unsure=(), skip=0, second=None):
    """Fill in a sample: right but for the rows whose numbers are given, which are judged to be the other class."""
    with fiona.open(path, layer="accuracy_sample") as rows:
        crs, schema, tags = rows.crs, rows.schema, rows.tags()
        features = [(dict(feature.properties), feature.geometry) for feature in rows]
    with fiona.open(path, "w", driver="GPKG", layer="accuracy_sample", crs=crs, schema=schema) as rows:
        for values, geometry in features:
            number = values["sample_id"]
            if number > skip:
                values["verdict"] = "wrong" if number in wrong else "unsure" if number in unsure else "right"
                values["reference"] = {"changed": "unchanged", "unchanged": "changed"}[values["mapped"]] if number in wrong else None
                if second is not None:
                    values["verdict_2"] = "right" if number not in second else "wrong"
                    values["reference_2"] = "unchanged" if number in second else None
            rows.write({"type": "Feature", "geometry": geometry, "properties": values})
        rows.update_tags(tags)


@pytest.fixture
def drawn(layer, tmp_path):
    """A sample by change."""
    path = tmp_path / "sample.gpkg"
    sample.write(layer, str(path), SampleOptions(seed=3))
    return path


def test_the_size_is_cochrans(layer, tmp_path):
    """0.1 of √(0.75 · 0.25) and 0.9 of √(0.95 · 0.05) over a standard error of 0.02, about 145 tiles; at least 50 changed ones."""
    found = sample.write(layer, str(tmp_path / "a.gpkg"), SampleOptions())
    spread = (200 * (0.75 * 0.25) ** 0.5 + 1780 * (0.95 * 0.05) ** 0.5) / 1980
    size = -(-((spread / 0.02) ** 2) // 1)
    assert found["strata"]["changed"]["sampled"] == 50
    assert found["strata"]["unchanged"]["sampled"] == pytest.approx(size * 1780 / 1980, abs=1)
    assert found["strata"]["changed"]["area_m2"] == pytest.approx(200 * SIDE_M**2, rel=0.01)
    assert "20 tiles without data" in found["warnings"][0]


def test_a_seed_draws_the_same_tiles_and_another_others(layer, tmp_path):
    tiles = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        sample.write(layer, str(tmp_path / f"{name}.gpkg"), SampleOptions(seed=seed))
        tiles.append([row.tile_id for row in sample.read(str(tmp_path / f"{name}.gpkg")).rows])
    assert tiles[0] == tiles[1] != tiles[2]
    assert len(set(tiles[0])) == len(tiles[0])


def test_inclusion_probabilities_and_random_order(drawn):
    with fiona.open(drawn, layer="accuracy_sample") as rows:
        values = [feature.properties for feature in rows]
    changed = [row for row in values if row["mapped"] == "changed"]
    assert {row["inclusion"] for row in changed} == {50 / 200}
    assert {row["verdict"] for row in values} == {None}
    assert 10 < sum(row["mapped"] == "changed" for row in values[:75]) < 50, "the strata follow one another"


@pytest.mark.parametrize(
    ("by", "strata"),
    [
        ("class", {"unchanged", "building added", "road added"}),
        ("score", {"score 0 to 0.2", "score 0.4 to 0.6", "score 0.6 to 0.8", "score 0.8 to 1"}),
    ],
)
def test_other_strata(layer, tmp_path, by, strata):
    found = sample.write(layer, str(tmp_path / "a.gpkg"), SampleOptions(by=by, minimum=20, size=100))
    assert set(found["strata"]) == strata
    rows = sample.read(str(tmp_path / "a.gpkg")).rows
    assert all(count >= 20 for count in Counter(row.stratum for row in rows).values())


def test_a_perfect_map(drawn):
    judge(drawn)
    found = assess(str(drawn))
    assert found["overall"]["value"] == 1 and found["overall"]["low"] > 0.97
    assert found["classes"]["changed"]["area_m2"]["value"] == pytest.approx(200 / 1980 * found["area_m2"], rel=1e-4)
    assert found["kappa"] is None and found["left"] == 0


def test_errors_move_the_area_by_their_stratums_weight(drawn, layer):
    rows = sample.read(str(drawn)).rows
    missed = [i for i, row in enumerate(rows, 1) if row.mapped == "unchanged"][:2]
    judge(drawn, wrong=missed)
    found = assess(str(drawn), layer)
    unchanged = sum(row.mapped == "unchanged" for row in rows)
    share = 200 / 1980 + 1780 / 1980 * 2 / unchanged
    changed = found["classes"]["changed"]
    assert changed["area_m2"]["value"] == pytest.approx(share * found["area_m2"], rel=1e-4)
    assert changed["mapped_m2"] == pytest.approx(200 / 1980 * found["area_m2"], rel=1e-4)
    assert changed["area_m2"]["low"] < changed["area_m2"]["value"] < changed["area_m2"]["high"]
    assert "error-adjusted area of 'changed'" in found["summary"]


def test_unsure_and_unjudged_tiles_are_left_out_and_said(drawn):
    judge(drawn, unsure=(4, 5), skip=3)
    found = assess(str(drawn))
    assert (found["unsure"], found["left"]) == (2, 3)
    assert any("5 of" in note and "not judged or unsure" in note for note in found["notes"])


def test_two_interpreters(drawn):
    changed = [i for i, row in enumerate(sample.read(str(drawn)).rows, 1) if row.mapped == "changed"]
    judge(drawn, second=changed[:5])
    found = assess(str(drawn))
    assert found["judged_twice"] == found["judged"] and 0 < found["kappa"] < 1


def test_nothing_judged_another_layer_and_lost_tiles_are_refused(drawn, layer, tmp_path):
    with pytest.raises(InputError, match="no tile of .* is judged"):
        assess(str(drawn))
    with pytest.raises(InputError, match="is no sample"):
        assess(layer)
    judge(drawn)
    other = tmp_path / "other.gpkg"
    shutil.copy(layer, other)
    with fiona.open(other, layer="change_captions") as rows:
        schema, crs, features = rows.schema, rows.crs, [(dict(f.properties), f.geometry) for f in rows]
    first = sample.read(str(drawn)).rows[0].tile_id

    def rewritten(change):
        other.unlink()
        with fiona.open(other, "w", driver="GPKG", layer="change_captions", schema=schema, crs=crs) as rows:
            for values, geometry in features:
                ring = change(values["tile_id"], geometry["coordinates"][0])
                if ring is not None:
                    rows.write({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": values})

    rewritten(lambda tile, ring: None if tile == first else ring)
    with pytest.raises(InputError, match=f"lacks 1 of the sampled tiles, such as {first}"):
        assess(str(drawn), str(other))
    rewritten(lambda tile, ring: [(x + 5, y) for x, y in ring] if tile == first else ring)
    with pytest.raises(InputError, match=f"outline of tile {first}"):
        assess(str(drawn), str(other))


def test_a_class_that_does_not_exist_is_refused(drawn):
    judge(drawn)
    with fiona.open(drawn, "r", layer="accuracy_sample") as rows:
        crs, schema, tags = rows.crs, rows.schema, rows.tags()
        features = [(dict(f.properties), f.geometry) for f in rows]
    features[0][0].update(verdict="wrong", reference="castle")
    with fiona.open(drawn, "w", driver="GPKG", layer="accuracy_sample", crs=crs, schema=schema) as rows:
        rows.writerecords([{"type": "Feature", "geometry": geometry, "properties": values} for values, geometry in features])
        rows.update_tags(tags)
    with pytest.raises(InputError, match="judged as 'castle'"):
        sample.read(str(drawn))


def test_rows_deleted_from_the_sample_are_noticed(drawn):
    with fiona.open(drawn, layer="accuracy_sample") as rows:
        crs, schema, tags = rows.crs, rows.schema, rows.tags()
        features = [{"type": "Feature", "geometry": f.geometry, "properties": f.properties} for f in rows][1:]
    with fiona.open(drawn, "w", driver="GPKG", layer="accuracy_sample", crs=crs, schema=schema) as rows:
        rows.writerecords(features)
        rows.update_tags(tags)
    with pytest.raises(InputError, match="1 tiles are missing from the sample"):
        sample.read(str(drawn))


def test_a_sample_is_never_overwritten(drawn, layer):
    with pytest.raises(OutputError, match="judgements in it would be lost"):
        sample.write(layer, str(drawn), SampleOptions())


@pytest.mark.parametrize("members", [{"by": "row"}, {"standard_error": 0.0}, {"minimum": 1}, {"size": 1}, {"seed": -1}, {"expected_changed": 1.0}])
def test_bad_options_are_named(members):
    with pytest.raises(InputError, match=f"{next(iter(members))} = "):
        SampleOptions(**members).verify()


@pytest.mark.parametrize(
    ("classes", "expected"), [(["+road", "+building"], "building added"), (["-vegetation"], "vegetation removed"), ([], "other change")]
)
def test_the_class_of_a_tile(classes, expected):
    assert design.cell_class(classes) == expected
    assert expected in design.class_names("class")


def test_on_the_command_line(layer, tmp_path, capsys):
    path, result = tmp_path / "sample.gpkg", tmp_path / "accuracy.csv"
    assert main(["sample", layer, "-o", str(path), "--size", "120", "--seed", "5", "--json"]) == 0
    drawn = json.loads(capsys.readouterr().out.splitlines()[-1])
    judge(path, wrong=(1, 2))
    assert main(["accuracy", str(path), "--layer", layer, "-o", str(result)]) == 0
    assert "of the ground is mapped right" in capsys.readouterr().out
    rows = list(csv.reader(result.read_text().splitlines()))
    assert [row[0] for row in rows] == ["class", "unchanged", "changed", "overall"]
    assert float(rows[2][rows[0].index("area_m2_low")]) > 0
    assert drawn["result"]["sampled"] >= 120 if "result" in drawn else drawn["sampled"] >= 120
    assert main(["accuracy", str(path), "-o", str(tmp_path / "a.xlsx")]) == 2
