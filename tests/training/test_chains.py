"""The whole way of each architecture at tiny size: images in LEVIR-CC's published layout, train, export, models add, captions in a GeoPackage."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import fiona
import pytest
import torch
from published_layout import DUBAI_SAME, draw_dubai, draw_levir, draw_rasters
from safetensors import safe_open
from safetensors.torch import save_file

from engine import registry
from engine.cli import main
from engine.contract.errors import InputError, ModelError
from engine.contract.tiles import LAYER_NAME
from engine.evaluation.evaluate import caption_pairs
from engine.evaluation.pairs import read_pairs
from engine.evaluation.scores import floor_sentences
from engine.models import dfm
from engine.models.captioner import CaptionOptions
from engine.models.diffusion import denoiser, encoder
from engine.models.scribe import ScribeConfig
from engine.registry.installed import ARCHITECTURES, own_rows
from training.scribe import train as train_scribe

TINY = {"width": 32, "heads": 2, "hidden": 32}
TINY_DIFFUSION = TINY | {"encoder": "resnet50", "layers": 1, "inner": 32, "fusion_heads": 2, "length": 12}


@pytest.fixture(scope="module")
def levir(tmp_path_factory):
    return draw_levir(tmp_path_factory.mktemp("levir"))


@pytest.fixture(autouse=True)
def own_models(tmp_path, monkeypatch):
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path / "models"))


def run(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


def chain(levir, tmp_path, name, *training, export=(), caption=()):
    """Train, export, add and caption; the file, and the captioned tile's properties."""
    weights = tmp_path / f"my-{name}.safetensors"
    run("train", name, "--data", levir, "--out", tmp_path / "run", *training)
    run("export", tmp_path / "run", "-o", weights, "--id", f"my-{name}", *export)
    run("models", "add", weights)
    return weights, captioned(tmp_path, f"my-{name}", *caption)


def captioned(tmp_path, model, *arguments):
    before, after = draw_rasters(tmp_path)
    run("caption", before, after, "-o", tmp_path / "changes.gpkg", "--model", model, "--device", "cpu", *arguments)
    with fiona.open(tmp_path / "changes.gpkg", layer=LAYER_NAME) as layer:
        (tile,) = [dict(feature["properties"]) for feature in layer]
    assert tile["model_id"] == model if "model_id" in tile else True
    assert len(tile["caption"].split()) >= 3
    return tile


def verify_own(weights, architecture, packing="bytes"):
    """The row and the card that come of it, and what the file says of itself."""
    model_id = weights.stem
    row = next(row for row in own_rows(registry.published()) if row["id"] == model_id)
    assert row["class"] == ARCHITECTURES[architecture]["class"] and row["sha256"] == registry.sha256_of(weights)
    assert row.get("samplers", []) == ARCHITECTURES[architecture].get("samplers", [])
    assert row["metrics"]["split"] == "val"
    with safe_open(weights, "pt") as stream:
        metadata = stream.metadata()
        kinds = {stream.get_tensor(name).dtype for name in stream.keys()}  # noqa: SIM118
    assert metadata["architecture"] == architecture
    assert (torch.int8 in kinds) is (packing == "bytes")
    card = weights.with_suffix(".md").read_text()
    figures = {name: value for name, value in row["metrics"].items() if isinstance(value, float)}
    assert figures and all(f"| {name.replace('_', ' ')} | {value:g} |" in card for name, value in figures.items())


def tiny_scribe(monkeypatch):
    monkeypatch.setattr(train_scribe, "fetch_efficientnet", lambda variant: {})
    monkeypatch.setattr(train_scribe, "load_efficientnet", lambda encoder, state: None)
    sizes = TINY | {"prior_width": 16, "decoder_layers": 1, "max_length": 12}
    monkeypatch.setattr(train_scribe, "ScribeConfig", lambda **members: ScribeConfig(**(members | sizes)))


