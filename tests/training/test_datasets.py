"""Captions files, published layouts, and which data set a folder holds."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.contract.errors import InputError
from engine.contract.tiles import CLASSES
from engine.words import dubai
from training.datasets import floors, load_rows, read_pair, training_rows, unchanged_sentences
from training.datasets.captions import merge_captions, read_captions
from training.datasets.levir_cc import place_of
from training.datasets.rows import words

PROJECT_CAPTIONS = Path(__file__).resolve().parents[2] / "training" / "captions"
BUILDING, ROAD, VEGETATION = (CLASSES.index(name) for name in ("building", "road", "vegetation"))
FIVE = ["a house is built", "one house appears", "a villa shows up", "a building is constructed", "a house replaces the grass"]
SAME = [
    "there is no difference",
    "the two scenes seem identical",
    "the scene is the same as before",
    "no change has occurred",
    "almost nothing has changed",
]


def _captions(folder, **files):
    for name, lines in files.items():
        (folder / f"{name}.jsonl").write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))


def _image(path, side, seed=0, kind="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(kind).save(path)
    return pixels


SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def _sentences(texts):
    return [{"raw": text} for text in texts]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (" a house, a road and trees appear . ", "a house , a road and trees appear"),
        ("Is the scene the same?", "is the scene the same"),
        ("a t-shaped road; two red-roofed houses.", "a t-shaped road ; two red-roofed houses"),
        ("..", ""),
    ],
)
def test_words_of_a_caption(text, tokens):
    assert words(text) == tuple(tokens.split())


def test_words_are_those_of_the_shared_data(shared_data):
    for name in ("levir_cc", "pairs", "world"):
        images = json.loads((shared_data / name / "pairs.json").read_text())["images"]
        sentences = [s for entry in images if entry["split"] != "test" for s in entry.get("sentences", ())]
        assert len(sentences) > 3700
        assert [s for s in sentences if words(s["raw"]) != words(" ".join(s["tokens"]))] == []


def test_captions_files_are_merged_over_the_data(small_data, captions_folder):
    _captions(
        captions_folder,
        first=[{"id": "pairs/msh_0.webp", "change": 1, "delta": {"road": "+"}, "captions": [*FIVE[:4], "a road, a path appear."], "unsure": True}],
        second=["", {"id": "levir_cc/val_000001.webp", "delta": {"building": "+", "vegetation": "-"}, "why": "seen"}],
        third=[{"id": "pairs/msh_1.webp", "drop": True, "why": "of no use"}],
    )
    rows = {row.id: row for row in load_rows(small_data)}
    corrected, classes = rows["pairs/msh_0.webp"], rows["levir_cc/val_000001.webp"]
    assert corrected.changed == 1
    assert corrected.captions[0] == ("a", "house", "is", "built")
    assert corrected.captions[4] == ("a", "road", ",", "a", "path", "appear")
    assert np.argwhere(corrected.delta).tolist() == [[0, ROAD]]
    assert np.argwhere(classes.delta).tolist() == [[0, BUILDING], [1, VEGETATION]]
    assert " ".join(classes.captions[0]) == "a house is built on the left"
    assert "pairs/msh_1.webp" not in rows
    assert len(rows) == 23


LINE = {"id": "pairs/msh_0.webp", "change": 1, "delta": {"road": "+"}, "captions": FIVE}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"a\.jsonl:1 is no JSON"),
        ("[1]", r"a\.jsonl:1 has not the members"),
        (LINE | {"caption": "x"}, r"a\.jsonl:1 has not the members"),
        (LINE | {"id": "pairs/msh_9.webp"}, r"a\.jsonl:1: no pair pairs/msh_9\.webp in the data set"),
        (LINE | {"id": "wrold/clc_0.webp"}, r"a\.jsonl:1: id = wrold/clc_0\.webp\. Needed: an id that begins with one of levir_cc, pairs, world"),
        (LINE | {"delta": {"house": "+"}}, r"a\.jsonl:1: delta = \{'house': '\+'\}.*classes among building, road"),
        (LINE | {"delta": {"road": "*"}}, r"a\.jsonl:1: delta = .*a sign of \+-~"),
        (LINE | {"delta": {"road": ""}}, r"a\.jsonl:1: delta = "),
        ({"id": "pairs/msh_0.webp"}, r"a\.jsonl:1: delta = None"),
        (LINE | {"change": 2}, r"a\.jsonl:1: change = 2\. Needed: 0 or 1"),
        (LINE | {"captions": FIVE[:4]}, r"a\.jsonl:1: captions = .*a list of 5 sentences"),
        (LINE | {"captions": [*FIVE[:4], "."]}, r"a\.jsonl:1: captions = .*a list of 5 sentences"),
        (LINE | {"captions": "a house is built"}, r"a\.jsonl:1: captions = 'a house is built'"),
        (LINE | {"change": 0}, r"a\.jsonl:1: change 0 and delta \{'road': '\+'\}"),
        (LINE | {"delta": {}}, r"a\.jsonl:1: change 1 and delta \{\}"),
        ({"id": "pairs/msh_0.webp", "delta": {"road": "+"}}, r"a\.jsonl:1: change 0 and delta"),
    ],
)
def test_a_wrong_line_is_named(small_data, captions_folder, line, message):
    _captions(captions_folder, a=[line], b=[{"id": "pairs/msh_1.webp", "delta": {"road": "~"}}])
    with pytest.raises(InputError, match=message):
        load_rows(small_data)


def test_two_lines_for_a_pair_are_refused(small_data, captions_folder):
    _captions(captions_folder, a=[LINE], b=[{"id": "pairs/msh_1.webp", "delta": {"road": "+"}}, LINE])
    with pytest.raises(InputError, match=r"b\.jsonl:2: pairs/msh_0\.webp is also in a\.jsonl:1"):
        load_rows(small_data)


@pytest.mark.parametrize("line", [LINE, {"id": "pairs/msh_0.webp", "delta": {}}, {"id": "pairs/msh_0.webp", "drop": True}])
def test_test_pairs_are_not_corrected(small_data, captions_folder, tmp_path, line):
    root = tmp_path / "data"
    shutil.copytree(small_data, root)
    path = root / "pairs" / "pairs.json"
    path.write_text(path.read_text().replace('"split": "train"', '"split": "test"'))
    _captions(captions_folder, a=[line])
    with pytest.raises(InputError, match=r"a\.jsonl:1: pairs/msh_0\.webp is a test pair"):
        load_rows(root)


def test_captions_of_another_data_set_change_nothing(small_data, captions_folder):
    _captions(captions_folder, a=[LINE | {"id": "pairs/other.webp"}])
    assert len(load_rows(small_data)) == 24


def test_lines_for_a_folder_that_is_not_there_change_nothing(small_data, captions_folder):
    _captions(captions_folder, a=[LINE, LINE | {"id": "world/clc_00000_0_0.webp"}])
    rows = {row.id: row for row in load_rows(small_data)}
    assert len(rows) == 24
    assert rows["pairs/msh_0.webp"].changed == 1


def test_the_projects_captions_files_fit_the_shared_data(shared_data):
    rows = load_rows(shared_data)
    merged = {row.id: row for row in merge_captions(rows, PROJECT_CAPTIONS)}
    entries = read_captions(PROJECT_CAPTIONS)
    assert len(merged) == len(rows) - sum(entry.drop for entry in entries.values())
    assert all(merged[entry.id].captions == entry.captions for entry in entries.values() if entry.captions is not None)


def test_captions_of_the_project_are_as_the_guide_asks():
    for entry in read_captions(PROJECT_CAPTIONS).values():
        if entry.captions is not None:
            sentences = {" ".join(sentence) for sentence in entry.captions}
            assert len(sentences) == 5, f"{entry.where}: a sentence twice"
            assert all(text == text.lower() for text in sentences), entry.where
            assert (sentences == set(SAME)) == (entry.change == 0), f"{entry.where}: the five fixed sentences are those of an unchanged pair"


def test_known_twins_of_evaluation_pairs_are_not_trained_on(shared_data):
    ids = {row.id for row in training_rows(load_rows(shared_data))}
    assert "levir_cc/train_000017.webp" not in ids
    assert "pairs/xbd_14_03.webp" not in ids
    assert "levir_cc/train_000001.webp" in ids


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("train_000001.png", "train_1"),
        ("train_000016.png", "train_1"),
        ("train_000017.png", "train_2"),
        ("train_007120.png", "train_445"),
        ("train_007121.png", "train_unnumbered"),
        ("val_001024.webp", "val_64"),
        ("val_001025.png", "val_unnumbered"),
        ("test_002048.png", "test_128"),
    ],
)
def test_place_of_a_levir_cc_crop(name, place):
    assert place_of(name) == place


def test_place_rule_gives_the_places_of_the_shared_data(shared_data):
    rows = [row for row in load_rows(shared_data) if row.source == "lcc"]
    assert len(rows) > 1300
    assert [row.id for row in rows if place_of(row.name) != row.place] == []


def test_a_levir_cc_name_without_a_number_is_refused():
    with pytest.raises(InputError, match=r"the LEVIR-CC image train_a\.png\. Needed: a name such as train_000001\.png"):
        place_of("train_a.png")


@pytest.fixture
def levir_cc(tmp_path):
    """LEVIR-CC's layout with a changed and an unchanged pair, the newer and the older form of a row."""
    rows = [
        {"filename": "train_000017.png", "filepath": "train", "split": "train", "changeflag": 1, "sentences": _sentences(f" {t} ." for t in FIVE)},
        {"filename": "val_000001.png", "filepath": "val", "split": "val", "sentences": _sentences(f" {t} ." for t in SAME)},
        {"filename": "test_000033.png", "filepath": "test", "split": "test", "sentences": _sentences(FIVE)},
    ]
    (tmp_path / "LevirCCcaptions.json").write_text(json.dumps({"images": rows, "dataset": "LEVIR-CC"}))
    for seed, row in enumerate(rows):
        for side in "AB":
            _image(tmp_path / "images" / row["filepath"] / side / row["filename"], 256, seed)
    return tmp_path


