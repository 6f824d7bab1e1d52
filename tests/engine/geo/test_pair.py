"""Two rasters of whatever form on one grid."""

import os
import pickle
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.control
from made_ground import HOME, centred, ground, in_hole, opened, places, whole
from rasterio.warp import transform
from rasterio.windows import Window

from engine.contract.errors import InputError, NoOverlapError, RasterError
from engine.contract.tiles import TileRef
from engine.geo.ground import pixel_size_m

FORMS = [
    ("uint8", None),
    ("uint8", "value"),
    ("uint8", "alpha"),
    ("uint8", "internal"),
    ("uint8", "sidecar"),
    ("uint16", "value"),
    ("uint16", "alpha"),
    ("uint16", "internal"),
    ("int16", "value"),
    ("float32", "nan"),
    ("float32", "value"),
    ("float64", None),
]


def own_pixels(pair, path):
    """Columns and rows of the grid's pixel centres in a raster."""
    with rasterio.open(path) as dataset:
        xs, ys = (values.ravel() for values in places(pair))
        xs, ys = transform(HOME, dataset.crs, xs, ys)
        cols, rows = ~dataset.transform * (np.array(xs), np.array(ys))
        size = dataset.height, dataset.width
    return cols.reshape(pair.height, pair.width), rows.reshape(pair.height, pair.width), size


@pytest.mark.parametrize("degrees", [0.0, 25.0])
@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:32632", "EPSG:3857", "EPSG:4326"])
@pytest.mark.parametrize(("dtype", "nodata"), FORMS)
def test_any_after_raster_shows_the_same_ground(raster, crs, degrees, dtype, nodata):
    before = raster()
    after = raster(crs=crs, degrees=degrees, dtype=dtype, nodata=nodata, shift_px=(11.3, -7.6))
    with opened(before, after) as pair:
        image_before, image_after, valid_before, valid_after = whole(pair)
        xs, ys = places(pair)
        cols, rows, (height, width) = own_pixels(pair, after)
    assert valid_before.all()
    inside = np.minimum.reduce([cols, rows, width - cols, height - rows])
    hole_m = 1.3 if nodata else -99.0
    sure_valid = (inside > 1.5) & ~(in_hole(xs, ys, hole_m) if nodata else np.zeros_like(valid_after))
    sure_invalid = (inside < -1) | (in_hole(xs, ys, -1.3) if nodata else np.zeros_like(valid_after))
    assert sure_valid.mean() > 0.5
    assert valid_after[sure_valid].all()
    assert not valid_after[sure_invalid].any()
    assert (image_after[:, ~valid_after] == 0).all()
    off = np.abs(image_after.astype(int) - np.clip(image_before.astype(int), 0, 255))[:, sure_valid]
    # A stretched raster differs by its percentiles; the uint8 one only by interpolation. A shift of one pixel gives 7 and more.
    if dtype == "uint8":
        assert off.mean() < 1.0 and off.max() <= 10
    else:
        stretched = np.abs(image_after.astype(int) - _stretched(image_before, sure_valid))[:, sure_valid]
        assert stretched.mean() < 2.5


def _stretched(image, where):
    low, high = np.percentile(image[:, where], (2, 98), axis=1)
    return np.clip((image - low[:, None, None]) * (255 / (high - low))[:, None, None], 0, 255)


def test_grid_is_the_before_rasters_own_even_rotated(raster):
    before, after = raster(degrees=-33.0), raster(crs="EPSG:3857", height=300, width=300)
    with opened(before, after) as pair, rasterio.open(before) as dataset:
        assert (pair.height, pair.width, pair.crs) == (dataset.height, dataset.width, dataset.crs)
        assert pair.transform == dataset.transform
        image_before, image_after, _, valid_after = whole(pair)
        assert np.abs(image_before - ground(*places(pair))).max() <= 0.51
    assert np.abs(image_after.astype(int) - image_before)[:, valid_after].mean() < 1.0


