"""Masks that people give for one date."""

import json
import pickle

import fiona
import numpy as np
import pytest
import rasterio
from made_ground import opened, whole
from rasterio.transform import from_origin
from rasterio.warp import Resampling, calculate_default_transform, reproject, transform_geom
from shapely.geometry import box, mapping
from test_validity import SIZE, picture, written  # noqa: F401 - a fixture

from engine.contract.errors import AreaError, InputError, NoOverlapError, RasterError

CRS, ORIGIN = "EPSG:32631", (500_000, 5_400_000)
CLOUDS = np.zeros((SIZE, SIZE), bool)
CLOUDS[40:200, 100:300] = True
CLEAR_CLASSES, CLOUD_CLASSES = (2, 4, 5, 6, 7, 11), (0, 1, 3, 8, 9, 10)


@pytest.fixture
def mask(tmp_path):
    """Write bands as a mask of the pictures' ground."""

    def write(bands, name="mask.tif", gsd=0.5, crs=CRS, **profile):
        bands = np.atleast_3d(bands) if bands.ndim == 3 else bands[None]
        path = str(tmp_path / name)
        options = {"driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype, "crs": CRS}
        options |= {"transform": from_origin(*ORIGIN, gsd, gsd), **profile}
        with rasterio.open(path, "w", **options) as out:
            out.write(bands)
        if crs == CRS:
            return path
        moved = str(tmp_path / f"moved_{name}")
        with rasterio.open(path) as source:
            place, width, height = calculate_default_transform(CRS, crs, source.width, source.height, *source.bounds)
            found = np.zeros((len(bands), height, width), bands.dtype)
            reproject(bands, found, src_transform=source.transform, src_crs=CRS, dst_transform=place, dst_crs=crs, resampling=Resampling.nearest)
        with rasterio.open(moved, "w", **options | {"crs": crs, "transform": place, "width": width, "height": height}) as out:
            out.write(found)
        return moved

    return write


def classes(cloud, clear, where=CLOUDS, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(where, rng.choice(cloud, where.shape), rng.choice(clear, where.shape)).astype(np.uint8)


def udm2(where=CLOUDS):
    bands = np.zeros((8, *where.shape), np.uint8)
    bands[0] = ~where
    bands[3, :30] = 1  # light haze counts
    bands[7, :30] = 2
    for band, rows in ((2, slice(0, 80)), (4, slice(80, 120)), (5, slice(120, 160))):
        bands[band, rows] = where[rows]
    bands[7, 160:] = where[160:]
    return bands


FORMS = {
    "SCL by its name": ("T31U_20200101_SCL_20m.tif", classes(CLOUD_CLASSES, (4, 4)), ""),
    "SCL by its classes": ("classes.tif", classes(CLOUD_CLASSES, CLEAR_CLASSES), ""),
    "UDM2": ("scene_udm2.tif", udm2(), ""),
    "0 and 1": ("clouds.tif", CLOUDS.astype(np.uint8), ""),
    "0 and 255": ("clouds.tif", CLOUDS * np.uint8(255), ""),
    "valid pixels": ("valid.tif", (~CLOUDS).astype(np.uint8), "|clear=1"),
    "listed classes": ("fmask.tif", classes((2, 4), (0, 1, 3)), "|masked=2,4"),
    "a band of several": ("two.tif", np.stack([~CLOUDS, CLOUDS]).astype(np.uint8), "|band=2"),
}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_masked_is_no_data_of_that_date(written, mask, form):  # noqa: F811
    name, bands, options = FORMS[form]
    before, after = written(picture(0)), written(picture(1))
    with opened(before, after, mask_after=mask(bands, name) + options) as pair:
        image, valid_before, valid_after = whole(pair)[1:]
        assert any("the mask" in warning for warning in pair.warnings)
    assert valid_before.all() and np.array_equal(valid_after, ~CLOUDS)
    assert (image[:, CLOUDS] == 0).all()


@pytest.mark.parametrize("crs", [CRS, "EPSG:4326", "EPSG:3857"])
@pytest.mark.parametrize("resolution", ["native", 1.5])
def test_masks_in_any_crs_and_of_coarser_pixels(written, mask, crs, resolution):  # noqa: F811
    path = written(picture(0))
    coarse = mask(CLOUDS[::20, ::20].astype(np.uint8), gsd=10.0, crs=crs)
    wanted = np.kron(CLOUDS[::20, ::20], np.ones((20, 20), bool))[:SIZE, :SIZE]
    with opened(path, path, mask_before=coarse, resolution=resolution) as pair:
        valid = whole(pair)[2]
        valid = valid if resolution == "native" else np.kron(valid, np.ones((3, 3), bool))[:SIZE, :SIZE]
    assert (valid == ~wanted)[6:-6, 6:-6].mean() > 0.95


@pytest.mark.parametrize("crs", [CRS, "EPSG:4326"])
def test_polygons_of_clouds(written, tmp_path, crs):  # noqa: F811
    path = written(picture(0))
    shape = box(ORIGIN[0] + 50, ORIGIN[1] - 100, ORIGIN[0] + 150, ORIGIN[1] - 20)
    clouds = str(tmp_path / "clouds.gpkg")
    for layer, geometry in (("other", box(0, 0, 1, 1)), ("clouds", shape)):
        with fiona.open(clouds, "w", driver="GPKG", layer=layer, crs=crs, schema={"geometry": "Polygon", "properties": {}}) as out:
            geometry = mapping(geometry) if layer == "other" else transform_geom(CRS, crs, mapping(geometry))
            out.write({"geometry": geometry, "properties": {}})
    with opened(path, path, mask_before=f"{clouds}|layername=clouds") as pair:
        _, _, valid, after = whole(pair)
        window = pair.read(type("Window", (), {"row_off": 30, "col_off": 90, "height": 50, "width": 60})())[2]
    assert after.all() and (valid == ~CLOUDS).mean() > 0.999
    assert np.array_equal(window, valid[30:80, 90:150])


def test_a_mask_stays_out_of_the_stretch_and_travels_in_a_pickle(written, mask):  # noqa: F811
    pixels = picture(0).astype(np.uint16) * 10
    clouded = pixels.copy()
    clouded[:, CLOUDS] = 60_000
    with opened(written(pixels), written(clouded), mask_after=mask(CLOUDS.astype(np.uint8))) as pair:
        assert max(pair.stretch_after.high) < 3_000
        copied = pickle.loads(pickle.dumps(pair))
        with copied, pair.lent() as lent:
            assert np.array_equal(whole(copied)[3], ~CLOUDS) and np.array_equal(whole(lent)[3], ~CLOUDS)


def test_masks_that_are_not_understood(written, mask, tmp_path):  # noqa: F811
    path = written(picture(0))
    odd = mask(classes((2, 4), (0, 1, 3)), "fmask.tif")
    cases = [
        (odd, RasterError, r"values 0, 1, 2, 3, 4.*masked=2,4"),
        (str(tmp_path / "none.tif"), RasterError, "does not exist"),
        (f"{odd}|band=2", RasterError, "a band from 1 to 1"),
        (f"{odd}|masked=x", RasterError, "numbers and ranges"),
        (mask(udm2()[:3], "three.tif"), RasterError, r"3 bands.*band=1"),
        (mask(CLOUDS.astype(np.uint8), "far.tif", transform=from_origin(600_000, 5_400_000, 0.5, 0.5)), NoOverlapError, "lies off that raster"),
    ]
    text = tmp_path / "text.txt"
    text.write_text("no mask")
    cases.append((str(text), AreaError, "the mask .* of the before raster cannot be read"))
    for given, kind, match in cases:
        with pytest.raises(kind, match=match), opened(path, path, mask_before=given) as pair:
            whole(pair)


def test_members_of_the_request_are_verified():
    from engine.contract.request import CaptionRequest

    request = CaptionRequest.from_json(
        {"before": "a", "after": "b", "fill": 0, "before_nodata": {"own": False, "values": [[1, 2]], "alpha": 0}, "mask_after": "m.tif|masked=1"}
    )
    assert CaptionRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
    wrong = [{"fill": "some"}, {"fill": float("nan")}, {"before_nodata": {"own": 1}}, {"after_nodata": {"values": [[2, 1]]}}, {"before_nodata": 3}]
    for members in [*wrong, {"mask_before": ""}, {"before_nodata": {"alpha": -1}}, {"before_nodata": {"other": 1}}]:
        with pytest.raises(InputError, match=next(iter(members))):
            CaptionRequest.from_json({"before": "a", "after": "b", **members})
