"""Training of the diffusion captioners: batches, averages, resuming, accumulation, what stays frozen, and sentences learnt by heart."""

import csv
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from engine.contract.errors import InputError
from engine.models.captioner import CaptionOptions
from engine.models.diffusion.captioner import FAITHFUL, DiffusionCaptioner, Sampling
from engine.models.diffusion.denoiser import PRESETS
from engine.models.diffusion.encoder import ResNet
from engine.registry import weights_path
from engine.words.text import Vocabulary
from training import export
from training.datasets import captioned, load_rows
from training.diffusion import features as diffusion_features
from training.diffusion import train as train_diffusion
from training.diffusion.batches import DiffusionBatch, FeatureSource, ImageSource, TextSource, draw, draw_weights
from training.diffusion.export import SAMPLINGS, load_run, sampling_of
from training.diffusion.features import CachedPairs, read_cached, trained_encoder
from training.diffusion.log import plot, read_log
from training.diffusion.options import OPTIONS, learning_rate
from training.diffusion.steps import Draws, Objective, clean_estimate, moving_average
from training.diffusion.train import Run, Task, build, feature_task, image_task, load_encoder, parameter_counts, read_published, train
from training.diffusion.validate import sample_texts, validate

SIZES = {"width": 64, "heads": 4, "hidden": 128, "inner": 64, "fusion_heads": 4, "fusion_hidden": 32, "layers": 2, "positions": 12, "length": 12}
THINGS = ("houses", "a road", "some trees", "a bridge")
VERBS = ("are built", "appear", "disappear", "are removed")
SENTENCES = [tuple(f"{thing} {verb} {'near the river' if i % 2 else 'on bare land'}".split()) for i, thing in enumerate(THINGS) for verb in VERBS]
CHANNELS = 520
BUNDLED = weights_path("scribe-s")
FAMILIES = ("diffusion-rscc-compact", "kd-rscc-compact")


def cached(sentences=SENTENCES):
    condition = torch.randn(len(sentences), 4, CHANNELS, generator=torch.Generator().manual_seed(3)).half()
    changed = torch.arange(len(sentences)) % 4 > 0
    return CachedPairs(
        condition, changed, [(s,) for s in sentences], [0] * len(sentences), [f"p{i}" for i in range(len(sentences))], "efficientnet-lite2"
    )


def small_run(preset, config=None, **options):
    config = replace(PRESETS[preset], **SIZES, **({"dropout": 0.0, "attention_dropout": None} | (config or {})))
    options = replace(OPTIONS[preset], **({"steps": 4, "pairs": 8, "captions": 2, "validate_every": 2} | options))
    vocabulary = Vocabulary.build(SENTENCES)
    return Run(build(config, options, vocabulary), vocabulary, options)


def task_of(run, pairs):
    return Task(run.net, run.vocabulary, pairs, None, lambda average: {"val_objective": 0.0})


@pytest.fixture
def pairs():
    return FeatureSource(cached(), 0.25, mirror=False)


@pytest.mark.parametrize("preset", FAMILIES)
def test_sixteen_captions_are_learnt_by_heart(preset):
    run = small_run(preset, steps=300, pairs=16, captions=4, lr=3e-3, warmup=20, bf16=False)
    learnt = replace(cached(), changed=torch.ones(16, dtype=torch.bool))  # the others' captions are not
    source = FeatureSource(learnt, 0.25, mirror=False)
    for _ in range(run.options.steps):
        run.advance(source, None)
    found = sample_texts(run.averaged.eval(), run.vocabulary, learnt.condition.float(), range(16), steps=10)
    assert found == [" ".join(sentence) for sentence in SENTENCES]


@pytest.mark.parametrize("preset", ["diffusion-rscc", "kd-rscc"])
def test_the_published_objectives_are_learnt_from(preset):
    """No residual, free embeddings, CE on the noised embedding, and their own levels and weights of them."""
    run = small_run(preset, {"encoder": "efficientnet-lite2"}, steps=60, pairs=16, captions=2, lr=3e-3, linear=False, bf16=False)
    assert run.options.objective == Objective("cosine", "noised", "soft-min-snr")
    assert not (run.net.config.query_residual or run.net.config.normalised or run.net.config.self_conditioning)
    source = FeatureSource(cached(), None, mirror=False)
    losses = [run.advance(source, None) for _ in range(run.options.steps)]
    first, last = ({name: sum(row[name] for row in rows) / 10 for name in ("mse", "ce")} for rows in (losses[:10], losses[-10:]))
    assert last["mse"] < 0.8 * first["mse"] and last["ce"] < 0.8 * first["ce"], (first, last)