def test_levir_cc_as_published(levir_cc):
    train, val, test = load_rows(levir_cc)
    assert [(row.source, row.place, row.split, row.changed) for row in (train, val, test)] == [
        ("lcc", "train_2", "train", 1),
        ("lcc", "val_1", "val", 0),
        ("lcc", "test_3", "test", 1),
    ]
    assert train.captions[0] == ("a", "house", "is", "built")
    assert train.delta is None
    assert val.delta.sum() == 0
    assert read_pair(val)[0].shape == (3, 256, 256)
    assert training_rows([train, val, test]) == []  # train_000017 is a tile of test_9


def test_levir_cc_without_a_partner_is_not_shifted(levir_cc):
    (levir_cc / "images" / "val" / "B" / "val_000001.png").unlink()
    with pytest.raises(InputError, match=r"1 files of pairs are missing, the first: .*B.val_000001\.png"):
        load_rows(levir_cc)


@pytest.fixture
def dubai_cc(tmp_path):
    """Dubai-CC's layout, a pair a split."""
    folder = tmp_path / "description_jsontr_te_val"
    folder.mkdir()
    texts = {
        "Train": ["New roads appear."] * 5,
        "Validation": ["Nothing has changed."] * 3 + FIVE[:2],
        "Test": ["Nothing has changed"] * 2 + FIVE[:3],
    }
    for number, (name, five) in enumerate(texts.items()):
        entry = {"filename": f"D_{number}.tif", "sentences": [{"raw": text, "tokens": text.split()} for text in five]}
        (folder / f"{name}_Dubai_CC.json").write_text(json.dumps({"images": [entry]}))
        for year in ("500_2000", "500_2010"):
            _image(tmp_path / "imgs_tiles" / "RGB" / year / f"D_{number}.tif", 50, int(year[-2:]) + number)
    return tmp_path


