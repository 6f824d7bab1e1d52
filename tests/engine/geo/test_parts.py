"""An output in several files: which tile is in which, resuming, and what forbids it."""

import itertools

import fiona
import pytest
import rasterio
from affine import Affine

from engine.contract.errors import OutputError
from engine.contract.tiles import Caption, TileCaption
from engine.geo.grid import TileGrid
from engine.output.parts import PartsWriter, verify_one_file
from engine.output.writer import read_provenance

GRID = TileGrid(7 * 64, 4 * 64, Affine(0.5, 0, 400_000, 0, -0.5, 5_800_000), rasterio.CRS.from_epsg(32633), 64)
PROVENANCE = {"model": {"id": "fake"}}


def tile(ref):
    return TileCaption(ref, Caption("a house", True, 0.9), 1.0, 1.0, "fake", "captioned", 0.1, GRID.footprint(ref))


def places(path):
    with fiona.open(path, layer="change_captions") as layer:
        return sorted((row.properties["row"], row.properties["col"]) for row in layer)


def begin(path, resume=False, part_tiles=9):
    return PartsWriter(path, GRID, PROVENANCE, resume, part_tiles)


def test_whole_rows_go_to_the_file_of_their_part(tmp_path):
    with begin(tmp_path / "out.gpkg") as writer:  # nine tiles a file: two rows of four
        for ref in reversed(list(GRID)):
            writer.add(tile(ref))
        writer.close({"done": 28})
    files = sorted(path.name for path in tmp_path.glob("*.gpkg"))
    assert files == [f"out_000{n}.gpkg" for n in (1, 2, 3, 4)]
    for number, file in enumerate(files):
        rows = range(2 * number, min(2 * number + 2, 7))
        assert places(tmp_path / file) == list(itertools.product(rows, range(4)))
        found = read_provenance(tmp_path / file)
        assert found["part"] == {"number": number + 1, "of": 4, "rows": [2 * number, 2 * number + 1]}
        assert found["counts"] == {"done": 28} and found["model"] == PROVENANCE["model"]


def test_resuming_knows_the_tiles_of_all_files(tmp_path):
    refs = list(GRID)
    with begin(tmp_path / "out.gpkg") as writer:
        for ref in refs[:13]:
            writer.add(tile(ref))
    assert not (tmp_path / "out_0003.gpkg").exists() or places(tmp_path / "out_0003.gpkg") == []
    with begin(tmp_path / "out.gpkg", resume=True) as writer:
        left = list(GRID.without(writer.done))
        assert left == refs[13:]
        for ref in left:
            writer.add(tile(ref))
    assert sorted(itertools.chain(*(places(path) for path in tmp_path.glob("*.gpkg")))) == list(itertools.product(range(7), range(4)))


def test_tiles_are_committed_when_the_next_file_begins(tmp_path):
    with begin(tmp_path / "out.gpkg") as writer:
        for ref in list(GRID)[:9]:
            writer.add(tile(ref))
        assert len(places(tmp_path / "out_0001.gpkg")) == 8


def test_each_file_is_safe_only_after_what_belongs_to_its_tiles(tmp_path):
    order = []
    with begin(tmp_path / "out.gpkg") as writer:
        writer.before_commit = lambda: order.append("heat")
        writer.add(tile(GRID.ref(0, 0)))
        writer.add(tile(GRID.ref(6, 0)))
    assert order == ["heat", "heat"]


def test_files_that_are_there_are_refused(tmp_path):
    begin(tmp_path / "out.gpkg").close()
    with pytest.raises(OutputError, match="out_0001.gpkg exists"):
        begin(tmp_path / "out.gpkg")
    with pytest.raises(OutputError, match="belongs to another run .*part"):
        begin(tmp_path / "out.gpkg", resume=True, part_tiles=5)
    begin(tmp_path / "out.gpkg", resume=True).close()


def test_one_file_is_not_continued_as_several(tmp_path):
    (tmp_path / "out.gpkg").touch()
    with pytest.raises(OutputError, match="which is one file"):
        begin(tmp_path / "out.gpkg", resume=True)


def test_several_files_are_not_continued_as_one(tmp_path):
    begin(tmp_path / "out.gpkg").close()
    with pytest.raises(OutputError, match="out_0001.gpkg exists, which is one of several files.*--part-tiles"):
        verify_one_file(tmp_path / "out.gpkg")
    (tmp_path / "out.gpkg").touch()  # a run of its own
    verify_one_file(tmp_path / "out.gpkg")


def test_two_runs_do_not_write_the_same_files(tmp_path):
    with begin(tmp_path / "out.gpkg"), pytest.raises(OutputError, match="another run"):
        begin(tmp_path / "out.gpkg", resume=True)
