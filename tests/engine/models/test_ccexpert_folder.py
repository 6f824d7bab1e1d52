"""`changescribe models add FOLDER`: the authors' release becomes a model of the user's; a base goes where its trained file looks for it."""

import json
import shutil
from dataclasses import replace

import fiona
import pytest
import torch
from runs import TILE_PX
from safetensors.torch import load_file, save_file
from test_ccexpert_weights import TINY, authors_state
from tokenizers import Tokenizer

from engine import registry
from engine.cli import main
from engine.contract.errors import ModelError
from engine.models.ccexpert import folder as whole
from engine.models.ccexpert.captioner import CCExpertCaptioner, read_metadata
from engine.models.ccexpert.config import PRESETS
from engine.models.ccexpert.net import CCExpertNet
from engine.registry import files as model_files

from conformance import random_pairs
from tiny_ccexpert import CONFIG, taught, tokenizer, write


@pytest.fixture
def models_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path / "models"))
    resources = tmp_path / "resources"  # without the repository's own trained file
    resources.mkdir()
    shutil.copy(registry.RESOURCES / "models.json", resources)
    monkeypatch.setattr(registry, "RESOURCES", resources)
    return tmp_path / "models"


@pytest.fixture
def release(tmp_path, monkeypatch):
    """A folder as the authors' release, in tiny sizes."""
    monkeypatch.setattr(whole, "SIGLIP", TINY.vision)
    monkeypatch.setattr(
        whole, "CCExpertConfig", lambda vision, text, **members: replace(TINY, vision=vision, text=text, **members)
    )  # levels, heads and pixels that fit
    folder = tmp_path / "CCExpert_tiny sft"
    folder.mkdir()
    save_file(authors_state(TINY), folder / "model.safetensors")
    # As the release's inference script says, its vocabulary's size must be put right.
    (folder / "config.json").write_text(json.dumps(TINY.text | {"vocab_size": 500, "model_type": "llava_qwen_cc"}))
    made = json.loads(tokenizer().to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(made["vocab"]))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in made["merges"]) + "\n")
    return folder


def test_the_authors_release_becomes_a_model_of_the_users(release, models_dir):
    added = model_files.add(str(release))
    assert added == {"id": "ccexpert-tiny-sft", "path": str(models_dir / "ccexpert-tiny-sft.safetensors")}
    row = registry.row("ccexpert-tiny-sft")
    assert (row["tuned_from"], row["questions"]) == ("ccexpert", True)
    assert model_files.check("ccexpert-tiny-sft")["state"] == "ok"
    captioner = registry.load("ccexpert-tiny-sft")
    assert (captioner.net.config.image_update, captioner.net.config.prompt, captioner.net.config.text["vocab_size"]) == ("released", "code", 512)
    gate = load_file(release / "model.safetensors")["model.vision_resampler.expert_change_feature_extractor_model.linear_mapping.weight"]
    loaded = captioner.net.difference.init.gate.weight
    assert torch.equal(loaded, gate.to(loaded.dtype))  # bfloat16 on processors that have it
    assert len(captioner.caption(*random_pairs(2))) == 2


def test_a_release_may_be_quantised_and_nothing_else(release, models_dir, tmp_path):
    assert model_files.add(str(release), bits=4)["id"] == "ccexpert-tiny-sft"
    assert read_metadata(models_dir / "ccexpert-tiny-sft.safetensors").config.bits == 4
    with pytest.raises(ModelError, match="8 bits for .*leave out --bits"):
        model_files.add(str(models_dir / "ccexpert-tiny-sft.safetensors"), bits=8)


def test_its_tokenizer_is_made_of_the_older_files_and_the_folder_stays_as_it_was(release, models_dir):
    before = sorted(path.name for path in release.iterdir())
    model_files.add(str(release))
    assert sorted(path.name for path in release.iterdir()) == before
    made = Tokenizer.from_file(str(models_dir / "ccexpert-tiny-sft-base" / "tokenizer.json"))
    assert made.encode("a house is built").ids == tokenizer().encode("a house is built").ids
    assert made.encode("<|im_start|>user").ids[0] == made.token_to_id("<|im_start|>")