def test_pixels_on_the_same_grid_are_not_touched(raster):
    before, after = raster(), raster(shift_px=(13, -9), height=150, width=260)
    with opened(before, after) as pair, rasterio.open(after) as dataset:
        _, image, _, valid = whole(pair)
        own = dataset.read()
        cols, rows, _ = own_pixels(pair, after)
    assert valid.any() and not valid.all()
    assert (image[:, valid] == own[:, rows[valid].astype(int), cols[valid].astype(int)]).all()


@pytest.mark.parametrize("before_crs", ["EPSG:32633", "EPSG:4326"])
@pytest.mark.parametrize(("resolution", "gsd_m"), [(2.0, 2.0), ("model", 1.3), (0.2, 0.2)])
def test_wanted_ground_resolution(raster, before_crs, resolution, gsd_m):
    with opened(raster(crs=before_crs), raster(), gsd_m_model=1.3, resolution=resolution) as pair, rasterio.open(pair.before.path) as dataset:
        assert pair.gsd_m == pytest.approx(gsd_m, rel=1e-3)
        assert pixel_size_m(pair.crs, pair.transform, pair.height, pair.width) == pytest.approx((gsd_m, gsd_m), rel=1e-3)
        assert (pair.transform.c, pair.transform.f) == (dataset.transform.c, dataset.transform.f)
        corner = pair.transform * (pair.width, pair.height)
        beyond = ~dataset.transform * corner - np.array([dataset.width, dataset.height])
        assert (beyond > -1e-3).all() and (beyond < gsd_m / 0.4 + 1e-3).all()
        _, image, valid, _ = whole(pair)
        difference = np.abs(image.astype(int) - ground(*places(pair)))[:, valid & whole(pair)[3]]
    assert difference.mean() < (6 if gsd_m > 1 else 2)


@pytest.mark.parametrize("resolution", [0.5, "model"])
def test_a_resolution_that_the_raster_has_is_not_resampled(raster, resolution):
    """UTM's scale makes the 0.5 m pixel 0.4999 or 0.5002 m on the ground; that is no reason to blur it."""
    path = raster()
    with opened(path, path, gsd_m_model=0.5, resolution=resolution) as pair, rasterio.open(path) as dataset:
        assert pair.gsd_m != 0.5
        assert (pair.height, pair.width, pair.transform) == (dataset.height, dataset.width, dataset.transform)
        assert (whole(pair)[0] == dataset.read()).all()


def test_shrinking_does_not_alias(raster, tmp_path):
    """A chequerboard of single pixels becomes grey, not a moiré of black and white."""
    path = tmp_path / "board.tif"
    board = (np.indices((400, 400)).sum(0) % 2 * 255).astype("uint8")
    with rasterio.open(raster()) as like:
        profile = like.profile | {"height": 400, "width": 400, "count": 1}
    with rasterio.open(path, "w", **profile) as out:
        out.write(board, 1)
    for resolution in (1.15, 2.0, 3.7, 10.0):
        with opened(str(path), str(path), resolution=resolution, stretch="none") as pair:
            image, _, valid, _ = whole(pair)
        assert np.abs(image[:, 2:-2, 2:-2][:, valid[2:-2, 2:-2]].astype(int) - 127).max() < 30, resolution


@pytest.mark.parametrize(
    ("pixel", "crs", "metres"),
    [(0.5, "EPSG:32633", 0.5), (1e-5, "EPSG:4326", (1.1128, 0.6790)), (1.0, "EPSG:3857", 0.609), (1.0, "EPSG:2263", 0.3048)],
)
def test_ground_size_in_any_unit(pixel, crs, metres):
    """Degrees, Web Mercator's stretched metres, feet. Expected: 1e-5° at 52.5° N by Vincenty; 3857 by cos(lat); US survey feet near New York."""
    transform_ = centred(crs, pixel, 10, 10) if crs != "EPSG:2263" else rasterio.Affine(pixel, 0, 1_000_000, 0, -pixel, 200_000)
    assert pixel_size_m(rasterio.CRS.from_string(crs), transform_, 10, 10) == pytest.approx(np.broadcast_to(metres, 2), rel=3e-3)


