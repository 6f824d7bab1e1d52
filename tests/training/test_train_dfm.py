"""DFM's batches, its loss, and a run from start to a file that captions."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.contract.errors import InputError, ModelError
from engine.models.dfm import DfmCaptioner, DfmConfig, DfmHeads, DfmNet
from engine.models.scribe import ScribeConfig, ScribeNet
from engine.models.vit import Features
from engine.registry.weights import pack, unpack
from engine.words.text import SPECIAL, Vocabulary
from training import export
from training.datasets import captioned, load_rows
from training.dfm import train as train_dfm
from training.dfm.batches import UNCHANGED_SENTENCES, DfmPairs
from training.dfm.losses import LossWeights, dfm_losses
from training.dfm.options import RECIPES, DfmOptions
from training.dfm.train import batch_losses, build, parameter_counts, train
from training.dfm.weights import Detector, encoder_weights, read_detector
from training.scribe.validate import NEUTRAL
from training.shared.tgcl import TextGuidedContrast

DETECTOR = ScribeConfig(prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1)
SMALL = DfmConfig(cd_config=asdict(DETECTOR), width=32, heads=2, hidden=32, decoder_layers=1, max_length=16)
OPTIONS = DfmOptions(epochs=2, batch_size=8, validate_every=1)


class Table:
    """Stands for the sentence table: an embedding drawn from the sentence's letters."""

    width = 768

    def __init__(self):
        self.added = set()

    def add(self, sentences, report=False):
        self.added |= set(sentences)

    def __call__(self, sentences):
        return torch.stack([torch.randn(768, generator=torch.Generator().manual_seed(sum(map(ord, sentence)))) for sentence in sentences])


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    net = ScribeNet(DETECTOR, 4)
    state = {f"encoder.{k}": v for k, v in net.encoder.state_dict().items()} | {f"branch.{k}": v for k, v in net.prior.state_dict().items()}
    return Detector(asdict(DETECTOR), state, NEUTRAL["class_thresholds"])


@pytest.fixture
def pairs(small_data):
    rows = captioned(load_rows(small_data), "train")
    return DfmPairs(rows, train_dfm.build_vocabulary(rows, OPTIONS), SMALL.max_length)


def test_a_batch_holds_one_true_caption_of_each_changed_pair(pairs):
    batch = pairs.batch(list(range(len(pairs))), (1, 2))
    assert batch.before.shape == (18, 3, 256, 256)
    assert batch.before.dtype == torch.float32
    for row, changed, ids, sentence in zip(pairs.rows, batch.changed.tolist(), batch.ids, batch.sentences, strict=True):
        assert changed == row.changed
        if row.changed:
            assert pairs.vocabulary.decode(ids.tolist()) == " ".join(word if word in pairs.vocabulary.ids else "<unk>" for word in sentence.split())
        else:
            assert sentence in UNCHANGED_SENTENCES
            assert ids.tolist() == [0] * 16


def test_an_epoch_shows_every_pair_once_and_depends_on_its_seed_alone(pairs):
    first, again, other = (list(pairs.epoch(5, seed)) for seed in ((1, 0), (1, 0), (1, 1)))
    assert [len(batch.changed) for batch in first] == [5, 5, 5, 3]
    assert sum(int(batch.changed.sum()) for batch in first) == sum(int(row.changed) for row in pairs.rows)
    assert all(torch.equal(a.after, b.after) and a.sentences == b.sentences for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].after, other[0].after)


def test_an_error_in_the_preparing_thread_is_raised(pairs):
    pairs.images = pairs.images[:3]
    with pytest.raises(IndexError):
        list(pairs.epoch(5, (1, 0)))


def test_exchanged_dates_come_with_reversed_captions(pairs):
    """The made-up villa is the only red thing; where it is in the first image, no caption says that it was built."""
    exchanged = 0
    for seed in range(30):
        before, after, captions = pairs._augmented(1, np.random.default_rng(seed))
        assert captions
        gone = before[0].max() > 180 > after[0].max()
        exchanged += gone
        assert all(("built" in caption or "appears" in caption) is not gone for caption in captions if "house" in caption or "villa" in caption)
    assert 2 <= exchanged <= 15


def _random_targets(config, changed):
    torch.manual_seed(5)
    n = len(changed)
    dates = tuple(Features(torch.randn(n, 24, requires_grad=True), torch.randn(n, 16, 24, requires_grad=True)) for _ in range(2))
    ids = torch.where(torch.tensor(changed)[:, None] > 0, torch.randint(4, 20, (n, 9)), 0)
    return DfmHeads(config, 24, 4, 20).eval(), dates, torch.randn(n, 256, 16), torch.tensor(changed), ids, torch.randn(n, 768)