def test_the_length_is_learnt_with_the_captions():
    run = small_run("kd-rscc-compact", {"length_prediction": True}, steps=120, pairs=16, captions=2, lr=3e-3, warmup=20, bf16=False)
    learnt = replace(cached(), changed=torch.ones(16, dtype=torch.bool))
    source = FeatureSource(learnt, 0.25, mirror=False)
    losses = [run.advance(source, None) for _ in range(run.options.steps)]
    assert set(losses[0]) <= set(train_diffusion.FIELDS)
    assert losses[-1]["length"] < losses[0]["length"] / 3
    lengths = run.net.eval().likely_lengths(learnt.condition.float())
    assert lengths.tolist() == [len(sentence) + 2 for sentence in SENTENCES]  # start and end


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path, pairs):
    """Dropout, noise and batches are drawn from (seed, step) alone."""
    whole, first = (small_run("kd-rscc-compact", {"dropout": 0.2}) for _ in range(2))
    train(whole, task_of(whole, pairs), tmp_path / "whole")
    first.options = replace(first.options, validate_every=2)
    for _ in range(2):
        first.advance(pairs, None)
    (tmp_path / "parts").mkdir()
    first.save(tmp_path / "parts" / "last.pt")
    second = small_run("kd-rscc-compact", {"dropout": 0.2})
    train(second, task_of(second, pairs), tmp_path / "parts")
    assert second.step == whole.step == 4
    for kind in ("net", "average"):
        expected, found = (getattr(run, kind).state_dict() for run in (whole, second))
        assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert any(not torch.equal(value, whole.net.state_dict()[name]) for name, value in whole.averaged.state_dict().items())


def test_a_run_of_another_network_is_not_resumed(tmp_path, pairs):
    small_run("kd-rscc-compact").save(tmp_path / "last.pt")
    other = small_run("diffusion-rscc-compact")
    with pytest.raises(InputError, match=r"last\.pt is of another network.*--out"):
        train(other, task_of(other, pairs), tmp_path)
    assert not (tmp_path / "settings.json").exists()


@pytest.mark.parametrize(("preset", "accumulate"), [*((preset, parts) for preset in FAMILIES for parts in (3, 4)), (FAMILIES[0], 20)])
def test_accumulated_parts_step_as_the_whole_batch_does(preset, accumulate, pairs):
    gradients = []
    for count in (1, accumulate):
        run = small_run(preset, accumulate=count, bf16=False, clip=None)
        run.net.flag.leave[0].p = 0.0
        run.optimizer.step = lambda run=run: gradients.append([p.grad.clone() for p in run.trained if p.grad is not None])
        run.advance(pairs, None)
    whole, parts = gradients
    assert len(whole) > 20
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-5 * float(a.abs().max()) + 1e-7) for a, b in zip(whole, parts, strict=True))


@pytest.mark.parametrize(("count", "parts", "captions"), [(12, 5, [12, 12, 8, 8, 8]), (10, 4, [12, 12, 8, 8]), (2, 4, [4, 4])])
def test_parts_keep_a_pair_and_its_captions_together(count, parts, captions):
    numbers = torch.arange(count)
    images = numbers.reshape(-1, 1, 1, 1).float()
    own = numbers.repeat_interleave(4)
    found = DiffusionBatch((images, -images), numbers.float(), own[:, None], own).parts(parts)
    assert [len(part.ids) for part in found] == captions
    for part in found:
        assert part.source[0].flatten().tolist() == (-part.source[1]).flatten().tolist() == part.changed.tolist()
        assert part.ids[::4, 0].tolist() == part.changed.tolist() and part.style.tolist() == part.ids[:, 0].tolist()
    assert torch.cat([part.style for part in found]).tolist() == own.tolist()