@pytest.mark.parametrize(
    ("lost", "message"), [("config.json", r"config\.json cannot be read"), ("vocab.json", "has no tokenizer.*vocab.json and merges.txt")]
)
def test_what_a_release_lacks_is_named(release, models_dir, lost, message):
    (release / lost).unlink()
    with pytest.raises(ModelError, match=message):
        model_files.add(str(release))


def test_a_base_goes_where_its_trained_file_looks_for_it(models_dir, tmp_path, monkeypatch):
    made = tmp_path / "made"
    path = write(made, *taught(CONFIG, steps=0))
    models_dir.mkdir()
    shutil.move(path, models_dir / path.name)
    row = {"id": "ccexpert", "class": "ccexpert.captioner:CCExpertCaptioner", "file": path.name, "sha256": ""}
    monkeypatch.setattr(registry, "published", lambda: [row])
    with pytest.raises(ModelError, match="models/base lacks vision/model.safetensors"):
        CCExpertCaptioner.from_checkpoint(str(models_dir / path.name))
    assert model_files.add(str(made / "base")) == {"id": "ccexpert", "path": str(models_dir / "base")}
    assert CCExpertCaptioner.from_checkpoint(str(models_dir / path.name)).card.id == "ccexpert"
    assert model_files.add(str(made / "base"))["id"] == "ccexpert"  # what already exists stays
    assert sorted(path.name for path in (models_dir / "base" / "text").iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]


def test_a_folder_of_a_trained_file_and_its_base_is_added_as_both(models_dir, tmp_path, monkeypatch):
    path = write(tmp_path / "made", *taught(CONFIG, steps=0))
    row = {"id": "ccexpert", "class": "ccexpert.captioner:CCExpertCaptioner", "file": path.name, "sha256": registry.sha256_of(path)}
    monkeypatch.setattr(registry, "published", lambda: [row])
    added = model_files.add(str(tmp_path / "made"))
    assert added == {"id": "ccexpert", "path": str(models_dir / path.name), "base": str(models_dir / "base")}
    assert CCExpertCaptioner.from_checkpoint(added["path"]).card.id == "ccexpert"


def test_a_folder_of_something_else_says_what_is_wanted(models_dir, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(ModelError, match="other has no safetensors file"):
        model_files.add(str(tmp_path / "other"))
    save_file({"x": torch.zeros(1)}, tmp_path / "other" / "model.safetensors")
    with pytest.raises(ModelError, match="holds no difference module of CCExpert, and is no base.*the authors' release of CCExpert"):
        model_files.add(str(tmp_path / "other"))


def test_a_release_has_the_published_sizes(tmp_path):
    """config.json of LLaVA-OneVision's 7B; the embeddings' rows decide the vocabulary."""
    (tmp_path / "config.json").write_text(json.dumps(PRESETS["ccexpert-7b"].text | {"vocab_size": 151936, "mm_hidden_size": 1152}))
    save_file({"model.embed_tokens.weight": torch.zeros(152064, 1)}, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text("{}")
    target = tmp_path / "described.safetensors"
    whole.describe_whole(tmp_path, "ccexpert-7b-release", target)
    found = read_metadata(target)
    assert found.config == replace(PRESETS["ccexpert-7b"], image_update="released", prompt="code")
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in CCExpertNet(found.config).parameters()) > 8e9
    assert 2000 < whole.batch_mb(PRESETS["ccexpert-0.5b"]) < found.card.memory_mb < 20000


def test_a_run_captions_and_answers_after_it_has_said_the_memory(release, models_dir, make_pair, tmp_path, capsys):
    model_files.add(str(release))
    output = tmp_path / "out.gpkg"
    arguments = ["--model", "ccexpert-tiny-sft", "--device", "cpu", "--tile", str(TILE_PX), "--question", "is there water?", "--json"]
    assert main(["caption", *make_pair(), "-o", str(output), *arguments]) == 0
    messages = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines() if '"log"' in line]
    assert any("The weights of ccexpert-tiny-sft need 0 MB of memory on cpu" in message for message in messages)
    with fiona.open(output) as layer:
        rows = [feature["properties"] for feature in layer]
    assert all((row["answer"] is None) == (row["status"] == "skipped_nodata") for row in rows)
    assert any(row["caption"] for row in rows)