def test_dubai_cc_as_published(dubai_cc):
    rows = load_rows(dubai_cc)
    assert [(row.id, row.split, row.changed) for row in rows] == [
        ("dubai_cc/D_0.tif", "train", 1),
        ("dubai_cc/D_1.tif", "val", 0),
        ("dubai_cc/D_2.tif", "test", 1),
    ]
    assert rows[0].captions[0] == ("New", "roads", "appear.")  # as published
    assert rows[0].gsd_m == 30.0
    before, after, mask = read_pair(rows[0])
    expected = Image.open(rows[0].after).resize((256, 256), Image.Resampling.BILINEAR)
    assert np.array_equal(after, np.asarray(expected).transpose(2, 0, 1))
    assert not np.array_equal(before, after)
    assert mask is None


def test_the_sentences_of_dubai_cc_itself():
    """300, 50 and 150 tiles; each annotator's denials are known, and the majority decides."""
    folder = SHARED / "dubai_cc_captions"
    if not folder.is_dir():
        pytest.skip("../shared/data/dubai_cc_captions is not here")
    sentences = floors.read_sentences(folder)
    assert {split: len(pairs) for split, pairs in sentences.items()} == {"train": 300, "val": 50, "test": 150}
    changed = {split: sum(map(dubai.is_changed, pairs.values())) for split, pairs in sentences.items()}
    assert changed == {"train": 199, "val": 31, "test": 97}
    assert floors.constants({"train": sentences["train"], "val": {"x.tif": ["A road appears."] * 5}})[0] == dubai.UNCHANGED_TEXT
    mixed = sentences["val"]["22x22.tif"]
    assert [dubai.denies_change(text) for text in mixed] == [True, True, True, False, False]