def test_scribe(levir, tmp_path, monkeypatch):
    tiny_scribe(monkeypatch)
    weights, _ = chain(levir, tmp_path, "scribe-s", "--smoke", "--batch-size", 4, "--encoder", "lite0")
    verify_own(weights, "scribe")


@pytest.mark.parametrize("name", ["diffusion-rscc", "kd-rscc"])
def test_diffusion(levir, tmp_path, monkeypatch, name):
    monkeypatch.setitem(encoder.RESNETS, "resnet50", (1, 1, 1))
    monkeypatch.setitem(denoiser.PRESETS, name, replace(denoiser.PRESETS[name], **TINY_DIFFUSION))
    weights, _ = chain(levir, tmp_path, name, "--smoke", "--device", "cpu", export=("--packing", "single"), caption=("--steps", 3))
    verify_own(weights, name, "single")
    captioner = registry.load(f"my-{name}")
    assert captioner.default.steps == {"diffusion-rscc": 2000, "kd-rscc": 50}[name]  # as published
    assert "the scene is the same as before" in captioner.no_change


def test_dubai_cc(tmp_path, monkeypatch):
    """Its own sentences, with capitals and full stops, are trained on, kept with the weights and scored."""
    data = draw_dubai(tmp_path / "dubai")
    monkeypatch.setitem(encoder.RESNETS, "resnet50", (1, 1, 1))
    monkeypatch.setitem(denoiser.PRESETS, "kd-rscc", replace(denoiser.PRESETS["kd-rscc"], **TINY_DIFFUSION))
    run("train", "kd-rscc", "--data", data, "--out", tmp_path / "run", "--smoke", "--device", "cpu")
    run("export", tmp_path / "run", "-o", tmp_path / "my-dubai.safetensors", "--id", "my-dubai")
    run("models", "add", tmp_path / "my-dubai.safetensors")
    captioner = registry.load("my-dubai")
    assert captioner.card.gsd_m == pytest.approx(30 * 50 / 256, abs=1e-3)
    assert captioner.no_change == {*DUBAI_SAME} and captioner.unchanged_text == "Everything remains the same."
    assert {"Nothing", "changed.", "urbanized."} <= {*captioner.vocabulary.words}
    pairs = read_pairs(data, "test")
    assert [(pair.name, pair.changed) for pair in pairs] == [("1x11.tif", False), ("1x12.tif", True)]
    assert floor_sentences(pairs)[0] == "Everything remains the same."
    captions, _ = caption_pairs(captioner, pairs, CaptionOptions(threshold=1.5, steps=2))
    assert {caption.text for caption in captions.values()} == {"Everything remains the same."}


def mpnet_folder(folder):
    from transformers import MPNetConfig, MPNetModel, MPNetTokenizerFast

    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[UNK]", "a", "house", "is", "built"]) + "\n")
    MPNetTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    MPNetModel(MPNetConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)).save_pretrained(folder)
    return folder


