"""Pairs of a batch, and the words of an area's summary: pure functions."""

from pathlib import Path

import pytest
from changescribe.engine.contract.errors import InputError
from changescribe.qgis_plugin.layers.jobs import Job, jobs_from_folder, jobs_from_rows, jobs_from_series
from changescribe.qgis_plugin.layers.summary import AREA_FIELDS, AreaSummary, row


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


def test_a_series_is_paired_by_date(tmp_path):
    touch(tmp_path, "north_2019.tif", "north_2021.tif", "north_2020.tif", "old_town_2020.tif", "old_town_2021.tif", "notes.txt", "north_21.tif")
    jobs = jobs_from_series(tmp_path, "{place}_{date}.tif", "consecutive")
    assert [job.name for job in jobs] == ["north_2019_2020", "north_2020_2021", "old_town_2020_2021"]
    assert jobs[1] == Job("north_2020_2021", str(tmp_path / "north_2020.tif"), str(tmp_path / "north_2021.tif"))
    assert [job.name for job in jobs_from_series(tmp_path, "{place}_{date}.tif", "first-last")] == ["north_2019_2021", "old_town_2020_2021"]


@pytest.mark.parametrize(
    ("pattern", "names", "wanted"),
    [
        ("{date}.tif", ["20210630.tif", "20201231.tif"], "20201231_20210630"),
        ("{city}/{tile}_{date}_rgb.tif", ["oslo/a_2021-06_rgb.tif", "oslo/a_2020-12_rgb.tif"], "oslo_a_202012_202106"),
        ("S2_{date}_T{tile}.tif", ["S2_2020-01-31_T33U.tif", "S2_2021-01-31_T33U.tif"], "33U_20200131_20210131"),
    ],
)
def test_names_of_series(tmp_path, pattern, names, wanted):
    touch(tmp_path, *names)
    assert [job.name for job in jobs_from_series(tmp_path, pattern, "consecutive")] == [wanted]


def test_a_place_without_a_pair_is_a_problem_of_its_own(tmp_path):
    touch(tmp_path, "a_2020.tif", "a_2021.tif", "b_2020.tif", "c_2020.tif", "c_202106.tif")
    problems = {job.name: job.problem for job in jobs_from_series(tmp_path, "{place}_{date}.tif", "consecutive")}
    assert problems["a_2020_2021"] == ""
    assert problems["b_2020"] == f"{tmp_path / 'b_2020.tif'} is the only date of b"
    assert problems["c_2020"] == "c has the dates 2020, 202106, not all of one form"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{place}.tif", "the pattern '{place}.tif'. Needed: {date} once"),
        ("{date}_{date}.tif", "Needed: {date} once"),
        ("{}_{date}.tif", "Needed: {date} once, and a name for each other part"),
        ("{place}-{date}.tif", "no file in .* fits {place}-{date}.tif"),
        ("{place}_{date}.tif", "two files of a of 202001|two files of a of 2020-01"),
    ],
)
def test_bad_series_are_refused(tmp_path, pattern, message):
    touch(tmp_path, "a_2020-01.tif", "a_202001.tif")
    with pytest.raises(InputError, match=message):
        jobs_from_series(tmp_path, pattern, "consecutive")


def test_rows_become_jobs_with_paths_from_the_tables_folder():
    rows = [
        {"Before": "x/1.tif", "after": "/data/2.tif", "output": "North side.gpkg", "aoi": "zones.gpkg"},
        {"Before": "3.tif", "after": "/vsicurl/http://a/4.tif"},
    ]
    first, second = jobs_from_rows(rows, Path("/base"))
    assert first == Job("North_side", str(Path("/base/x/1.tif")), "/data/2.tif", str(Path("/base/zones.gpkg")))
    assert second == Job("3_4", str(Path("/base/3.tif")), "/vsicurl/http://a/4.tif")


def test_a_row_without_a_path_is_a_problem_of_its_own():
    assert jobs_from_rows([{"before": "1.tif", "after": None}], Path("/"))[0].problem == "row 1 names no raster for after"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "a table without rows"),
        ([{"before": "1", "after": "2", "threshold": "0.7"}], "the column threshold. Needed: the same settings for all pairs"),
        ([{"before": "1.tif", "later": "2.tif"}], "without the column after. Needed: columns before and after"),
        ([{"before": "1", "after": "2", "output": "a"}, {"before": "3", "after": "4", "output": "A"}], "two pairs named A"),
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
