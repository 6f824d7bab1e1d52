"""Pairs of a batch, and the words of an area's summary: pure functions."""

from pathlib import Path

import pytest
from changescribe.engine.errors import InputError
from changescribe.qgis_plugin.processing.jobs import Job, jobs_from_folder, jobs_from_rows
from changescribe.qgis_plugin.processing.summary import AREA_FIELDS, AreaSummary, row


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_pairs_are_joined_by_name(tmp_path):
    touch(tmp_path, "b_before.tif", "a_before.tif", "a_after.tif", "b_after.tif", "notes.txt")
    jobs = jobs_from_folder(tmp_path, "{name}_before.tif", "{name}_after.tif")
    assert jobs == [Job(name, str(tmp_path / f"{name}_before.tif"), str(tmp_path / f"{name}_after.tif")) for name in ("a", "b")]


def test_pairs_of_two_subfolders(tmp_path):
    touch(tmp_path, "A/1.png", "B/1.png", "A/deep/2.png")
    assert [job.name for job in jobs_from_folder(tmp_path, "A/{name}.png", "B/{name}.png")] == ["1"]


def test_a_missing_partner_is_a_problem_of_its_pair_only(tmp_path):
    touch(tmp_path, "a_before.tif", "b_before.tif", "b_after.tif", "c_after.tif")
    problems = {job.name: job.problem for job in jobs_from_folder(tmp_path, "{name}_before.tif", "{name}_after.tif")}
    assert problems["a"].endswith("a_before.tif has no partner ({name}_after.tif)")
    assert problems["c"].endswith("c_after.tif has no partner ({name}_before.tif)")
    assert problems["b"] == ""


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (("before.tif", "{name}.tif"), "'before.tif'. Needed: {name} once"),
        (("{name}.tif", "{name}.tif"), "the same pattern"),
        (("{name}_x.tif", "{name}_y.tif"), "no file in .* fits"),
    ],
)
def test_bad_patterns_are_refused(tmp_path, patterns, message):
    touch(tmp_path, "a_before.tif")
    with pytest.raises(InputError, match=message):
        jobs_from_folder(tmp_path, *patterns)


def test_rows_become_jobs_with_paths_from_the_tables_folder():
    rows = [
        {"Before": "x/1.tif", "after": "/data/2.tif", "output": "North side.gpkg", "aoi": "zones.gpkg"},
        {"Before": "3.tif", "after": "/vsicurl/http://a/4.tif"},
    ]
    first, second = jobs_from_rows(rows, Path("/base"))
    assert first == Job("North_side", str(Path("/base/x/1.tif")), "/data/2.tif", str(Path("/base/zones.gpkg")))
    assert second == Job("3_4", str(Path("/base/3.tif")), "/vsicurl/http://a/4.tif")


def test_a_row_without_a_path_is_a_problem_of_its_own():
    assert jobs_from_rows([{"before": "1.tif", "after": None}], Path("/"))[0].problem == "row 1 names no after raster"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "a table without rows"),
        ([{"before": "1", "after": "2", "threshold": "0.7"}], "the column threshold. Needed: the same settings for all pairs"),
        ([{"before": "1.tif", "later": "2.tif"}], "without the column after. Needed: columns before and after"),
        ([{"before": "1", "after": "2", "output": "a"}, {"before": "3", "after": "4", "output": "A"}], "two pairs of the name A"),
    ],
)
def test_bad_tables_are_refused(rows, message):
    with pytest.raises(InputError, match=message):
        jobs_from_rows(rows, Path("/"))


def tile(status="captioned", changed=True, caption="houses are built", score=0.9, added="building; road"):
    compared = status in ("captioned", "unchanged")
    return {
        "status": status, "changed": changed if compared else None, "caption": caption if compared else None,
        "change_score": score if compared else None, "added": added if changed and compared else None, "removed": None, "altered": None,
    }  # fmt: skip


def test_summary_adds_up_by_ground():
    summary = AreaSummary()
    summary.add(tile(), 30.0)
    summary.add(tile(caption="a road appears", added="road"), 10.0)
    summary.add(tile("unchanged", changed=False), 60.0)
    summary.add(tile("skipped_nodata"), 100.0)
    values = dict(zip((name for name, _, _ in AREA_FIELDS), row(summary)))
    assert (values["tiles"], values["captioned"], values["changed"], values["skipped"], values["failed"]) == (4, 3, 2, 1, 0)
    assert values["changed_share"] == 0.4
    assert values["added"] == "road 2; building 1"
    assert values["captions"] == "houses are built; a road appears"
    assert values["summary"] == (
        "2 of 3 tiles changed (40 % of the area): road added in 2, building added in 1. Mostly: houses are built. "
        "Not compared: 1 tile without enough data."
    )


@pytest.mark.parametrize(
    ("tiles", "sentence"),
    [
        ([], "No tile lies here: the area is outside the rasters."),
        ([tile("unchanged", changed=False)] * 2, "No change found in 2 tiles."),
        ([tile("skipped_nodata"), tile("failed")], "Nothing could be compared: 1 tile without enough data, 1 tile failed."),
    ],
)
def test_summary_of_an_area_without_change(tiles, sentence):
    summary = AreaSummary()
    for properties in tiles:
        summary.add(properties, 1.0)
    assert summary.sentence() == sentence