def tiny_dfm(tmp_path, monkeypatch):
    """Small sizes in the published preset, and a folder of CLIP."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64, "patch_size": 16}
    CLIPVisionModel(CLIPVisionConfig(**sizes)).save_pretrained(tmp_path / "clip")
    monkeypatch.setitem(dfm.PRESETS, "paper", replace(dfm.PRESETS["paper"], **TINY, max_length=12))


def folders_of(tmp_path):
    return "--encoder-weights", tmp_path / "clip", "--sentence-weights", mpnet_folder(tmp_path / "mpnet"), "--sentences", tmp_path / "table"


def test_dfm(levir, tmp_path, monkeypatch):
    """The published preset, from folders of CLIP and MPNet; with the bundled scribe-s as frozen change detector it draws heat maps."""
    tiny_dfm(tmp_path, monkeypatch)
    heat = ("--heatmap", tmp_path / "heat.tif")
    weights, _ = chain(levir, tmp_path, "dfm", *folders_of(tmp_path), "--smoke", "--device", "cpu", export=("--packing", "half"), caption=heat)
    verify_own(weights, "dfm", "half")
    net = registry.load("my-dfm").net
    assert net.config.extraction == "state-space" and len(net.heads.extraction.layers) == 3
    assert (tmp_path / "heat.tif").is_file()


def test_dask(levir, tmp_path, monkeypatch):
    """The worker process of a cluster loads the user's model as the client does."""
    pytest.importorskip("distributed")
    tiny_dfm(tmp_path, monkeypatch)
    run("train", "dfm", "--data", levir, "--out", tmp_path / "run", *folders_of(tmp_path), "--smoke", "--device", "cpu")
    run("export", tmp_path / "run", "-o", tmp_path / "mine.safetensors", "--id", "mine")
    run("models", "add", tmp_path / "mine.safetensors")
    alone = captioned(tmp_path, "mine")
    (tmp_path / "changes.gpkg").rename(tmp_path / "alone.gpkg")
    assert captioned(tmp_path, "mine", "--scheduler", "local:1")["caption"] == alone["caption"]


def test_ccexpert(levir, tmp_path, monkeypatch):
    pytest.importorskip("accelerate")
    pytest.importorskip("peft")
    from accelerate.state import AcceleratorState
    from test_ccexpert_training import chat_of_words, tiny_net

    from training.ccexpert.stages import PARTS, Stage

    base, folder = tmp_path / "base", tmp_path / "anywhere"
    base.mkdir()
    state = {name: value for name, value in tiny_net().state_dict().items() if not name.startswith("difference.") and name != "llm.lm_head.weight"}
    save_file(state, base / "model.safetensors")
    chat_of_words().tokenizer.save(str(base / "tokenizer.json"))
    stages = tmp_path / "stages.json"
    stages.write_text(json.dumps([asdict(Stage("all", PARTS, 1e-3, 4, 0.5, "random"))]))
    AcceleratorState._reset_state(True)
    trained = ("--preset", "ccexpert-tiny", "--base", base, "--stages", stages, "--out", tmp_path / "run", "--val-pairs", 2)
    run("train", "ccexpert", "--data", levir, *trained)
    AcceleratorState._reset_state(True)
    run("export", tmp_path / "run", "-o", folder, "--id", "my-ccexpert", "--base", base)
    assert "| flag accuracy |" in (folder / "README.md").read_text()
    run("models", "add", folder)
    assert registry.row("my-ccexpert")["questions"] is True
    assert "answer" in captioned(tmp_path, "my-ccexpert", "--question", "what was built?")


def test_ccexpert_with_adapters(levir, tmp_path):
    """A file with what was trained beside its base, and the base added after it."""
    pytest.importorskip("accelerate")
    pytest.importorskip("peft")
    from accelerate.state import AcceleratorState
    from test_ccexpert_training import chat_of_words, run_in, tiny_net

    base, weights = tmp_path / "my-base", tmp_path / "my-adapters.safetensors"
    base.mkdir()
    untrained = ("difference.", "projector.", "llm.lm_head.")
    state = {name: value for name, value in tiny_net().state_dict().items() if not name.startswith(untrained)}
    save_file(state, base / "model.safetensors")
    chat_of_words().tokenizer.save(str(base / "tokenizer.json"))
    AcceleratorState._reset_state(True)
    run_in(tmp_path / "run", chat_of_words(), 2, adapters=True).train()
    AcceleratorState._reset_state(True)
    run("export", tmp_path / "run", "-o", weights, "--id", "my-adapters", "--base", base, "--data", levir)
    run("models", "add", weights)
    run("models", "add", base)
    row = registry.row("my-adapters")
    assert (row["architecture"], row["questions"], row["metrics"]["split"]) == ("ccexpert", True, "val")
    captioned(tmp_path, "my-adapters")