def test_unchanged_sentences_are_the_data_sets_own(dubai_cc):
    rows = load_rows(dubai_cc)
    assert unchanged_sentences(rows) == ("Nothing has changed.",)
    assert unchanged_sentences(rows[:1])[0] == "the scene is the same as before"  # nobody has others


def test_dubai_cc_without_a_partner_is_not_shifted(dubai_cc):
    (dubai_cc / "imgs_tiles" / "RGB" / "500_2000" / "D_1.tif").unlink()
    with pytest.raises(InputError, match=r"1 files of pairs are missing, the first: .*500_2000.D_1\.tif"):
        load_rows(dubai_cc)


def test_a_tile_of_another_size_is_refused(dubai_cc):
    _image(dubai_cc / "imgs_tiles" / "RGB" / "500_2010" / "D_0.tif", 64)
    with pytest.raises(InputError, match=r"D_0\.tif is 64×64\. Needed: 50×50"):
        read_pair(load_rows(dubai_cc)[0])


def test_a_broken_image_is_named(levir_cc):
    (levir_cc / "images" / "train" / "A" / "train_000017.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"A.train_000017\.png cannot be read"):
        read_pair(load_rows(levir_cc)[0])


def test_a_folder_without_a_data_set_names_the_layouts(tmp_path):
    with pytest.raises(
        InputError, match=r"no data set in .*levir_cc/pairs\.json and pairs/pairs\.json.*LevirCCcaptions\.json.*description_jsontr_te_val"
    ):
        load_rows(tmp_path)
    with pytest.raises(InputError, match=r"no folder .*absent"):
        load_rows(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"LevirCCcaptions\.json cannot be read"),
        ("[]", r"LevirCCcaptions\.json cannot be read"),
        ('{"images": {}}', r'"images" of .*LevirCCcaptions\.json is no list'),
        ('{"images": [{"filename": "train_000001.png"}]}', r"pair 0 of .*LevirCCcaptions\.json is not complete \(KeyError\('sentences'\)\)"),
    ],
)
def test_a_broken_captions_file_is_named(tmp_path, text, message):
    (tmp_path / "LevirCCcaptions.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_rows(tmp_path)