def test_partial_tiles_are_padded_as_invalid(raster):
    with opened(raster(), raster(), tile_px=128) as pair:
        before, after, valid_before, valid_after = pair.read(TileRef(1, 1, 128, 128, 52, 82))
        direct = pair.read(Window(128, 128, 82, 52))
    assert before.shape == after.shape == (3, 128, 128) and valid_before.shape == valid_after.shape == (128, 128)
    assert before.dtype == np.uint8 and valid_before.dtype == bool
    assert valid_before[:52, :82].all() and valid_before.sum() == 52 * 82
    assert (before[:, :52, :82] == direct[0]).all() and (before[:, ~valid_before] == 0).all()


def test_a_zero_in_one_band_is_a_dark_pixel_not_nodata(raster):
    path = raster(nodata="value")
    with rasterio.open(path, "r+") as dataset:
        pixels = dataset.read()
        pixels[2, 5, 5] = 0
        pixels[:, 6, 6] = 0
        dataset.write(pixels)
    with opened(path, path) as pair:
        _, _, valid, _ = whole(pair)
    assert valid[5, 5] and not valid[6, 6]


def test_infinity_is_nodata(raster):
    path = raster(dtype="float32")
    with rasterio.open(path, "r+") as dataset:
        pixels = dataset.read()
        pixels[1, 4, 7] = np.inf
        dataset.write(pixels)
    with opened(path, path) as pair:
        _, _, valid, _ = whole(pair)
    assert not valid[4, 7] and valid.sum() == valid.size - 1


def test_invalid_pixels_do_not_leak_through_the_kernel(raster):
    """Huge nodata values beside data, under a grid that is half a pixel off."""
    path = raster(dtype="float32", nodata="value")
    shifted = raster(shift_px=(0.5, 0.5), dtype="float32")
    with opened(shifted, path) as pair:
        before, after, _, valid = whole(pair)
    assert np.abs(after.astype(int) - before)[:, valid].max() < 25


def test_warnings_tell_what_was_done(raster):
    with opened(raster(), raster(crs="EPSG:3857", pixel=2.4, shift_px=(30, 0), height=60, width=70)) as pair:
        text = "\n".join(pair.warnings)
    assert "reprojected from EPSG:3857 to EPSG:32633" in text
    assert "after raster is resampled from 1.46" in text
    assert "more than twice as coarse" in text
    with opened(raster(), raster()) as pair:
        assert pair.warnings == []