def test_ccexpert_of_another_data_sets_sentences(tmp_path):
    """Captions keep their capitals and stops; sentences that begin like another one count once."""
    from test_ccexpert_training import chat_of_words, tiny_net

    from engine.models.captioner import ModelCard
    from engine.models.ccexpert.captioner import CCExpertCaptioner, _beginnings

    sentences = ("No change has occurred .", "The scene is the same .")
    arguments = tiny_net(), chat_of_words(), ModelCard("x", "x"), {"temperature": 1.0, "bias": 0.0}, torch.device("cpu")
    own, levirs = CCExpertCaptioner(*arguments, sentences), CCExpertCaptioner(*arguments)
    assert own.as_written and own.unchanged_text == sentences[0] and not levirs.as_written
    assert _beginnings([[1, 2], [1], [1], [3, 1]]) == [[1], [3, 1]]


def exported_kd(levir, tmp_path, monkeypatch):
    monkeypatch.setitem(encoder.RESNETS, "resnet50", (1, 1, 1))
    monkeypatch.setitem(denoiser.PRESETS, "kd-rscc", replace(denoiser.PRESETS["kd-rscc"], **TINY_DIFFUSION))
    run("train", "kd-rscc", "--data", levir, "--out", tmp_path / "run", "--smoke", "--device", "cpu")


def test_what_an_export_refuses_and_what_bundling_writes(levir, tmp_path, monkeypatch, capsys):
    exported_kd(levir, tmp_path, monkeypatch)
    arguments = ["export", str(tmp_path / "run")]
    assert main([*arguments, "-o", str(tmp_path / "x"), "--id", "kd-rscc"]) == ModelError.exit_code  # published
    assert main([*arguments, "--id", "mine"]) == InputError.exit_code
    assert main([*arguments, "-o", str(tmp_path / "x"), "--id", "mine", "--bundle"]) == InputError.exit_code
    assert main(["export", str(tmp_path), "-o", "x", "--id", "mine"]) == InputError.exit_code
    assert "holds no training run" in " ".join(capsys.readouterr().err.split())
    resources = tmp_path / "resources"
    resources.mkdir()
    (resources / "models.json").write_text('{"models": [{"id": "kd-rscc", "name": "kept", "licence": "kept"}]}')
    monkeypatch.setattr(registry, "RESOURCES", resources)
    run(*arguments, "--bundle")
    run(*arguments, "--bundle", "--id", "kd-rscc-new", "--name", "another")
    old, new = json.loads((resources / "models.json").read_text())["models"]
    assert old["licence"] == "kept" and old["sha256"] == "sha256:" + registry.sha256_of(resources / "weights" / "kd-rscc.safetensors")
    assert new["class"] == ARCHITECTURES["kd-rscc"]["class"] and new["name"] == "another" and new["bundled"] is False
    assert new["metrics"]["well_formed"] >= 0
    assert (resources / "cards" / "kd-rscc-new.md").is_file()


def test_weights_of_another_architecture_are_refused(levir, tmp_path, monkeypatch, capsys):
    """A file chooses from the table; what it chooses must load."""
    exported_kd(levir, tmp_path, monkeypatch)
    weights = tmp_path / "mine.safetensors"
    run("export", tmp_path / "run", "-o", weights, "--id", "mine")
    with safe_open(weights, "pt") as stream:
        metadata, state = stream.metadata(), {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    forgeries = {"os:system": "has the architecture", "scribe": "cannot be loaded", "diffusion-rscc": "calls itself diffusion-rscc"}
    for architecture, message in forgeries.items():
        save_file(state, weights, metadata=metadata | {"architecture": architecture})
        assert main(["models", "add", str(weights)]) == ModelError.exit_code
        assert message in " ".join(capsys.readouterr().err.split())
    card = json.loads(metadata["card"]) | {"id": "scribe-s"}
    save_file(state, weights, metadata=metadata | {"card": json.dumps(card)})
    assert main(["models", "add", str(weights)]) == ModelError.exit_code
    assert own_rows(registry.published()) == []
