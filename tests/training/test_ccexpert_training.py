"""Training of CCExpert: what each stage trains, samples of an epoch, packed answers, and a run that is stopped and taken up again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")

from accelerate import Accelerator
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.contract.errors import InputError
from engine.models.ccexpert.config import PRESETS
from engine.models.ccexpert.net import IGNORE_ID, IMAGE_ID, CCExpertNet
from engine.models.ccexpert.prompt import END, END_OF_TEXT, START, ChatTokenizer
from training.ccexpert.batches import epoch_items, pack_answers, packed_loss
from training.ccexpert.stages import LORA, PUBLISHED, SMALL, VISION_LR_FACTOR, Stage, add_adapters, prepare, read_stages, trained_counts
from training.ccexpert.tasks import Task, groups_of, stage_items, verify_sources
from training.ccexpert.train import Objective, Run, begin, schedule
from training.ccexpert.words import WordTargets, words_loss
from training.datasets import PairRow
from training.diffusion.batches import Pairs

TINY = PRESETS["ccexpert-tiny"]
WORDS = "a house road tree is are built removed no change has occurred the scene same as before This Image1 Image2 What".split()


@pytest.fixture(scope="module")
def chat() -> ChatTokenizer:
    return chat_of_words()


def chat_of_words() -> ChatTokenizer:
    words = {word: i for i, word in enumerate([START, END, END_OF_TEXT, "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([START, END, END_OF_TEXT])
    return ChatTokenizer(tokenizer, TINY)


def tiny_net(adapters: bool = False) -> CCExpertNet:
    torch.manual_seed(0)
    net = CCExpertNet(replace(TINY, lora=LORA) if adapters else TINY)
    if adapters:
        add_adapters(net, LORA)
    return net


def levels(count: int) -> torch.Tensor:
    return torch.randn(count, 2, len(TINY.levels), TINY.side**2, TINY.width, generator=torch.Generator().manual_seed(1))


def test_each_published_stage_trains_its_parts():
    net = tiny_net()
    counts = [trained_counts(net, stage) for stage in PUBLISHED]
    whole = {part: sum(p.numel() for p in getattr(net, part).parameters()) for part in ("vision", "difference", "projector", "llm")}
    assert counts[0] == {"vision": 0, "difference": whole["difference"], "projector": 0, "llm": 0}
    assert counts[1] == counts[2] == whole


def test_the_small_one_trains_adapters_and_nothing_else_of_the_language_model():
    net = tiny_net(adapters=True)
    prepare(net, SMALL[2])
    trained = {name for name, p in net.named_parameters() if p.requires_grad}
    assert all("lora_" in name for name in trained if name.startswith("llm."))
    assert sum("lora_" in name for name in trained) == 2 * len(LORA.targets) * TINY.text["num_hidden_layers"]
    assert not any(name.startswith("vision.") for name in trained)
    assert trained_counts(net, SMALL[0])["llm"] == 0


def test_the_vision_tower_learns_at_a_fifth_of_the_rate():
    groups = dict(zip(PUBLISHED[1].trained, prepare(tiny_net(), PUBLISHED[1]), strict=True))
    assert groups["vision"]["base_lr"] == pytest.approx(2e-6) == groups["llm"]["base_lr"] * VISION_LR_FACTOR
    assert groups["difference"]["base_lr"] == groups["projector"]["base_lr"] == 1e-5


@pytest.mark.parametrize(
    ("change", "need"), [({"trained": ()}, "some of"), ({"trained": ("encoder",)}, "some of"), ({"captions": "all"}, "flatten, random, packed")]
)
def test_a_wrong_stage_is_refused(change, need):
    with pytest.raises(InputError, match=need):
        Stage(**{"name": "I", "trained": ("llm",), "lr": 1e-5, "batch": 1, "epochs": 1, "captions": "random"} | change)


def test_flatten_gives_five_times_the_samples():
    rng = np.random.default_rng(0)
    flat, random = (epoch_items([5] * 20, ["lcc"] * 20, mode, {}, rng) for mode in ("flatten", "random"))
    assert len(random) == 20 and len(flat) == 5 * 20
    assert sorted(flat) == [(pair, (caption,)) for pair in range(20) for caption in range(5)]
    assert sorted(pair for pair, _ in random) == list(range(20))


def test_packed_and_weighted_samples():
    items = epoch_items([5, 2, 0, 5], ["lcc", "pairs", "pairs", "other"], "packed", {"lcc": 3.0, "other": 0.0}, np.random.default_rng(0), packed=3)
    assert Counter(pair for pair, _ in items) == {0: 3, 1: 1}  # a pair without captions is never drawn
    assert {len(set(captions)) for pair, captions in items if pair == 0} == {3}
    halves = epoch_items([1] * 400, ["lcc"] * 400, "random", {"lcc": 1.5}, np.random.default_rng(0))
    assert 540 < len(halves) < 660


def test_a_source_has_its_own_weight_or_that_of_the_others():
    groups = groups_of(["lcc", "lcc", "lva", "lva", "msh", "msh"], [True, False] * 3)

    def times(weights):
        found = Counter(pair for pair, _ in epoch_items([1] * 6, groups, "random", weights, np.random.default_rng(0)))
        return [found[pair] for pair in range(6)]

    assert times({"pairs": 3.0, "pairs-unchanged": 2.0}) == [1, 1, 3, 2, 3, 2]
    assert times({"lcc": 2.0, "lva": 0.0, "pairs": 3.0, "lva-unchanged": 4.0}) == [2, 1, 0, 4, 3, 1]
    verify_sources([replace(SMALL[3], sources={"lva": 1.0, "pairs": 1.0})], groups)
    with pytest.raises(InputError, match="sources lvo of stage III.*some of .*lva-unchanged"):
        verify_sources([replace(SMALL[3], sources={"lvo": 1.0})], groups)


def test_stages_may_come_from_a_file(tmp_path):
    path = tmp_path / "stages.json"
    path.write_text(json.dumps([asdict(stage) for stage in SMALL]))
    assert read_stages(path) == SMALL
    for members, message in (({"rate": 1e-5}, "unexpected keyword argument 'rate'"), ({"lr": "fast"}, "lr 'fast'"), ({"batch": 0}, "batch 0")):
        path.write_text(json.dumps([asdict(SMALL[0]) | members]))
        with pytest.raises(InputError, match=message):
            read_stages(path)
    for text in ("[]", "{", '[{"name": "I"}]', '["I"]'):
        path.write_text(text)
        with pytest.raises(InputError, match="stages.json cannot be read"):
            read_stages(path)


def gradients(run: Run, stage: Stage) -> list[torch.Tensor]:
    """Of a step on four pairs, whose answers are of different lengths."""
    found: list[torch.Tensor] = []
    optimizer = torch.optim.SGD(prepare(run.net, stage), lr=0.0)
    optimizer.register_step_pre_hook(lambda *_: found.extend(p.grad.clone() for p in run.net.parameters() if p.grad is not None))
    begin(run.accelerator, 4, run.accumulate)
    run._advance(*run.accelerator.prepare(Objective(run.net), optimizer), stage, [(pair, (0,)) for pair in range(4)])
    return found


@pytest.mark.parametrize("captions", ["random", "words"])
def test_parts_of_a_batch_add_up_to_its_gradient(chat, tmp_path, captions):
    parts = []
    for accumulate in (1, 3):
        run = run_in(tmp_path, chat, 1, adapters=False)
        run.accumulate, run.words = accumulate, WordTargets([[chat.answer(text)] for text in Memorised.texts], least=1)
        parts.append(gradients(run, replace(run.stages[0], captions=captions)))
    assert len(parts[0]) == len(parts[1]) > 10
    for whole, added in zip(*parts, strict=True):
        torch.testing.assert_close(added, whole, atol=1e-5, rtol=1e-3)


def test_deepspeed_is_told_the_batch_and_refused_where_no_process_has_all_weights():
    plugin = SimpleNamespace(zero_stage=2, deepspeed_config={"train_micro_batch_size_per_gpu": "auto", "zero_optimization": {"stage": 2}})
    accelerator = SimpleNamespace(state=SimpleNamespace(deepspeed_plugin=plugin), num_processes=4, free_memory=lambda: None)
    begin(accelerator, 64, 2)
    begin(accelerator, 256, 2)
    sizes = {"train_micro_batch_size_per_gpu": 32, "train_batch_size": 128, "gradient_accumulation_steps": 1, "gradient_clipping": 1.0}
    assert plugin.deepspeed_config == sizes | {"zero_optimization": {"stage": 2}}
    plugin.zero_stage = 3
    with pytest.raises(InputError, match="DeepSpeed with ZeRO-3.*ZeRO-1 or ZeRO-2"):
        begin(accelerator, 64, 1)


def test_packed_answers_count_as_each_answer_alone(chat):
    """The loss is that of ``CCExpertNet.forward`` on one sample an answer: no answer sees another, and the prompt is no target."""
    net, prompt = tiny_net().eval(), chat.prompt()
    answers = [[chat.answer("a house is built"), chat.answer("no change")], [chat.answer("the tree is removed")]]
    with torch.no_grad():
        packed = packed_loss(net, pack_answers(prompt, answers), levels(2)[:, 0], levels(2)[:, 1])
        single = [(row, answer) for row, texts in enumerate(answers) for answer in texts]
        longest = len(prompt) + max(len(answer) for _, answer in single)
        ids, labels, mask = torch.zeros(3, longest, dtype=torch.long), torch.full((3, longest), IGNORE_ID), torch.zeros(3, longest, dtype=torch.long)
        for i, (_, answer) in enumerate(single):
            end = len(prompt) + len(answer)
            ids[i, :end], labels[i, len(prompt) : end], mask[i, :end] = torch.tensor(prompt + answer), torch.tensor(answer), 1
        rows = [row for row, _ in single]
        flat = net(ids, mask, labels, levels(2)[rows, 0], levels(2)[rows, 1])
    assert len(flat.targets) == sum(len(answer) for _, answer in single)
    torch.testing.assert_close(packed, flat.loss, atol=1e-5, rtol=1e-5)


def test_tokens_learn_the_words_of_the_captions(chat):
    """Before any language model has run, the word that an image's tokens are most like is one of its captions' own."""
    net, texts = tiny_net(), [chat.answer("a house is built"), chat.answer("the tree are removed"), chat.answer("a road is built")]
    words = WordTargets([[text] for text in texts], least=1)
    targets = torch.stack([words.of([text]) for text in texts])
    torch.testing.assert_close(targets.sum(1), torch.ones(3))
    assert set(words.ids[targets[1] > 0].tolist()) == set(texts[1]) - {chat.end_ids[0]}  # that of all captions says nothing
    seen = levels(3)
    before = words_loss(net, seen[:, 0], seen[:, 1], words.ids, targets)
    optimizer = torch.optim.Adam([*net.difference.parameters(), *net.projector.parameters()], lr=5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = words_loss(net, seen[:, 0], seen[:, 1], words.ids, targets)
        loss.backward()
        optimizer.step()
    assert loss < before / 1.5
    with torch.no_grad():
        tokens, embedded = net.visual(seen[:, 0], seen[:, 1]).flatten(1, 2), net.llm.get_input_embeddings().weight[words.ids]
    likeness = torch.nn.functional.normalize(tokens - embedded.mean(0), dim=-1) @ torch.nn.functional.normalize(embedded - embedded.mean(0), dim=-1).T
    best = words.ids[likeness.amax(1).argmax(1)].tolist()
    assert all(word in text for word, text in zip(best, texts, strict=True))


def test_only_answers_are_targets(chat):
    prompt, answer = chat.prompt(), chat.answer("a road is built")
    batch = pack_answers(prompt, [[answer, answer]])
    assert batch.targets.tolist() == answer * 2
    assert batch.places.min() == len(prompt) - 1
    assert (batch.ids[0, : len(prompt)] == IMAGE_ID).sum() == 2 * TINY.tokens_per_image
    assert batch.positions[0, len(prompt)] == batch.positions[0, len(prompt) + len(answer)] == len(prompt)


def test_rate_rises_then_falls_to_nothing():
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * i for i in range(1, 11)])
    assert all(a >= b for a, b in zip(rates[9:], rates[10:], strict=False)) and rates[-1] < 0.01


def test_groups_and_items_of_a_part_of_an_epoch():
    groups = groups_of(["lcc", "pairs", "lva"], [True, True, False])
    assert groups == ["lcc", "pairs", "lva-unchanged"]
    task = Task(None, [(("a",),) * 5] * 3, groups, [], lambda net: iter(()))
    stage = Stage("I", ("difference",), 1e-3, 2, 1.5, "flatten")
    assert len(stage_items(stage, task, (1, 0))) == 15 + 8


class Memorised:
    """A source of four pairs, each with a sentence of its own."""

    texts = ("a house is built", "no change has occurred", "the road is built", "a tree is removed")

    def take(self, indexes, rng):
        captions = [(tuple(self.texts[i].split()),) for i in indexes]
        return Pairs(levels(4)[list(indexes)], [True] * len(indexes), captions, [0] * len(indexes))


def run_in(folder: Path, chat: ChatTokenizer, steps: int, adapters: bool) -> Run:
    nowhere = Path("nowhere")
    rows = [
        PairRow(str(i), "lcc", "", "val", nowhere, nowhere, None, int(not text.startswith("no ")), None, (tuple(text.split()),))
        for i, text in enumerate(Memorised.texts)
    ]
    task = Task(Memorised(), [(text,) for text in Memorised.texts], ["lcc"] * 4, rows, lambda net: iter([levels(4)]))
    stages = [Stage("II", ("difference", "projector", "llm"), 1e-2, 4, steps, "packed", warmup=0.1)]
    return Run(tiny_net(adapters), chat, stages, task, folder, Accelerator(cpu=True), validate_every=10)


def test_it_learns_four_captions_by_heart(chat, tmp_path):
    run = run_in(tmp_path, chat, 150, adapters=False)
    run.train()
    best = torch.load(tmp_path / "best.pt", weights_only=True)["record"]
    assert best["val_rouge"] == pytest.approx(100)
    assert best["val_flag_accuracy"] == 1.0
    assert json.loads((tmp_path / "settings.json").read_text())["stages"][0]["name"] == "II"


def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(chat, tmp_path):
    """With adapters, whose base stays out of the files; the optimiser's state is taken up too."""
    run_in(tmp_path / "whole", chat, 20, adapters=True).train()
    part = run_in(tmp_path / "parts", chat, 20, adapters=True)
    kept, part._keep = part._keep, lambda *given: (kept(*given), _stop())
    with pytest.raises(KeyboardInterrupt):
        part.train()
    resumed = run_in(tmp_path / "parts", chat, 20, adapters=True)
    resumed.train()
    whole, parts = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "parts"))
    assert whole["step"] == parts["step"] == 20
    assert set(whole["state"]) == set(parts["state"]) and not any("base_layer" in name for name in whole["state"])
    for name, value in whole["state"].items():
        torch.testing.assert_close(parts["state"][name], value, atol=1e-4, rtol=1e-3)
    with pytest.raises(InputError, match="of another network"):
        run_in(tmp_path / "parts", chat, 20, adapters=False).train()


def _stop():
    raise KeyboardInterrupt