def test_lent_and_pickled_pairs_read_alike_in_threads(raster):
    with opened(raster(dtype="uint16", nodata="value"), raster(crs="EPSG:3857", dtype="float32")) as pair:
        expected = whole(pair)
        results = {}

        def read(name, other):
            with other as own:
                results[name] = [whole(own) for _ in range(3)]

        others = {"lent": pair.lent(), "again": pair.lent(), "pickled": pickle.loads(pickle.dumps(pair))}
        threads = [threading.Thread(target=read, args=item) for item in others.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all((a == b).all() for a, b in zip(whole(pair), expected))
    assert set(results) == set(others)
    assert all((a == b).all() for reads in results.values() for read_ in reads for a, b in zip(read_, expected))


def test_lent_files_stay_open_for_the_next_one_until_the_pair_is_closed(raster):
    with opened(raster(), raster()) as pair:
        with pair.lent() as first, pair.lent() as second:
            whole(first)
            assert second.before is not first.before and first.before is not pair.before
        dataset = first.before.dataset
        with pair.lent() as third:
            assert third is first and third.before.dataset is dataset
        with pytest.raises(ZeroDivisionError), pair.lent() as fourth:
            whole(fourth)
            1 / 0  # noqa: B018
        assert fourth.before._dataset is None and fourth not in pair._idle
    assert dataset.closed and not pair._idle


def test_all_nodata_is_said_and_reads_as_invalid(raster):
    path = raster(dtype="uint16", nodata="value")
    with rasterio.open(path, "r+") as dataset:
        dataset.write(np.zeros((3, 180, 210), "uint16"))
    with opened(raster(), path) as pair:
        _, image, _, valid = whole(pair)
        assert any("after raster holds nothing but nodata" in warning for warning in pair.warnings)
    assert not valid.any() and not image.any()


def test_missing_file(raster, tmp_path):
    with pytest.raises(RasterError, match=r"before raster .*gone\.tif cannot be opened.*no such file"):
        opened(str(tmp_path / "gone.tif"), raster())


def test_not_a_raster(raster, tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("not a picture")
    with pytest.raises(RasterError, match=r"after raster .*notes\.tif cannot be opened .*To do"):
        opened(raster(), str(path))


@pytest.mark.parametrize("share", [0.001, 0.5])
def test_truncated_file(raster, share):
    path = raster(compress="deflate", tiled=True, blockxsize=64, blockysize=64)
    os.truncate(path, int(os.path.getsize(path) * share))
    with pytest.raises(RasterError, match=r"after raster .* cannot be (opened|read) .*damaged"):
        opened(raster(), path)


def test_block_that_fails_later_names_the_file(raster):
    path = raster(height=2000, width=2000, tiled=True, blockxsize=64, blockysize=64, pixel=0.05)
    with opened(path, path) as pair:
        # Sampling went over the corners of the raster; a block between them has not been read.
        with open(path, "r+b") as stream:
            stream.truncate(200_000)
        pair.before._signature = None  # as for a file that is not local, whose size cannot be watched
        with pytest.raises(RasterError, match=r"before raster .* cannot be read"):
            pair.read(Window(1300, 1300, 400, 400))


def test_deleted_and_overwritten_while_running(raster):
    path, other = raster(), raster()
    with opened(path, other) as pair:
        pair.read(Window(0, 0, 64, 64))
        os.utime(other, ns=(1, 1))
        with pytest.raises(RasterError, match="after raster .* was overwritten while it was being read"):
            pair.read(Window(64, 64, 64, 64))
    with opened(path, other) as pair:
        os.remove(path)
        with pytest.raises(RasterError, match="before raster .* was deleted while it was being read.*--resume"):
            pair.read(Window(0, 0, 64, 64))
        with pytest.raises(RasterError, match="before raster .* was deleted"), pair.lent() as again:
            again.read(Window(0, 0, 64, 64))


def test_no_crs(raster):
    with_crs, without = raster(), raster(crs=None)
    with pytest.raises(RasterError, match=r"after raster .* has no CRS.*gdal_edit\.py -a_srs.*before raster has EPSG:32633"):
        opened(with_crs, without)
    with pytest.raises(RasterError, match="have no CRS.*180 × 210 pixels.*gdal_translate"):
        opened(without, without)


def test_crs_without_a_place(raster):
    path = raster(transform=rasterio.Affine.identity())
    with pytest.raises(RasterError, match="has a CRS but no place"):
        opened(path, raster())


def test_control_points_are_no_grid(raster, tmp_path):
    path = str(tmp_path / "points.tif")
    points = [rasterio.control.GroundControlPoint(row, col, 391_360 + col, 5_820_032 - row) for row, col in ((0, 0), (0, 50), (50, 0), (50, 50))]
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, height=50, width=50) as out:
        out.write(np.ones((1, 50, 50), "uint8"))
        out.gcps = points, rasterio.CRS.from_string(HOME)
    with pytest.raises(RasterError, match="georeferenced by control points only.*gdalwarp"):
        opened(raster(), path)


LOCAL = 'LOCAL_CS["RGF93 v1 / Lambert-93",UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST],AXIS["Northing",NORTH]]'


@pytest.mark.parametrize("crs", [LOCAL, "EPSG:5800", f'COMPD_CS["on site",{LOCAL},VERT_CS["height",VERT_DATUM["height",2005],UNIT["metre",1]]]'])
def test_a_local_crs_is_named_with_its_file_and_the_remedy(raster, tmp_path, crs):
    path = str(tmp_path / "site.tif")
    with rasterio.open(raster()) as dataset:
        pixels, profile = dataset.read(), dataset.profile | {"crs": rasterio.CRS.from_user_input(crs)}
    with rasterio.open(path, "w", **profile) as out:
        out.write(pixels)
    here = raster()
    message = rf"{{}} raster {re.escape(path)} has the local CRS \"[\w /-]+\".*real CRS.*assign it: gdal_edit.py -a_srs EPSG:CODE {re.escape(path)}"
    with pytest.raises(RasterError, match=message.format("after") + r" \(the before raster has EPSG:32633"):
        opened(here, path)
    with pytest.raises(RasterError, match=message.format("before") + r" \(the after raster has EPSG:32633"):
        opened(path, here)
    with pytest.raises(RasterError, match="before raster .* and the after raster .* has the local CRS") as failure:
        opened(path, path)
    assert len(str(failure.value)) < 1000


RPC = {f"{what}_{part}": "1" for what in ("HEIGHT", "LAT", "LONG", "LINE", "SAMP") for part in ("OFF", "SCALE")}
RPC |= {f"{what}_{part}_COEFF": "1 " * 20 for what in ("LINE", "SAMP") for part in ("NUM", "DEN")}


@pytest.mark.parametrize("crs", [None, "EPSG:4326", HOME])
@pytest.mark.parametrize(("domain", "tags", "remedy"), [("RPC", RPC, "gdalwarp -rpc"), ("GEOLOCATION", {"X_DATASET": "lon.tif"}, "gdalwarp -geoloc")])
def test_what_only_a_warp_can_place_is_not_to_be_assigned_a_crs(raster, tmp_path, crs, domain, tags, remedy):
    path = str(tmp_path / "level1.tif")
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=3, height=50, width=50, crs=crs) as out:
        out.write(np.ones((3, 50, 50), "uint8"))
        out.update_tags(ns=domain, **tags)
    for pair in ((path, raster()), (raster(), path)):
        with pytest.raises(RasterError, match=rf"raster {re.escape(path)} is georeferenced by .* only.*{remedy} ") as failure:
            opened(*pair)
        assert "a_srs" not in str(failure.value)


