"""Near-duplicates between training and evaluation pairs are found, and nothing else is."""

import io
import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from engine.cli import main
from engine.contract.errors import InputError
from engine.models.scribe import ScribeConfig
from training.datasets import SplitOptions, check_leakage, load_rows, training_rows
from training.datasets.duplicates import near_duplicates
from training.datasets.excluded import EXCLUDED
from training.datasets.rows import PairRow
from training.scribe import train as train_scribe


def _ground(seed):
    """Something like land: blocks and lines on soft noise, uint8 (256, 256, 3)."""
    rng = np.random.default_rng(seed)
    noise = Image.fromarray(rng.integers(60, 190, (64, 64, 3), dtype=np.uint8)).resize((256, 256), Image.Resampling.BICUBIC)
    image = np.array(noise.filter(ImageFilter.GaussianBlur(3)))
    for _ in range(25):
        row, col, height, width = rng.integers(0, 230, 2).tolist() + rng.integers(8, 40, 2).tolist()
        image[row : row + height, col : col + width] = rng.integers(20, 235, 3)
    return Image.fromarray(image)


def _row(folder, name, split, before, after):
    for side, image in (("A", before), ("B", after)):
        (folder / side).mkdir(parents=True, exist_ok=True)
        image.save(folder / side / name, lossless=True)
    return PairRow(name, "msh", name, split, folder / "A" / name, folder / "B" / name, None, None, None, ())


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Twelve training and six validation pairs of different ground; after dates carry a further building."""
    folder, rows = tmp_path_factory.mktemp("pairs"), []
    for i in range(18):
        before = _ground(i)
        after = before.copy()
        after.paste((210, 90, 70), (100, 60, 150, 120))
        rows.append(_row(folder, f"p_{i:02d}.webp", "train" if i < 12 else "val", before, after))
    return folder, rows[:12], rows[12:]


def _jpeg(image, quality=40):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


def _recoloured(image):
    hsv = np.array(image.convert("HSV"))
    hsv[..., 0] += 30  # wraps round, as hues do
    image = ImageEnhance.Color(Image.fromarray(hsv, "HSV").convert("RGB")).enhance(0.5)
    return ImageEnhance.Brightness(ImageEnhance.Contrast(image).enhance(0.7)).enhance(1.3)


DISGUISES = {
    "copy": lambda image: image,
    "mirrored, other colours, JPEG": lambda image: _jpeg(_recoloured(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "transverse, JPEG": lambda image: _jpeg(image.transpose(Image.Transpose.TRANSVERSE), 25),
    "shifted by 5 px": lambda image: image.transform((256, 256), Image.Transform.AFFINE, (1, 0, 5, 0, 1, -5)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_planted_duplicate_stops_the_training(pairs, tmp_path, disguise):
    _, train, val = pairs
    twin = [DISGUISES[disguise](Image.open(path).convert("RGB")) for path in (val[3].before, val[3].after)]
    planted = _row(tmp_path, "planted.webp", "train", *twin)
    with pytest.raises(InputError, match=r"1 training pairs show the ground of held-out pairs: pairs/planted\.webp = pairs/p_15\.webp \(0\.\d+|1\.0"):
        check_leakage([*train, planted], val)


def test_the_training_command_stops(small_data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(small_data, root)
    for side in "AB":
        image = Image.open(root / "pairs" / side / "msh_3.webp").convert("RGB").transpose(Image.Transpose.ROTATE_270)
        image.save(root / "pairs" / side / "twin.webp", lossless=True)
    path = root / "pairs" / "pairs.json"
    data = json.loads(path.read_text())
    data["images"].append({"filename": "twin.webp", "source": "msh", "split": "train", "place": "elsewhere"})
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"1 training pairs show the ground of held-out pairs: pairs/twin\.webp = pairs/msh_3\.webp"):
        train_scribe.train(root, tmp_path / "run", train_scribe.TrainOptions(epochs=1), ScribeConfig())


def test_an_overlap_that_is_allowed_is_reported_and_goes_on(pairs, tmp_path, capsys):
    """A published split is trained on exactly: duplicates and shared places are named, known twins kept."""
    _, train, val = pairs
    planted = _row(tmp_path, "planted.webp", "train", Image.open(val[0].after), _ground(99))
    check_leakage([*train, planted], val, SplitOptions(allow_overlap=True))
    told = json.loads(capsys.readouterr().out)
    assert told["near_duplicates"] == 1 and told["pairs"][0] | {"similarity": 0} == {
        "train": "pairs/planted.webp",
        "held_out": "pairs/p_12.webp",
        "similarity": 0,
    }
    twin = replace(train[0], name="train_000017.png", source="lcc", place=val[0].place)
    assert twin.id.removesuffix(".png") in EXCLUDED
    with pytest.raises(InputError, match="are in train and in an evaluation split"):
        training_rows([twin, *val], SplitOptions(exclude=False))
    assert training_rows([twin, *val], SplitOptions(allow_overlap=True)) == []
    assert training_rows([twin, *val], SplitOptions(allow_overlap=True, exclude=False)) == [twin]
    assert json.loads(capsys.readouterr().out)["first"] == [val[0].place]


@pytest.mark.parametrize("name", ["scribe-s", "scribe-s-quick", "dfm", "diffusion-rscc", "kd-rscc-compact", "ccexpert"])
def test_every_training_offers_the_published_split(name, capsys):
    with pytest.raises(SystemExit):
        main(["train", name, "--help"])
    shown = capsys.readouterr().out
    assert "--allow-overlap" in shown and "--no-exclude" in shown


def test_dates_in_the_other_order_are_a_duplicate(pairs, tmp_path):
    _, train, val = pairs
    planted = _row(tmp_path, "planted.webp", "train", Image.open(val[0].after), _ground(99))
    (found,) = near_duplicates([*train, planted], val)
    assert (found.train, found.held_out) == ("pairs/planted.webp", "pairs/p_12.webp")


def test_different_ground_passes(pairs):
    _, train, val = pairs
    check_leakage(train, val)
    check_leakage(train, [])


def test_flat_images_are_no_duplicates(pairs, tmp_path):
    _, train, val = pairs
    black = Image.new("RGB", (256, 256))
    check_leakage([*train, _row(tmp_path, "a.webp", "train", black, black)], [*val, _row(tmp_path, "b.webp", "val", black, black)])


@pytest.mark.slow
def test_the_shared_data_hold_no_other_near_duplicate(shared_data):
    rows = load_rows(shared_data)
    start = time.perf_counter()
    check_leakage(training_rows(rows), [row for row in rows if row.split != "train"])
    assert time.perf_counter() - start < 120  # 14 s on two idle cores
