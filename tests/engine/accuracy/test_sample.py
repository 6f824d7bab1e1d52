"""A sample drawn from a layer, judged, and what `changescribe accuracy` makes of it."""

import csv
import json
import re
import shutil
from collections import Counter

import fiona
import pytest

from engine.accuracy import design, sample
from engine.accuracy.design import SampleOptions
from engine.accuracy.request import accuracy_of, sample_of
from engine.accuracy.result import assess
from engine.cli import main
from engine.contract.errors import InputError, OutputError
from engine.contract.fields import TILE, fields_of

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
    assert "error-adjusted area of change is" in found["summary"]


def test_change_is_the_complement_of_unchanged(layer, tmp_path):
    """By class too, where no single class is all of the change."""
    path = tmp_path / "sample.gpkg"
    sample.write(layer, str(path), SampleOptions(by="class", minimum=20, size=100))
    judge_classes(path)
    found = assess(str(path))
    unchanged, change = found["classes"]["unchanged"]["area_m2"], found["change"]["area_m2"]
    assert change["value"] == pytest.approx(found["area_m2"] - unchanged["value"])
    assert (change["low"], change["high"]) == pytest.approx((found["area_m2"] - unchanged["high"], found["area_m2"] - unchanged["low"]))
    assert found["change"]["mapped_m2"] == pytest.approx(200 / 1980 * found["area_m2"], rel=1e-4)
    assert "error-adjusted area of change is" in found["summary"] and "of 'building added'" in found["summary"]


def judge_classes(path):
    rewrite(path, lambda values: values.update(verdict="right"))


def rewrite(path, change):
    """Write a sample anew, its rows changed."""
    with fiona.open(path, layer="accuracy_sample") as rows:
        crs, schema, tags = rows.crs, rows.schema, rows.tags()
        features = [(dict(feature.properties), feature.geometry) for feature in rows]
    for values, _ in features:
        change(values)
    with fiona.open(path, "w", driver="GPKG", layer="accuracy_sample", crs=crs, schema=schema) as rows:
        rows.writerecords([{"type": "Feature", "geometry": geometry, "properties": values} for values, geometry in features])
        rows.update_tags(tags)


def test_no_changed_tile_at_all_is_a_limitation_that_is_said(layer, drawn):
    """Zero positives: everything was judged as unchanged."""
    changed = [i for i, row in enumerate(sample.read(str(drawn)).rows, 1) if row.mapped == "changed"]
    judge(drawn, wrong=changed)
    found = assess(str(drawn), layer)
    assert any("No judged unit is truly 'changed'" in note for note in found["notes"])
    assert found["classes"]["changed"]["producers"] is None
    assert found["change"]["area_m2"]["low"] == 0 < found["change"]["area_m2"]["high"]


def test_judgements_that_are_not_blind_and_one_person_twice_are_said(drawn):
    judge(drawn, second=())
    times = {"judged": "2026-01-01T10:00:00.000+00:00", "shown": "2026-01-01T10:00:05.000+00:00"}
    rewrite(drawn, lambda values: values.update(times, judge="Ada", judge_2="Ada"))
    notes = assess(str(drawn))["notes"]
    assert not any("blind" in note for note in notes) and any("by the same person" in note for note in notes)
    rewrite(
        drawn, lambda values: values.update(judged="2026-01-01T10:00:09.000+00:00" if values["sample_id"] <= 3 else times["judged"], judge_2="Grace")
    )
    notes = assess(str(drawn))["notes"]
    assert any(note.startswith("3 tiles were judged after the model's answer") for note in notes) and not any("same person" in note for note in notes)


def test_the_protocols_messages(layer, tmp_path):
    """As the worker gets them from Processing."""
    path, table = tmp_path / "sample.gpkg", tmp_path / "accuracy.csv"
    assert sample_of({"layer": layer, "output": str(path), "by": "change", "size": 60, "minimum": 20})["sampled"] >= 60
    judge(path)
    found = accuracy_of({"sample": str(path), "layer": layer, "json": None, "csv": str(table)})
    assert found["overall"]["value"] == 1 and table.read_text().startswith("class,")
    assert not (tmp_path / "accuracy.json").exists()


@pytest.mark.parametrize(
    ("answer", "members", "match"),
    [
        (sample_of, {"layer": "a.gpkg"}, "a sample"),
        (sample_of, {"layer": 3, "output": "b.gpkg"}, "layer = 3"),
        (sample_of, {"layer": "a.gpkg", "output": "b.gpkg", "colour": 1}, "a sample"),
        (accuracy_of, None, "an accuracy"),
        (accuracy_of, {"sample": "a.gpkg", "json": ""}, "json = ''"),
        (accuracy_of, {"sample": None}, "sample = None"),
    ],
)
def test_wrong_messages(answer, members, match):
    with pytest.raises(InputError, match=match):
        answer(members)


def test_a_report_names_the_adjusted_area(layer, drawn, tmp_path, capsys):
    judge(drawn, wrong=(1, 2))
    page = tmp_path / "report.html"
    assert main(["report", layer, "-o", str(page), "--top", "0", "--accuracy", str(drawn), "--json"]) == 0
    text, found = page.read_text("utf-8"), assess(str(drawn))
    assert "<h2>Accuracy and error-adjusted areas</h2>" in text and "Error matrix" in text
    summary = re.search(r'<p class="summary">(.*?)</p>', text)[1]
    assert "error-adjusted area of change is" in summary and "95 % interval" in summary
    cell = next(cell for cell in found["matrix"] if cell["mapped"] == cell["reference"] == "unchanged")
    assert f"{cell['tiles']} ({cell['share']:.4f})" in text
    assert "error-adjusted area" in capsys.readouterr().out
    other = tmp_path / "other.gpkg"
    sample.write(layer, str(other), SampleOptions(seed=9))
    assert main(["report", layer, "-o", str(tmp_path / "b.html"), "--accuracy", str(other)]) == 2  # nothing is judged
    assert not (tmp_path / "b.html").exists()


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


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"verdict": "yes"}, "verdict 'yes'"),
        ({"verdict": "right", "reference": "changed", "mapped": "unchanged"}, "is judged as 'changed', verdict 'right'"),
        ({"verdict": "wrong", "reference": "changed", "mapped": "changed"}, "is judged as 'changed', verdict 'wrong'"),
        ({"verdict": "right", "verdict_2": "maybe"}, "correct the columns verdict_2"),
    ],
)
def test_verdicts_filled_by_hand_must_make_sense(drawn, values, match):
    rewrite(drawn, lambda row: row.update(values if row["sample_id"] == 1 else {}))
    with pytest.raises(InputError, match=match):
        sample.read(str(drawn))


def test_wrong_alone_names_the_other_of_two_classes(drawn):
    rewrite(drawn, lambda row: row.update(verdict="wrong"))
    assert all(row.reference not in (None, row.mapped) for row in sample.read(str(drawn)).rows)


def test_a_sample_without_its_metadata_is_refused(drawn):
    with fiona.open(drawn, "a", layer="accuracy_sample") as rows:
        rows.update_tags({"changescribe_sample": "{}"})
    with pytest.raises(InputError, match="is no sample .no metadata"):
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