def test_no_overlap_names_both_extents(raster):
    with pytest.raises(NoOverlapError, match=r"share no ground: before \(391447.*after \(3925\d\d.*EPSG:32633"):
        opened(raster(), raster(shift_px=(2200, 0)))
    with pytest.raises(NoOverlapError, match="share no ground"):  # neighbours that share an edge
        opened(raster(), raster(shift_px=(210, 0)))


def test_complex_and_empty_bands_are_refused(raster):
    path = raster()
    with rasterio.open(path) as dataset:
        profile = dataset.profile | {"dtype": "complex64", "count": 1}
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.ones((180, 210), "complex64"), 1)
    with pytest.raises(RasterError, match="complex numbers.*intensity"):
        opened(path, path)


def test_none_stretch_needs_8_bit(raster):
    with pytest.raises(InputError, match="after raster has pixels of type uint16.*percentile"):
        opened(raster(), raster(dtype="uint16"), stretch="none")


def test_blocks_of_absurd_size_are_refused(tmp_path):
    """A file of a few bytes can claim one block of gigabytes, which the first read would make room for."""
    path = str(tmp_path / "bomb.tif")
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 40_000, "width": 40_000, "crs": HOME}
    profile["transform"] = centred(HOME, 0.5, 40_000, 40_000)
    with rasterio.open(path, "w", **profile, compress="deflate", tiled=True, blockxsize=40_000, blockysize=40_000, sparse_ok=True):
        pass
    assert Path(path).stat().st_size < 10_000
    with pytest.raises(RasterError, match=r"blocks of 1600 MB.*gdal_translate -co TILED=YES"):
        opened(path, path)
    for name, behind in (("mosaic.vrt", "bomb.tif"), ("outer.vrt", "mosaic.vrt")):  # whose own blocks are small
        (tmp_path / name).write_text(
            '<VRTDataset rasterXSize="40000" rasterYSize="40000"><SRS>EPSG:32633</SRS><GeoTransform>391000,0.5,0,5820000,0,-0.5</GeoTransform>'
            f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename relativeToVRT="1">{behind}</SourceFilename>'
            "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
        )
        with pytest.raises(RasterError, match=rf"{name} refers to .*bomb.tif, which is stored in blocks of 1600 MB.*TILED=YES \S*bomb.tif"):
            opened(str(tmp_path / name), path)


def test_a_resolution_of_nanometres_is_refused(raster):
    path = raster()
    with pytest.raises(InputError, match=r"pixels at a resolution of 1e-09 m.*coarser"):
        opened(path, raster(), resolution=1e-9)
