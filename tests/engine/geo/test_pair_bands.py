"""Which bands of a raster are shown as red, green and blue."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_ground import ground, opened, places, whole
from rasterio.enums import ColorInterp

from engine.errors import InputError

SENTINEL = Path(__file__).resolve().parents[4] / "shared" / "data" / "geotiff" / "sentinel2"


@pytest.mark.parametrize(
    ("members", "asked", "expected"),
    [
        ({}, None, (1, 2, 3)),
        ({"bands": (2, 1, 0), "colours": [ColorInterp.blue, ColorInterp.green, ColorInterp.red]}, None, (3, 2, 1)),
        ({"bands": (2, 1, 0, 0), "dtype": "uint16", "descriptions": ("B02", "B03", "B04", "B08")}, None, (3, 2, 1)),
        ({"bands": (0, 0, 1, 2), "dtype": "uint16", "descriptions": ("B8", "B4 - red", "B3", "B2")}, None, (2, 3, 4)),
        ({"bands": (0, 1, 2), "dtype": "uint16", "descriptions": ("Red", "Green", "Blue")}, None, (1, 2, 3)),
        ({"bands": (2, 1, 0, 0), "dtype": "float32"}, None, (3, 2, 1)),
        ({"bands": (2, 1, 0, 0, 0), "dtype": "uint16"}, None, (3, 2, 1)),
        ({"bands": (0, 2, 1, 0, *[0] * 8), "dtype": "uint16"}, None, (4, 3, 2)),
        ({"bands": (0, 1, 2, *[0] * 5), "dtype": "uint16"}, None, (1, 2, 3)),
        ({"bands": (1,)}, None, (1, 1, 1)),
        ({"bands": (1,), "nodata": "alpha"}, None, (1, 1, 1)),
        ({"nodata": "alpha"}, None, (1, 2, 3)),
        ({"bands": (1, 0)}, None, (1, 1, 1)),
        ({"bands": (0, 1, 2)}, (3, 1, 1), (3, 1, 1)),
    ],
)
def test_choice_of_bands(raster, members, asked, expected):
    path = raster(**members)
    with opened(path, path, before_bands=asked) as pair:
        assert pair.before.bands == expected
        before, _, valid, _ = whole(pair)
        shown = [members.get("bands", (0, 1, 2))[band - 1] for band in expected]
        wanted = ground(*places(pair))[shown]
    assert before[:, valid].std() > 20
    for got, truth in zip(before, wanted):
        assert np.corrcoef(got[valid], truth[valid])[0, 1] > 0.98


@pytest.mark.parametrize(
    ("namespace", "tag", "scale"), [("IMAGERY", "CENTRAL_WAVELENGTH_UM", 1), (None, "wavelength", 1000)], ids=["GDAL", "ENVI in nanometres"]
)
def test_wavelengths_tell_the_bands(raster, namespace, tag, scale):
    path = raster(bands=(0, 2, 1, 0, 0), dtype="uint16")
    with rasterio.open(path, "r+") as dataset:
        for band, wave_um in enumerate((0.443, 0.4824, 0.5613, 0.6546, 0.8646), 1):  # Landsat 8, bands 1 to 5
            dataset.update_tags(bidx=band, ns=namespace, **{tag: wave_um * scale})
    with opened(path, path) as pair:
        assert pair.before.bands == (4, 3, 2)
        assert pair.before.notes == []


def test_wavelengths_outside_the_visible_tell_nothing(raster):
    path = raster(bands=(0, 1, 2), dtype="uint16")
    with rasterio.open(path, "r+") as dataset:
        for band, wave_um in enumerate((1.6, 2.2, 0.84), 1):
            dataset.update_tags(bidx=band, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=wave_um)
    with opened(path, path) as pair:
        assert pair.before.bands == (1, 2, 3)


@pytest.mark.skipif(not SENTINEL.is_dir(), reason=f"needs {SENTINEL}")
def test_sentinel_2_shows_true_colours():
    """The shipped pair has B02, B03, B04, B08 without a word of it in the file."""
    before, after = (str(SENTINEL / f"bercy_{date}_B02_B03_B04_B08.tif") for date in ("before", "after"))
    with opened(before, after) as pair:
        assert (pair.before.bands, pair.after.bands) == ((3, 2, 1), (3, 2, 1))
        assert "3, 2, 1, as satellite products of 4 bands have them, taken for red, green, blue" in pair.before.notes[0]


def test_untagged_bands_are_said(raster):
    path = raster(bands=(2, 1, 0, 0), dtype="uint16")
    with opened(path, raster()) as pair:
        assert any("not tagged: 3, 2, 1" in warning for warning in pair.warnings)


@pytest.mark.parametrize(("asked", "match"), [((1, 2, 7), "band 7 asked .*data bands are"), ((1, 2, 4), "band 4 asked .*alpha holds no picture")])
def test_bands_that_are_not_there(raster, asked, match):
    path = raster(nodata="alpha")
    with pytest.raises(InputError, match=match):
        opened(path, path, after_bands=asked)


def test_palette_is_shown_in_its_colours(raster, tmp_path):
    path = str(tmp_path / "indexed.png")
    with rasterio.open(raster(bands=(0,))) as like:
        place = {name: like.profile[name] for name in ("crs", "transform", "height", "width", "dtype", "count")}
    with rasterio.open(path, "w", driver="PNG", **place) as out:
        out.write(np.indices((180, 210))[1].astype("uint8") // 70, 1)
        out.write_colormap(1, {0: (200, 10, 20, 255), 1: (30, 180, 90, 255), 2: (5, 5, 250, 0)})
    with opened(path, path, stretch="none") as pair:
        image, _, valid, _ = whole(pair)
    assert image[:, 0, 0].tolist() == [200, 10, 20] and image[:, 0, 100].tolist() == [30, 180, 90]
    assert not valid[:, 140:].any() and valid[:, :140].all()
