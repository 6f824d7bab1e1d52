"""A small data set in the layout of ../shared/data, made in code."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
NO_CHANGE = [
    "there is no difference",
    "the two scenes seem identical",
    "the scene is the same as before",
    "no change has occurred",
    "almost nothing has changed",
]
CHANGE = [
    "a house is built on the left",
    "one building appears on the left",
    "a house shows up in the grass",
    "a villa is built",
    "a house replaces the grass",
]


@pytest.fixture(scope="session")
def shared_data():
    if not (SHARED / "levir_cc" / "pairs.json").is_file():
        pytest.skip("../shared/data is not here")
    return SHARED


@pytest.fixture(autouse=True)
def captions_folder(tmp_path_factory, monkeypatch):
    """An empty folder in place of the project's captions files, which name pairs that made-up data sets may have too."""
    folder = tmp_path_factory.mktemp("captions")
    monkeypatch.setattr("training.datasets.captions.CAPTIONS", folder)
    return folder


def _sentences(raw):
    return [{"raw": text, "tokens": text.split()} for text in raw]


def _write(folder, name, changed, rng):
    ground = rng.integers(90, 130, (256, 256, 3), dtype=np.uint8)
    after, mask = ground.copy(), np.zeros((256, 256), np.uint8)
    if changed:
        after[100:140, 20:60] = (200, 60, 50)
        mask[100:140, 20:60] = 255
    for side, image in (("A", ground), ("B", after)):
        (folder / side).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / side / name, lossless=True)
    (folder / "label").mkdir(exist_ok=True)
    Image.fromarray(mask).save(folder / "label" / Path(name).with_suffix(".png"))


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """16 training and 4 validation pairs of LEVIR-CC's kind, 4 with class changes, every second one changed."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    levir, other = [], []
    for i in range(20):
        name, changed = f"val_{i:06d}.webp", i % 2
        _write(root / "levir_cc" / "images" / "val", name, changed, rng)
        levir.append(
            {"filename": name, "levir_split": "val", "split": "train" if i < 16 else "val", "place": f"val_{i}", "changeflag": changed, "mask": True}
            | {"sentences": _sentences(CHANGE if changed else NO_CHANGE)}
        )
    for i in range(4):
        name, changed = f"msh_{i}.webp", i % 2
        _write(root / "pairs", name, changed, rng)
        delta = {"building": "+", "vegetation": "-"} if changed else {}
        other.append(
            {"filename": name, "source": "msh", "split": "train" if i < 2 else "val", "place": f"msh_{i}", "changeflag": changed, "mask": True}
            | {"delta": delta, "sentences": _sentences(CHANGE if changed else NO_CHANGE)}
        )
    (root / "levir_cc" / "pairs.json").write_text(json.dumps({"images": levir}))
    (root / "pairs" / "pairs.json").write_text(json.dumps({"images": other}))
    return root