def test_the_average_follows_with_a_decay_that_grows_to_its_largest():
    run = small_run("kd-rscc-compact")
    for largest, power, decays in ((0.9, None, (0.9, 0.9, 0.9)), (0.45, 0.75, (1 - 2**-0.75, 0.45, 0.45))):
        average, bias = moving_average(run.net, largest, power), run.net.text.bias
        average.update_parameters(run.net)  # the first takes the weights as they are
        expected = bias.detach().clone()
        for decay in decays:
            bias.data += 1.0
            average.update_parameters(run.net)
            expected = decay * expected + (1 - decay) * bias.detach()
            assert torch.allclose(average.module.text.bias, expected, atol=1e-5)


def test_learning_rates_of_the_presets():
    published, compact = OPTIONS["diffusion-rscc"], OPTIONS["kd-rscc-compact"]
    assert learning_rate(published, 0) == 1e-4
    assert learning_rate(published, 300_000) == pytest.approx(5e-5)
    assert learning_rate(OPTIONS["kd-rscc"], 150_000) == 5e-5
    assert learning_rate(compact, 0) == pytest.approx(compact.lr / compact.warmup)


def test_self_conditioning_gives_the_estimate_that_sampling_would(pairs):
    net = small_run("kd-rscc-compact").net.eval()
    x, sigma, condition = torch.randn(2, 12, 16), torch.tensor([0.3, 4.0]), torch.randn(2, 4, CHANNELS)
    with torch.no_grad():
        rows = sigma[:, None, None]
        fed, time = net.preconditioning.c_in(rows) * x, net.preconditioning.c_noise(sigma)
        found = clean_estimate(net, net.denoiser(fed, time, condition), fed, time)
        assert torch.allclose(found, net.denoise(x, sigma, condition), atol=1e-5)


def test_noise_levels_of_one_pair_are_spread():
    """They are stratified over the batch; neighbouring ones for the captions of one pair would teach it one level a step."""
    run = small_run("kd-rscc-compact")
    levels = Draws.of(run.net, 64, Objective("text"), torch.Generator().manual_seed(0)).levels
    assert sorted(levels.tolist()) != levels.tolist()
    assert levels.log().reshape(16, 4).std(1).mean() > 0.5


def test_what_is_drawn():
    changed, style = np.array([True, True, False, False, True]), np.array([0, 1, 0, 1, 1])
    weights = draw_weights(changed, style, 0.2, np.array([True, True, True, True, False]))
    assert weights[~changed].sum() == pytest.approx(0.2)
    assert weights[0] == pytest.approx(2 * weights[1])
    assert weights[4] == 0
    assert np.allclose(draw_weights(changed, style, None, np.ones(5, bool)), 0.2)


def test_a_batch_takes_captions_that_fit_where_there_are_any(pairs):
    known = Vocabulary.build(SENTENCES)
    sentences = [("houses", "appear"), ("houses", "fly"), ("houses",) * 30]
    pairs.cached.captions = [tuple(sentences)] * 15 + [(("geese", "fly"),)]
    batch = draw(pairs, known, 12, 16, 3, (1, 2))
    assert batch.ids.shape == (48, 12)
    texts = {known.decode(row) for row in batch.ids.tolist()}
    assert texts == {"houses appear", "<unk> <unk>"}
    again, other = draw(pairs, known, 12, 16, 3, (1, 2)), draw(pairs, known, 12, 8, 3, (1, 3))
    assert torch.equal(batch.source, again.source)
    assert len(other.changed) == 8


def test_a_mirrored_grid_keeps_its_tokens_and_rewrites_its_caption():
    condition = torch.arange(196.0).reshape(1, 196, 1).repeat(1, 1, 2).half()
    one = CachedPairs(condition, torch.tensor([True]), [(tuple("a house is built on the left".split()),)], [0], ["p"], "efficientnet-lite2")
    source, seen = FeatureSource(one, None, mirror=True), set()
    for seed in range(40):
        found = source.take([0], np.random.default_rng(seed))
        grid = found.source[0, :, 0].reshape(14, 14)
        assert sorted(grid.flatten().tolist()) == list(range(196))
        word = found.captions[0][0][-1]
        seen.add(word)
        corner = {"left": (0, 182), "right": (13, 195)}.get(word)
        if corner:  # the left column of the grid as it was stands on the side that the caption names
            column = grid[:, 0] if word == "left" else grid[:, -1]
            assert set(column.tolist()) == set(range(0, 196, 14))
    assert {"left", "right"} <= seen


