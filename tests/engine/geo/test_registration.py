"""Finding by how much the two dates are off."""

import numpy as np
import pytest
import rasterio

from engine.contract.request import CaptionRequest
from engine.geo.matching.correlation import phase_correlation
from engine.geo.matching.registration import check, measure
from engine.geo.pair import RasterPair


def texture(seed, size=700):
    """Blocks and spots of many sizes, as a town has."""
    rng = np.random.default_rng(seed)
    image = rng.normal(110, 6, (size, size))
    for _ in range(size):
        row, col = rng.integers(0, size, 2)
        height, width = rng.integers(4, 40, 2)
        image[row : row + height, col : col + width] += rng.normal(0, 40)
    return np.clip(image, 0, 255)


def write(folder, name, image, crs="EPSG:32633", transform=None):
    path = folder / name
    transform = transform or rasterio.Affine(0.5, 0, 391_360, 0, -0.5, 5_820_032)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": image.shape[0], "width": image.shape[1], "crs": crs, "transform": transform}
    with rasterio.open(path, "w", **profile) as out:
        out.write(image.round().astype("uint8"), 1)
    return str(path)


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize(("rows", "cols"), [(0, 0), (3, -2), (-11, 6), (0.5, 2.25), (-1.75, -3.5)])
def test_known_shifts(size, rows, cols):
    scene = texture(1)
    # A shift by parts of a pixel through the Fourier phase; the scene is large, so its wrapped border stays out of the crop.
    spectrum = np.fft.fft2(scene)
    turn = np.fft.fftfreq(700)[:, None] * rows + np.fft.fftfreq(700)[None] * cols
    moved = np.fft.ifft2(spectrum * np.exp(-2j * np.pi * turn)).real
    part = (slice(200, 200 + size), slice(300, 300 + size))
    found = phase_correlation(scene[part], moved[part])
    assert found[:2] == pytest.approx((rows, cols), abs=0.35)
    assert found[2] > 20


@pytest.mark.parametrize("size", [250, 400, 1000])
def test_a_pair_that_is_off_is_warned_of(tmp_path, size):
    scene = texture(2, size + 20)
    rng = np.random.default_rng(3)
    before = scene[10 : 10 + size, 10 : 10 + size]
    # Another sun and noise; content lies 4 down and 3 left.
    after = np.clip(255 - 0.7 * scene[6 : 6 + size, 13 : 13 + size] + rng.normal(0, 4, (size, size)), 0, 255)
    with RasterPair.open(CaptionRequest(write(tmp_path, "a.tif", before), write(tmp_path, "b.tif", after)), 0.5) as pair:
        offset = measure(pair)
        assert (offset.rows_px, offset.cols_px) == pytest.approx((4, -3), abs=0.3)
        assert offset.confidence >= 0.5 and offset.windows >= 3
        assert "+4.0 pixels down and -3.0 right" in check(pair)


def test_small_offsets_and_changes_are_no_reason_to_warn(tmp_path):
    scene = texture(4, 620)
    before, after = scene[10:610, 10:610], scene[9:609, 11:611].copy()
    after[100:300, 50:400] = texture(5)[100:300, 50:400]  # a third has changed
    with RasterPair.open(CaptionRequest(write(tmp_path, "a.tif", before), write(tmp_path, "b.tif", after)), 0.5) as pair:
        assert measure(pair).rows_px == pytest.approx(1, abs=0.3)
        assert check(pair) is None


def test_unrelated_and_flat_images_give_no_warning(tmp_path):
    before = write(tmp_path, "a.tif", texture(6))
    noise = np.random.default_rng(8).uniform(0, 255, (700, 700))
    for name, image in (("b.tif", texture(7)), ("flat.tif", np.full((700, 700), 90.0)), ("noise.tif", noise)):
        with RasterPair.open(CaptionRequest(before, write(tmp_path, name, image)), 0.5) as pair:
            assert check(pair) is None, name


def test_real_pairs_on_different_grids_are_brought_together(real):
    """The two dates of utm_float32 do not share a grid; ignoring that puts them more than a pixel off, warping does not."""
    believed = 0
    for stem in ("2_1", "3_1", "4_3"):
        before, after = (real / "utm_float32" / f"{stem}_{date}.tif" for date in ("before", "after"))
        with RasterPair.open(CaptionRequest(str(before), str(after)), 0.5) as pair:
            offset = measure(pair)
            assert check(pair) is None
        with rasterio.open(before) as first, rasterio.open(after) as second:
            ignored = ~first.transform * (second.transform.c, second.transform.f)
        if offset is not None:
            believed += 1
            # What is left is the dates' own, 0.2 to 0.72 px as measured here; a grid that was ignored would add 1.1 to 1.6.
            assert np.hypot(offset.rows_px, offset.cols_px) < 1.0 < np.hypot(*ignored)
    assert believed >= 2


def test_a_real_raster_moved_by_known_pixels(real, tmp_path):
    before = real / "fotbcd" / "Binary_test_114_before.tif"
    with rasterio.open(before) as source:
        profile, pixels = source.profile, source.read()
    profile["transform"] = profile["transform"] * rasterio.Affine.translation(-6, 5)
    moved = tmp_path / "moved.tif"
    with rasterio.open(moved, "w", **profile) as out:
        out.write(pixels)
    with RasterPair.open(CaptionRequest(str(before), str(moved)), 0.5) as pair:
        offset = measure(pair)
        assert (offset.rows_px, offset.cols_px) == pytest.approx((5, -6), abs=0.1)
        assert "false changes are likely" in check(pair)


def test_real_unrelated_places_give_no_warning(real, tmp_path):
    before = real / "fotbcd" / "Binary_test_114_before.tif"
    with rasterio.open(before) as first, rasterio.open(real / "fotbcd" / "Binary_test_692_after.tif") as second:
        profile, pixels = first.profile, second.read()
    other = tmp_path / "other.tif"
    with rasterio.open(other, "w", **profile) as out:
        out.write(pixels[:, : profile["height"], : profile["width"]])
    with RasterPair.open(CaptionRequest(str(before), str(other)), 0.5) as pair:
        assert check(pair) is None