def test_the_total_is_the_weighted_sum_of_the_terms():
    heads, dates, prior, changed, ids, sentences = _random_targets(SMALL, [1.0, 0.0, 1.0, 1.0])
    weights = LossWeights(caption=0.7, contrast=0.3, flag=0.2)
    losses = dfm_losses(heads, TextGuidedContrast(24), dates, prior, changed, ids, sentences, weights)
    assert losses["total"].item() == pytest.approx(0.7 * losses["caption"].item() + 0.3 * losses["contrast"].item() + 0.2 * losses["flag"].item())
    assert all(losses[name].item() > 0 for name in ("caption", "contrast", "flag"))


def test_a_batch_without_change_trains_the_flag_alone():
    heads, dates, prior, changed, ids, sentences = _random_targets(SMALL, [0.0, 0.0])
    losses = dfm_losses(heads, TextGuidedContrast(24), dates, prior, changed, ids, sentences, LossWeights())
    losses["total"].backward()
    assert losses["caption"].item() == losses["contrast"].item() == 0.0
    assert all(p.grad is None or p.grad.isfinite().all() for p in heads.parameters())
    assert heads.flag.weight.grad.abs().sum() > 0


def _trained_states(pairs, detector, runs):
    """Networks after three steps for each (gating, λ2)."""
    states = []
    for gating, weight in runs:
        options = replace(OPTIONS, gating=gating, weights=LossWeights(contrast=weight))
        net, contrast = build(SMALL, options, pairs.vocabulary, None, detector)
        modules = [net] if contrast is None else [net, contrast]
        optimizer = torch.optim.Adam([p for module in modules for p in module.parameters() if p.requires_grad], lr=1e-3)
        torch.manual_seed(9)
        train_dfm.train_epoch(net, contrast, optimizer, pairs.epoch(8, (1, 0)), Table(), options.weights)
        states.append(net.state_dict())
    return states


def test_lambda_2_of_zero_trains_as_without_the_contrast_bit_for_bit(pairs, detector):
    plain, zero, full = _trained_states(pairs, detector, [("off", 0.1), ("both", 0.0), ("both", 0.1)])
    assert all(torch.equal(plain[name], zero[name]) for name in plain)
    assert any(not torch.equal(plain[name], full[name]) for name in plain)


def test_the_contrast_trains_the_image_encoder_and_leaves_what_is_frozen(pairs, detector):
    net, contrast = build(replace(SMALL, trained_blocks=2), OPTIONS, pairs.vocabulary, None, detector)
    start = {name: value.clone() for name, value in net.state_dict().items()}
    losses = batch_losses(net, contrast, pairs.batch(list(range(8)), (1,)), Table(), LossWeights())
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-3)
    losses["contrast"].backward()
    assert net.encoder.model.stages[6][0].project.weight.grad.abs().sum() > 0
    optimizer.step()
    end = net.state_dict()
    frozen = [name for name in start if name.startswith(("detector.", "encoder.model.stem", "encoder.model.stages.4"))]
    assert len(frozen) > 100
    assert all(torch.equal(start[name], end[name]) for name in frozen)


def test_parameter_counts_tell_trained_from_frozen(small_data):
    rows = captioned(load_rows(small_data), "train")
    counts = parameter_counts(SMALL, OPTIONS, rows)
    assert counts["detector"]["trained"] == 0
    assert counts["encoder"]["frozen"] > 0 and counts["encoder"]["trained"] > 0
    assert counts["contrast"] == {"trained": 768 * 432 + 432 + 1, "frozen": 0}
    assert counts["all"]["trained"] == sum(part["trained"] for name, part in counts.items() if name != "all")
    assert "contrast" not in parameter_counts(SMALL, replace(OPTIONS, gating="off"), rows)


def test_train_resume_export_and_load(small_data, tmp_path, monkeypatch, detector):
    """Two epochs in one go equal one epoch, a stop, and one more; the file that is written loads and captions."""
    train(small_data, tmp_path / "whole", OPTIONS, SMALL, None, detector, Table())
    with monkeypatch.context() as patch:
        patch.setattr(train_dfm.RunFolder, "log", _stop_after_first)
        with pytest.raises(KeyboardInterrupt):
            train(small_data, tmp_path / "parts", OPTIONS, SMALL, None, detector, Table())
    train(small_data, tmp_path / "parts", OPTIONS, SMALL, None, detector, Table())
    whole, parts = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "parts"))
    assert whole["epoch"] == parts["epoch"] == 2
    assert all(torch.equal(whole["net"][name], parts["net"][name]) for name in whole["net"])
    assert torch.equal(whole["contrast"]["log_temperature"], parts["contrast"]["log_temperature"])

    export.main([str(tmp_path / "whole"), "-o", str(tmp_path / "mine.safetensors"), "--id", "mine", "--data", str(small_data)])
    captioner = DfmCaptioner.from_checkpoint(str(tmp_path / "mine.safetensors"))
    assert captioner.calibration["temperature"] > 0
    read = unpack(pack(detector.state))
    assert all(torch.equal(captioner.net.detector.state_dict()[name], read[name]) for name in detector.state)
    black = np.zeros((1, 3, 256, 256), np.uint8)
    assert len(captioner.caption(black, black)) == 1
    settings = json.loads((tmp_path / "whole" / "settings.json").read_text())
    assert DfmConfig(**settings["config"]) == SMALL
    assert settings["train"]["weights"]["contrast"] == LossWeights.contrast