def test_images_train_the_encoder_and_leave_its_first_stages(small_data):
    run = small_run("kd-rscc-compact", pairs=4, bf16=False)
    source = ImageSource(captioned(load_rows(small_data), "train"), 0.25, augment=True)
    start = {name: value.clone() for name, value in run.net.encoder.model.state_dict().items()}
    run.advance(source, None)
    moved = {name for name, value in run.net.encoder.model.state_dict().items() if not torch.equal(value, start[name])}
    frozen = ("stem.", "stages.0.", "stages.1.")
    assert moved
    assert not [name for name in moved if name.startswith(frozen)]
    assert {name for name in start if name.startswith("stages.6.")} <= moved


def test_sentences_without_pictures_train_all_but_the_flag(pairs):
    run = small_run("kd-rscc-compact", text_steps=4, weight_decay=0.0)
    flag = [p.clone() for p in run.net.flag.parameters()]
    found = run.advance(pairs, TextSource(SENTENCES, CHANNELS))
    assert "flag" not in found
    assert all(torch.equal(a, b) for a, b in zip(flag, run.net.flag.parameters(), strict=True))
    run.step = 4
    assert "flag" in run.advance(pairs, TextSource(SENTENCES, CHANNELS))


def test_validation_shows_the_flags_own_sentence_where_it_says_no(small_data):
    rows = captioned(load_rows(small_data), "val")
    run = small_run("kd-rscc-compact")
    run.net.flag.leave[1].bias.data.fill_(-100.0)
    found = validate(run.net, run.vocabulary, iter([torch.randn(len(rows), 4, CHANNELS)]), rows, steps=2)
    assert found["val_bleu4"] > 0.0
    assert 0.0 <= found["val_well_formed"] <= 1.0
    assert set(found) <= set(train_diffusion.FIELDS)


def _run_main(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["train_diffusion", *map(str, arguments)])
    train_diffusion.main()


@pytest.mark.parametrize("preset", PRESETS)
def test_dry_run_prints_options_and_parameters_and_trains_nothing(preset, small_data, tmp_path, monkeypatch, capsys):
    _run_main(monkeypatch, "--preset", preset, "--data", small_data, "--out", tmp_path / "run", "--dry-run")
    printed = json.loads(capsys.readouterr().out)
    assert printed["parameters"]["trained"] < printed["parameters"]["all"]
    assert printed["options"]["steps"] == OPTIONS[preset].steps
    assert not (tmp_path / "run").exists()


def test_parameters_at_full_size():
    """models.md: about 58.42 and 58.6 million; the first stages of the encoder do not train."""
    counts = {name: parameter_counts(PRESETS[name], 998, frozen_encoder=False) for name in ("diffusion-rscc", "kd-rscc")}
    assert [round(found["all"] / 1e6, 2) for found in counts.values()] == [58.42, 58.55]
    assert all(0 < found["all"] - found["trained"] < 0.3e6 for found in counts.values())


def test_smoke_run_of_the_command(small_data, tmp_path, monkeypatch):
    _run_main(monkeypatch, "--preset", "kd-rscc-compact", "--data", small_data, "--out", tmp_path / "run", "--smoke", "--device", "cpu")
    with (tmp_path / "run" / "log.csv").open() as stream:
        assert [row["step"] for row in csv.DictReader(stream)] == ["2"]
    assert (tmp_path / "run" / "best.pt").is_file()
    image = plot(read_log(tmp_path / "run" / "log.csv"))
    assert len(image.getcolors(1 << 20)) > 3


