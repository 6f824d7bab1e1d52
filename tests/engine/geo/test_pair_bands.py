"""Which bands of a raster are shown as red, green and blue."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_ground import ground, opened, places, whole
from rasterio.enums import ColorInterp

from engine.contract.errors import InputError

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


TM, OLI = [f"B{number}" for number in range(1, 8)], [f"B{number}" for number in range(1, 12)]


@pytest.mark.parametrize(
    ("descriptions", "name", "expected", "note"),
    [
        (TM, None, (4, 3, 2), "numbered B1 to B7: 4, 3, 2 taken .* Landsat 8; if it is of Landsat 4 to 7, take --before-bands 3,2,1"),
        ([f"SR_{text}" for text in TM], None, (4, 3, 2), "Landsat 4 to 7"),
        ([text.replace("B", "Band ") for text in TM], None, (4, 3, 2), "Landsat 4 to 7"),
        (TM[::-1], None, (4, 5, 6), "4, 5, 6 taken .*--before-bands 5,6,7"),
        (TM, "LT05_L2SP_199026_20100707.tif", (3, 2, 1), None),
        (TM, "LE07_L1TP_199026.tif", (3, 2, 1), None),
        (TM, "LC08_L2SP_199026_20200707.tif", (4, 3, 2), None),
        ([f"SR_B{number}" for number in (1, 2, 3, 4, 5, 7)], None, (3, 2, 1), None),  # Earth Engine's Landsat 5
        (OLI, None, (4, 3, 2), None),
        (["B1", "B2", "B3", "B4", "B8", "B8A"], None, (4, 3, 2), None),
        (["B01", "B02", "B03", "B04"], None, (4, 3, 2), None),
        (["B2", "B3", "B4", "B8"], None, (3, 2, 1), None),
        (["red edge 1", "Red", "Green", "Blue"], None, (2, 3, 4), None),
        (["NIR", "Red", "Green", "Blue"], None, (2, 3, 4), None),
    ],
)
def test_numbered_and_named_bands(raster, descriptions, name, expected, note):
    path = raster(name, bands=[0] * len(descriptions), dtype="uint16", descriptions=descriptions)
    with opened(path, path) as pair:
        assert pair.before.bands == expected
        assert (pair.before.notes == []) if note is None else re.search(note, pair.before.notes[0])


def test_a_tag_of_the_satellite_tells_its_numbers(raster):
    path = raster(bands=[0] * 7, dtype="uint16", descriptions=TM)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(SPACECRAFT_ID="LANDSAT_5")
    with opened(path, path) as pair:
        assert (pair.before.bands, pair.before.notes) == ((3, 2, 1), [])


@pytest.mark.parametrize(
    ("members", "note"),
    [
        (
            {"descriptions": ("NIR", "Red", "Green")},
            'band 1 of the before raster, described as "NIR", is taken for red: .*true colours.*--before-bands',
        ),
        ({"descriptions": ("Near Infrared", "red", "green"), "dtype": "uint16"}, 'band 1 .*"Near Infrared"'),
        ({"descriptions": ("SWIR 1", "NIR", "Blue")}, "band 1 .*SWIR 1"),
        ({"descriptions": ("Green", "Red", "NIR")}, 'band 1 .*"Green", is taken for red'),
        ({"bands": (0, 1), "descriptions": ("VV", "VH"), "dtype": "float32"}, r"two bands .*\(VV, VH\) band 1 alone is used, in grey"),
        ({"bands": [0] * 13}, "not tagged: 4, 3, 2, as satellite products of 13 bands"),
        ({"descriptions": ("Red", "Green", "Blue")}, None),
        ({"bands": (0, 1, 2, 0)}, None),
        ({"bands": (0,)}, None),
    ],
)
def test_colours_that_are_not_true_are_noted(raster, members, note):
    path = raster(**members)
    with opened(path, path) as pair:
        assert (pair.before.notes == []) if note is None else re.search(note, pair.before.notes[0])


def test_a_grey_and_a_coloured_date_are_warned_about(raster):
    grey, coloured = raster(bands=(0,)), raster()
    for rasters, asked, name in (((grey, coloured), "after_bands", "after"), ((coloured, grey), "before_bands", "before")):
        with opened(*rasters) as pair:
            assert any(
                f"coloured, which may be captioned as change; one band for all three colours (--{name}-bands" in text for text in pair.warnings
            )
        with opened(*rasters, **{asked: (1, 1, 1)}) as pair:
            assert not any("coloured" in text for text in pair.warnings)


def test_one_raster_given_twice_is_warned_about(raster, tmp_path):
    path = raster()
    link = tmp_path / "link.tif"
    link.symlink_to(path)
    for other in (path, str(link)):
        with opened(path, other) as pair:
            assert any("are the same raster" in text and "nothing can have changed" in text for text in pair.warnings)
    stacked = raster(bands=(0, 1, 2, 0, 1, 2))
    with opened(stacked, stacked, before_bands=(1, 2, 3), after_bands=(4, 5, 6)) as pair:
        assert not any("same raster" in text for text in pair.warnings)
    with opened(path, raster()) as pair:
        assert not any("same raster" in text for text in pair.warnings)


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
