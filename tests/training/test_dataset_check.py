"""``python -m training.datasets check`` lists what is missing or broken, and its exit code says so."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from training.datasets.__main__ import main
from training.datasets.check import find_problems
from training.datasets.layouts import read_rows


@pytest.fixture
def data(small_data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(small_data, root)
    return root


def _found(root):
    return [(problem.kind, problem.pair) for problem in find_problems(read_rows(root))]


def _edit(path, change):
    data = json.loads(path.read_text())
    change(data["images"])
    path.write_text(json.dumps(data))


def test_a_sound_data_set_has_no_problems(data, capsys):
    assert main(["check", "--data", str(data)]) == 0
    output = capsys.readouterr().out
    assert "24 pairs" in output
    assert "no problems" in output
    assert [line.split() for line in output.splitlines() if line.split()[:1] in (["lcc"], ["msh"])] == [
        ["lcc", "train", "16", "16", "8", "8", "0", "0", "8", "0"],
        ["lcc", "val", "4", "4", "2", "2", "0", "0", "2", "0"],
        ["msh", "train", "2", "2", "1", "1", "0", "0", "0", "0"],
        ["msh", "val", "2", "2", "1", "1", "0", "0", "0", "0"],
    ]


def test_missing_files_are_listed(data, capsys):
    (data / "pairs" / "B" / "msh_2.webp").unlink()
    (data / "levir_cc" / "images" / "val" / "label" / "val_000003.png").unlink()
    assert _found(data) == [("missing mask", "levir_cc/val_000003.webp"), ("missing partner", "pairs/msh_2.webp")]
    assert main(["check", "--data", str(data)]) == 2
    assert "missing partner: 1" in capsys.readouterr().out


def test_broken_and_odd_sized_files_are_listed(data):
    (data / "pairs" / "A" / "msh_0.webp").write_bytes(b"no image")
    Image.fromarray(np.zeros((255, 256, 3), np.uint8)).save(data / "pairs" / "B" / "msh_1.webp")
    (data / "pairs" / "label" / "msh_2.png").write_bytes(b"no image")
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(data / "pairs" / "label" / "msh_3.png")
    assert _found(data) == [
        ("unreadable or odd-sized image", "pairs/msh_0.webp"),
        ("unreadable or odd-sized image", "pairs/msh_1.webp"),
        ("unreadable or odd-sized mask", "pairs/msh_2.webp"),
        ("unreadable or odd-sized mask", "pairs/msh_3.webp"),
    ]


def test_captions_and_splits_are_checked(data):
    def change(images):
        images[0]["sentences"].pop()
        images[1]["sentences"][2]["tokens"] = []
        del images[2]["changeflag"]
        images[3]["split"] = "training"

    _edit(data / "pairs" / "pairs.json", change)
    assert _found(data) == [
        ("number of captions", "pairs/msh_0.webp"),
        ("empty caption", "pairs/msh_1.webp"),
        ("captions without change flag", "pairs/msh_2.webp"),
        ("unknown split", "pairs/msh_3.webp"),
    ]


def test_a_place_in_two_splits_and_a_pair_listed_twice_are_listed(data):
    def change(images):
        images[0]["place"] = images[3]["place"]
        images.append(images[1])

    _edit(data / "pairs" / "pairs.json", change)
    assert _found(data) == [
        ("pair listed twice", "pairs/msh_1.webp"),
        ("place in two splits", "pairs/msh_0.webp"),
        ("place in two splits", "pairs/msh_3.webp"),
    ]


def test_a_near_duplicate_in_two_splits_is_listed(data):
    for side in "AB":
        image = Image.open(data / "pairs" / side / "msh_0.webp").transpose(Image.Transpose.ROTATE_180)
        image.save(data / "pairs" / side / "msh_3.webp", lossless=True)
    assert _found(data) == [("near-duplicate in two splits", "pairs/msh_0.webp")]


def test_pairs_without_captions_are_counted_not_complained_of(data, capsys):
    def change(images):
        for image in images:
            del image["sentences"], image["changeflag"], image["delta"]

    _edit(data / "pairs" / "pairs.json", change)
    assert main(["check", "--data", str(data)]) == 0
    assert "msh train 2 2 0 0 2 0 2 0".split() in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_no_data_set_is_exit_code_2(tmp_path, capsys):
    assert main(["check", "--data", str(tmp_path)]) == 2
    assert "no data set in" in capsys.readouterr().err
