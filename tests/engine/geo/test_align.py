"""Moving the after raster onto the before raster."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import rasterio
from affine import Affine

from engine.contract.request import CaptionRequest
from engine.geo.matching import align
from engine.geo.matching.alignment import Alignment, Field
from engine.geo.pair import RasterPair

SIZE = 640


def texture(seed, size=SIZE):
    """Blocks and spots of many sizes, as a town has."""
    rng = np.random.default_rng(seed)
    image = rng.normal(110, 6, (size, size))
    for _ in range(2 * size):
        row, col = rng.integers(0, size, 2)
        height, width = rng.integers(4, 40, 2)
        image[row : row + height, col : col + width] += rng.normal(0, 40)
    return np.clip(image, 0, 255)


def another_season(scene, seed):
    """Other contrast, another sun, noise, and a quarter that has changed."""
    rng = np.random.default_rng(seed)
    other = np.clip(255 - 0.7 * scene + rng.normal(0, 4, scene.shape), 0, 255)
    half = len(scene) // 2
    other[:half, :half] = texture(seed + 100, half)
    return other


def write(path, image, move=None, nodata=None):
    """A raster whose content lies where ``move`` (Affine in pixels) puts it; only the geotransform says so."""
    transform = Affine(0.5, 0, 391_360, 0, -0.5, 5_820_032) * (Affine.identity() if move is None else move)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": image.shape[0], "width": image.shape[1], "crs": "EPSG:32633"}
    with rasterio.open(path, "w", **profile, transform=transform, nodata=nodata) as out:
        out.write(image.round().astype("uint8"), 1)
    return str(path)


def about_the_middle(rows=0.0, cols=0.0, degrees=0.0, scale=1.0, size=SIZE):
    middle = Affine.translation(size / 2, size / 2)
    return Affine.translation(cols, rows) * middle * Affine.rotation(degrees) * Affine.scale(scale) * ~middle


def opened(tmp_path, before, after, move=None, **options):
    request = CaptionRequest(write(tmp_path / "a.tif", before), write(tmp_path / "b.tif", after, move), **options)
    return RasterPair.open(request, 0.5)


def off_px(found, move, size=SIZE):
    """Largest distance of the estimate from the truth, pixels."""
    cols, rows = (values.ravel() for values in np.meshgrid(*[np.linspace(0, size, 5)] * 2))
    at, truth = found.place(cols, rows), move * (cols, rows)
    return float(np.hypot(at[0] - truth[0], at[1] - truth[1]).max())


@pytest.mark.parametrize(("rows", "cols"), [(12, 0), (-40, 31), (3.5, -2.25)])
def test_shift_is_found_and_undone(tmp_path, rows, cols):
    scene, move = texture(1), about_the_middle(rows, cols)
    with opened(tmp_path, scene, another_season(scene, 2), move) as pair:
        found = align.estimate(pair, "shift")
        assert found.applied and off_px(found, move) < 0.7
        assert found.residual_px < 0.7 and found.agreement_after > found.agreement_before
        level, text = align.describe(found)
        assert level == "info" and "pixels remain" in text and f"{-found.rows_px:+.1f} pixels down" in text
        assert pair.alignment is None  # the estimate alone changes nothing


@pytest.mark.parametrize("move", [about_the_middle(degrees=0.5), about_the_middle(8, -5, -0.4, 1.003)])
def test_turned_and_stretched_pairs_come_back_with_local(tmp_path, move):
    scene = texture(3)
    with opened(tmp_path, scene, another_season(scene, 4), move) as pair:
        found = align.estimate(pair, "local")
        assert found.applied and off_px(found, move) < 0.7


def test_whole_shift_reads_the_pixels_themselves(tmp_path):
    """No second resampling, and none at all where whole pixels do."""
    scene = texture(5)
    with opened(tmp_path, scene, scene, about_the_middle(12, -7), align="shift") as pair:
        pair.align(align.estimate(pair, "shift"))
        assert (pair.alignment.rows_px, pair.alignment.cols_px) == (12, -7)
        before, after, _, valid = pair.read(rasterio.windows.Window(100, 200, 256, 256))
        assert valid.all() and np.array_equal(before, after)
        # The ground that both share follows: 7 columns at the left and 12 rows at the bottom of the nominal overlap are none.
        assert pair.overlap.area == pytest.approx(SIZE * SIZE * 0.25)


def test_pairs_that_match_stay_as_they_are(tmp_path):
    scene = texture(6)
    for method in ("shift", "local"):
        with opened(tmp_path, scene, another_season(scene, 7), about_the_middle(0.2, -0.2)) as pair:
            found = align.estimate(pair, method)
            assert not found.applied
            assert align.describe(found)[1].startswith("The after raster is not moved: ")


@pytest.mark.parametrize("kind", ["unrelated", "flat", "noise"])
def test_pairs_without_common_detail_are_refused(tmp_path, kind):
    rng = np.random.default_rng(8)
    after = {"unrelated": texture(9), "flat": np.full((SIZE, SIZE), 90.0), "noise": rng.uniform(0, 255, (SIZE, SIZE))}[kind]
    for method in ("shift", "local"):
        with opened(tmp_path, texture(10), after, about_the_middle(15, 9)) as pair:
            found = align.estimate(pair, method)
            assert not found.applied and "too little visible detail" in found.reason
            level, text = align.describe(found)
            assert level == "warning" and text.startswith("The after raster is not moved")


def test_no_data_does_not_attract_the_estimate(tmp_path):
    """The same blank frame and wedge lies in both files, 10 pixels apart from where the ground lies."""
    scene, move = texture(11) + 1, about_the_middle(10, -10)
    blank = np.tri(SIZE, k=-SIZE // 3, dtype=bool)
    blank[:40] = blank[:, -40:] = True
    before = np.where(blank, 0, np.clip(scene, 1, 255))
    # In the after file the frame lies at the same grid place, not with its content.
    after = np.where(np.roll(blank, (-10, 10), (0, 1)), 0, np.clip(another_season(scene, 12), 1, 255))
    request = CaptionRequest(write(tmp_path / "a.tif", before, None, 0), write(tmp_path / "b.tif", after, move, 0))
    with RasterPair.open(request, 0.5) as pair:
        found = align.estimate(pair, "shift")
        assert found.applied and off_px(found, move) < 0.7


def test_a_bent_pair_gets_a_field(tmp_path):
    """Content drifts smoothly by up to three pixels from the left to the right."""
    scene = texture(13)
    cols, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    bend = 3 * np.sin(np.pi * cols / SIZE)
    after = scene[np.clip((rows - bend).round().astype(int), 0, SIZE - 1), cols]
    with opened(tmp_path, scene, after) as pair:
        found = align.estimate(pair, "local")
        assert found.applied and found.field is not None
        at = np.array([160.0, 320.0, 480.0]), np.full(3, 320.0)
        assert found.place(*at)[1] - at[1] == pytest.approx(3 * np.sin(np.pi * at[0] / SIZE), abs=0.4)
        # Each window's one affine map follows the field.
        pair.align(found)
        window = rasterio.windows.Window(192, 192, 256, 256)
        moved = ~pair.transform * found.moved(pair.transform, window)
        assert moved * (320, 320) == pytest.approx([float(value[0]) for value in found.place(np.array([320.0]), np.array([320.0]))], abs=0.3)


def test_alignment_survives_json_and_has_an_inverse():
    field = Field(10.0, 20.0, 100.0, 50.0, ((0.0, 1.0), (2.0, -1.0)), ((0.5, 0.5), (0.0, 1.5)))
    found = Alignment("local", True, (1.001, -0.002, 3.0, 0.002, 0.999, -4.0), field, -4.0, 3.0, 12, 0.1, 0.4, 0.3)
    assert Alignment.from_json(json.loads(json.dumps(asdict(found)))) == found
    cols, rows = np.array([0.0, 33.0, 90.0]), np.array([5.0, 60.0, 200.0])
    assert np.stack(found.origin(*found.place(cols, rows))) == pytest.approx(np.stack([cols, rows]), abs=0.02)
    with pytest.raises(ValueError, match="5 numbers"):
        Alignment.from_json(asdict(found) | {"affine": [1, 0, 0, 0, 1]})


def test_real_pairs_of_different_seasons(real, tmp_path):
    """Landsat in 2000 and 2002, shifted, turned and stretched by its geotransform alone."""
    before, after = (real / "landsat_tm" / f"nanjing_{year}.tif" for year in (2000, 2002))
    with rasterio.open(after) as source:
        profile, pixels = source.profile, source.read()
        move = about_the_middle(-21, 34, 0.4, 0.997, source.width)
    profile["transform"] = profile["transform"] * move
    with rasterio.open(tmp_path / "moved.tif", "w", **profile) as out:
        out.write(pixels)
    with RasterPair.open(CaptionRequest(str(before), str(tmp_path / "moved.tif")), 30) as pair:
        found = align.estimate(pair, "local")
        assert found.applied and off_px(found, move) < 0.7 and found.residual_px < 0.7