def test_from_cached_conditions_to_a_file_that_captions(small_data, tmp_path, monkeypatch):
    """The four commands in turn, on the bundled encoder."""
    features, out = tmp_path / "features", tmp_path / "run"
    monkeypatch.setattr("sys.argv", ["diffusion_features", "--data", str(small_data), "--out", str(features), "--versions", "2"])
    diffusion_features.main()
    found = read_cached(features / "train.safetensors")
    assert found.condition.shape[1:] == (196, CHANNELS)
    assert len(found.ids) == 18 and 30 <= len(found) <= 36
    assert found.captions[0][0] == ("almost", "nothing", "has", "changed") and found.captions[1][0][-1] == "left"
    assert not torch.equal(found.condition[1], found.condition[19])
    _run_main(monkeypatch, "--preset", "kd-rscc-compact", "--data", small_data, "--features", features, "--out", out, "--steps", 2, "--device", "cpu")
    net, vocabulary, step = load_run(out)
    assert step == 2
    assert all(torch.equal(value, net.encoder.state_dict()[name]) for name, value in trained_encoder(BUNDLED)[0].state_dict().items())
    path = tmp_path / "kd.safetensors"
    export.main([str(out), "-o", str(path), "--id", "kd", "--data", str(small_data), "--sampler", "dpmpp-2m", "--steps", "3", "--temperature", "1"])
    captioner = DiffusionCaptioner.from_checkpoint(str(path))
    assert captioner.calibration["temperature"] > 0
    assert captioner.default == Sampling("dpmpp-2m", 3)
    black = np.zeros((1, 3, 256, 256), np.uint8)
    assert len(captioner.caption(black, black, CaptionOptions(threshold=0.0), [1])) == 1
    with pytest.raises(InputError, match="of other pairs.*run python -m training.diffusion.features again"):
        feature_task(small_data, features, replace(PRESETS["kd-rscc-compact"], encoder="efficientnet-lite0"), OPTIONS["kd-rscc-compact"], None)


def test_published_presets_are_exported_with_their_sampling_and_ours_with_another():
    for preset in ("diffusion-rscc", "kd-rscc"):
        published, compact = PRESETS[preset], PRESETS[f"{preset}-compact"]
        assert sampling_of(published) == sampling_of(replace(published, encoder="resnet50")) == FAITHFUL[published.family]
        assert sampling_of(compact, faithful=True) == FAITHFUL[published.family]
        assert sampling_of(compact) == sampling_of(published, faithful=False) == SAMPLINGS[published.family]
    given = {"sampler": None, "steps": 100, "temperature": 0.0, "variance": "fixed_large"}
    assert sampling_of(PRESETS["diffusion-rscc"], **given) == Sampling("ddpm", 100, 1, True, 0.0, "fixed_large")


def test_a_run_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="holds no trained network.*train with training.diffusion.train"):
        load_run(tmp_path)


def test_a_log_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"log\.csv cannot be read.*the log of a run"):
        read_log(tmp_path / "log.csv")


def test_a_training_pair_that_shows_a_validation_pair_stops_the_run(small_data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(small_data, root)
    folder = root / "levir_cc" / "images" / "val"
    textured = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8).repeat(32, 0).repeat(32, 1)
    for name in ("val_000001.webp", "val_000017.webp"):
        _overwrite(folder / "A" / name, textured)
    with pytest.raises(InputError, match="1 training pairs show the ground of held-out pairs: levir_cc/val_000001"):
        image_task(root, PRESETS["kd-rscc-compact"], OPTIONS["kd-rscc-compact"], None)


def _overwrite(path, pixels):
    Image.fromarray(pixels).save(path, lossless=True)


def test_a_resnet_needs_its_weights(small_data):
    with pytest.raises(InputError, match="no weights for resnet101.*--encoder-weights"):
        image_task(small_data, PRESETS["kd-rscc"], OPTIONS["kd-rscc"], None)


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_published_weights_of_either_kind_start_the_encoder(tmp_path, ending):
    path, published = tmp_path / f"resnet{ending}", ResNet((1, 1, 1), 8)
    (torch.save if ending == ".pth" else save_file)(published.state_dict() | {"fc.weight": torch.ones(2, 2)}, path)
    model = ResNet((1, 1, 1), 8)
    load_encoder(SimpleNamespace(config=PRESETS["kd-rscc"], encoder=SimpleNamespace(model=model)), path)
    assert all(torch.equal(value, published.state_dict()[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_weights_that_are_none_are_said(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(InputError, match=rf"{name} cannot be read.*\.pth.*--encoder-weights"):
        read_published(path)
    for content in (b"", b"no weights"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"{name} cannot be read.*\.pth.*--encoder-weights"):
            read_published(path)
    if name == "x.pth":
        torch.save([torch.ones(1)], path)
        with pytest.raises(InputError, match=r"holds no tensors by their names"):
            read_published(path)


def test_features_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read.*run python -m training.diffusion.features"):
        read_cached(tmp_path / "train.safetensors")