def _stop_after_first(path, record):
    raise KeyboardInterrupt


def test_the_detector_is_read_from_weights_of_scribe(tmp_path):
    torch.manual_seed(1)
    net = ScribeNet(DETECTOR, 9)
    metadata = {"config": json.dumps(asdict(DETECTOR)), "calibration": json.dumps(NEUTRAL)}
    packed = pack(net.state_dict())  # as scribe-s is published
    net.load_state_dict(unpack(packed))
    save_file(packed, tmp_path / "scribe.safetensors", metadata=metadata)
    found = read_detector(tmp_path / "scribe.safetensors")
    dfm = DfmNet(replace(SMALL, cd_config=found.config), 9)
    dfm.detector.load_state_dict(found.state)
    images = [torch.randint(0, 255, (1, 3, 256, 256), dtype=torch.uint8) for _ in range(2)]
    with torch.inference_mode():
        assert torch.equal(dfm.detector(*images).state.flag, net.eval().prior(*net.encode(*images)).flag)


def test_a_detector_that_is_no_scribe_is_refused(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=r"x\.safetensors cannot be read.*weights of scribe-s"):
        read_detector(tmp_path / "x.safetensors")


def test_clip_needs_its_folder():
    with pytest.raises(InputError, match="no weights for CLIP.*--encoder-weights"):
        encoder_weights("clip", None)


def test_dry_run_prints_the_parameters_and_trains_nothing(small_data, tmp_path, monkeypatch, capsys):
    arguments = ["train_dfm", "--data", str(small_data), "--out", str(tmp_path / "run"), "--preset", "paper", "--no-prior", "--dry-run"]
    monkeypatch.setattr("sys.argv", arguments)
    train_dfm.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["parameters"]["encoder"] == {"trained": 42_528_768, "frozen": 44_927_232}  # of CLIP ViT-B/32's 87,456,000
    assert printed["config"]["cd_prior"] is False
    assert not (tmp_path / "run").exists()


def test_vocabulary_is_of_changed_captions(small_data):
    words = train_dfm.build_vocabulary(captioned(load_rows(small_data), "train"), OPTIONS).words
    assert tuple(words[:4]) == SPECIAL
    assert isinstance(Vocabulary(words), Vocabulary)
    assert "built" in words
    assert "difference" not in words


def test_the_published_recipe_captions_all_pairs_as_they_are(small_data):
    """No augmentation, captions of unchanged pairs in the vocabulary and in L_AR; the flag's head alone learns from the flag."""
    paper = RECIPES["paper"]
    assert (paper.epochs, paper.clip, paper.augment, paper.unchanged_captions, paper.weights.detached_flag) == (80, None, False, True, True)
    rows = captioned(load_rows(small_data), "train")
    vocabulary = train_dfm.build_vocabulary(rows, paper)
    assert {"difference", "built"} <= {*vocabulary.words}
    pairs = DfmPairs(rows, vocabulary, SMALL.max_length, paper.augment, paper.unchanged_captions)
    batch = pairs.batch([0, 1], (1,))
    assert all(np.array_equal(batch.before[i].numpy(), pairs.images[i][0]) for i in range(2))
    for row, ids, sentence in zip(rows[:2], batch.ids, batch.sentences, strict=True):
        assert vocabulary.decode(ids.tolist()) == sentence in [" ".join(caption) for caption in row.captions]


def test_a_detached_flag_trains_its_own_head_alone():
    heads, dates, prior, changed, ids, _ = _random_targets(SMALL, [0.0, 1.0])
    dfm_losses(heads, None, dates, prior, changed, ids * 0, None, LossWeights(detached_flag=True))["total"].backward()
    assert heads.flag.weight.grad.abs().sum() > 0
    assert all(p.grad is None or not p.grad.any() for name, p in heads.named_parameters() if not name.startswith("flag."))


def test_options_of_the_command_line_change_the_preset():
    args = train_dfm._parser().parse_args("--preset paper --caption-weight 2 --flag-weight 0.5 --clip 1 --epochs 3 --augment".split())
    options = train_dfm.options_of(args)
    assert options == replace(RECIPES["paper"], epochs=3, clip=1.0, augment=True, weights=replace(RECIPES["paper"].weights, caption=2.0, flag=0.5))
    assert train_dfm.options_of(train_dfm._parser().parse_args(["--preset", "compact", "--clip", "0"])).clip is None


def test_all_sentences_are_embedded_before_the_first_step(small_data):
    rows, table = captioned(load_rows(small_data), "train"), Table()
    train_dfm.embed_all(table, rows, RECIPES["paper"])
    assert {" ".join(caption) for row in rows for caption in row.captions} | {*UNCHANGED_SENTENCES} <= table.added
