"""Questions made of classes and captions, conversations of LLaVA's kind, and stages with data of their own."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("accelerate")
pytest.importorskip("peft")

from accelerate.state import AcceleratorState
from published_layout import draw_levir, images
from safetensors.torch import save_file
from test_ccexpert_training import TINY, chat, chat_of_words, levels, tiny_net  # noqa: F401 (a fixture)

from engine.contract.errors import InputError
from engine.models.ccexpert.net import IMAGE_ID
from training.ccexpert import train as train_ccexpert
from training.ccexpert.batches import pack_answers, packed_loss
from training.ccexpert.questions import Asked, balanced, built_houses, is_exact, measure, questions_of
from training.ccexpert.stages import PARTS, PUBLISHED, Stage
from training.ccexpert.tasks import Task, asked
from training.datasets import PairRow
from training.datasets.conversations import read_conversations, rows_of
from training.datasets.rows import delta_array


def row(delta, changed=1, captions=("two houses are built", "two houses appear near the road")):
    nowhere = Path("x")
    texts = tuple(tuple(caption.split()) for caption in captions)
    return PairRow("n", "msh", "p", "train", nowhere, nowhere, None, changed, None if delta is None else delta_array(delta), texts)


def test_questions_follow_from_the_classes():
    found = {one.question: one.answer for one in questions_of(row({"building": "+", "vegetation": "-", "road": "+"}))}
    assert found["What was added?"] == "buildings and roads"
    assert found["What was removed?"] == "trees or plants"
    assert found["What was altered?"] == "nothing"
    assert found["Did the roads change?"] == "yes" and found["Did the water change?"] == "no"
    assert found["How many houses were built?"] == "two"
    assert not any("other" in question for question in found)
    nothing = {one.question: one.answer for one in questions_of(row({}, 0, ("there is no difference",) * 5))}
    assert nothing["What was added?"] == "nothing" and "How many houses were built?" not in nothing


def test_nothing_is_asked_that_captions_do_not_agree_on():
    """Without noted classes a class that one of five captions states is unknown, and so is every list that might hold it."""
    texts = ("a house is built", "a house is built", "a house is built", "a house and a road are built", "a house is built")
    questions = {one.question for one in questions_of(row(None, captions=texts))}
    assert "What was added?" not in questions and "Did the roads change?" not in questions


@pytest.mark.parametrize(
    ("captions", "count"),
    [
        (("two houses are built", "two big houses appear"), "two"),
        (("a house is built", "one villa is built"), "one"),
        (("two houses are built", "three houses are built"), None),
        (("two houses are built", "some houses are built"), None),
        (("two houses are removed", "two houses disappear"), None),
    ],
)
def test_houses_are_counted_where_two_captions_agree(captions, count):
    assert built_houses([caption.split() for caption in captions]) == count


@pytest.mark.parametrize(
    ("found", "answer", "kind", "exact"),
    [
        ("Roads and buildings.", "buildings and roads", "which", True),
        ("buildings", "buildings and roads", "which", False),
        ("Nothing was removed.", "nothing", "which", True),
        ("a dog", "nothing", "which", False),
        ("Yes, it did", "yes", "whether", True),
        ("", "no", "whether", False),
        ("2 houses", "two", "count", True),
        ("three", "two", "count", False),
    ],
)
def test_an_answer_is_exact_or_not(found, answer, kind, exact):
    assert is_exact(found, Asked("?", answer, kind)) is exact


def test_yes_and_no_are_asked_as_often_and_measured_beside_the_constant():
    pairs = [(i, Asked("Did the roads change?", "yes" if i < 2 else "no", "whether")) for i in range(10)]
    pairs += [(i, Asked("What was added?", "nothing" if i < 8 else "roads", "which")) for i in range(10)]
    kept = balanced(pairs, np.random.default_rng(0))
    assert sorted(one.answer for _, one in kept if one.kind == "whether") == ["no", "no", "yes", "yes"]
    scores = measure(kept, lambda indexes, question: ["yes" if question.startswith("Did") else "roads"] * len(indexes))
    assert scores == pytest.approx(
        {"exact which": 20.0, "exact whether": 50.0, "exact all": 28.57, "constant which": 80.0, "constant whether": 50.0, "constant all": 71.43}
    )


def test_prompts_of_several_lengths_are_packed_as_each_alone(chat):  # noqa: F811
    """The loss of a batch is the tokens' mean over its rows, whatever stands beside them."""
    net = tiny_net().eval()
    prompts, answers = [chat.prompt(), chat.prompt("What road tree house ?")], [[chat.answer("a house is built")], [chat.answer("no")]]
    assert len(prompts[0]) != len(prompts[1])
    assert all(prompt.count(IMAGE_ID) == 2 * TINY.tokens_per_image for prompt in prompts)
    seen = levels(2)
    with torch.inference_mode():
        both = packed_loss(net, pack_answers(prompts, answers), seen[:, 0], seen[:, 1])
        alone = [packed_loss(net, pack_answers(prompts[i], [answers[i]]), seen[i : i + 1, 0], seen[i : i + 1, 1]) for i in range(2)]
    sizes = [len(answers[i][0]) for i in range(2)]
    assert both.item() == pytest.approx(sum(loss.item() * n for loss, n in zip(alone, sizes)) / sum(sizes), rel=1e-4)


def test_a_share_of_the_samples_asks_where_an_answer_is_known(chat):  # noqa: F811
    task = Task(None, [(("a",),)] * 3, ["lcc"] * 3, [], lambda net: iter(()), questions=[[("What road ?", "road")], []])
    items, answers = [(0, (0,)), (1, (0,)), (2, (0,))], [[chat.answer("a house")]] * 3
    prompts, told = asked(task, chat, items, answers, 1.0, np.random.default_rng(0))
    assert prompts[0] == chat.prompt("What road ?") and told[0] == [chat.answer("road")]
    assert prompts[1:] == [chat.prompt()] * 2 and told[1:] == answers[1:]
    assert asked(task, chat, items, answers, 0.0, np.random.default_rng(0)) == ([chat.prompt()] * 3, answers)


PROMPT = "This is the Image1 <image>. This is the Image2 <image>. "


@pytest.fixture
def conversations(tmp_path):
    """Two pairs; a caption of the first in two conversations, and a question about it."""
    folder = tmp_path / "cc"
    (folder / "images").mkdir(parents=True)
    for number in range(2):
        for side, image in zip("ab", images(np.random.default_rng(number + 50), True), strict=True):
            Image.fromarray(image).save(folder / "images" / f"{number}{side}.png")

    def entry(number, *turns):
        said = [{"from": who, "value": text} for turn in turns for who, text in zip(("human", "gpt"), turn, strict=True)]
        return {"id": f"c{number}", "image": [f"{number}a.png", f"{number}b.png"], "conversations": said}

    entries = [
        entry(0, (PROMPT + "What difference happened from Image1 to Image2?", "A house is built."), ("How many houses were built?", "One.")),
        entry(0, (PROMPT + "Please briefly describe the changes.", "one house is built")),
        entry(1, (PROMPT, "a tree is removed")),
    ]
    (folder / "train.json").write_text(json.dumps(entries))
    return folder / "train.json"


def test_conversations_become_pairs_with_captions_and_questions(conversations):
    found = read_conversations(conversations)
    rows = rows_of(found)
    assert [row.captions for row in rows] == [
        (("a", "house", "is", "built"), ("one", "house", "is", "built")),
        (("a", "tree", "is", "removed"),),
    ]
    assert found[0].questions() == (("How many houses were built?", "One."),)
    assert rows[0].before.name == "0a.png" and rows[0].stored_px == 256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": ["0a.png"]}, "1 images"),
        ({"image": ["0a.png", "gone.png"]}, "no image gone.png"),
        ({"conversations": [{"from": "gpt"}]}, "in turn"),
    ],
)
def test_a_conversation_that_is_not_whole_is_named(conversations, change, message):
    entries = json.loads(conversations.read_text())
    conversations.write_text(json.dumps([entries[0] | change]))
    with pytest.raises(InputError, match=f"conversation 0 of .*train.json is not complete .*{message}"):
        read_conversations(conversations)


def test_stages_train_on_data_of_their_own(conversations, tmp_path):
    """Stage I on conversations with its projector as the authors' script does, then LEVIR-CC; a smoke run of two steps each on the CPU."""
    AcceleratorState._reset_state(True)
    levir, base = draw_levir(tmp_path / "levir"), tmp_path / "base"
    base.mkdir()
    state = {name: value for name, value in tiny_net().state_dict().items() if not name.startswith("difference.") and name != "llm.lm_head.weight"}
    save_file(state, base / "model.safetensors")
    chat_of_words().tokenizer.save(str(base / "tokenizer.json"))
    stages = tmp_path / "stages.json"
    stages.write_text(json.dumps([asdict(Stage("I", ("difference",), 1e-3, 2, 9, "flatten")), asdict(Stage("III", PARTS, 1e-3, 4, 9, "random"))]))
    options = {"preset": "ccexpert-tiny", "base": base, "stages": stages, "out": tmp_path / "run", "stage-one": "script", "questions": 0.5}
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    train_ccexpert.main([*arguments, "--data", str(levir), "--data", f"I={conversations}", "--smoke", "--device", "cpu"])
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    one, three = settings["stages"]
    assert one["trained"] == ["difference", "projector"] and one["data"] == str(conversations) and three["data"] is None
    assert settings["data"] == str(levir)
    last = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert (last["stage"], last["step"]) == (1, 2)
    AcceleratorState._reset_state(True)


def test_data_of_a_stage_that_there_is_not():
    with pytest.raises(InputError, match="no stage 'IV'.*I, II, III"):
        train_ccexpert.data_of(["IV=somewhere"], PUBLISHED)
    assert train_ccexpert.data_of(["a", "II=b"], PUBLISHED) == (Path("a"), {"II": "b"})
    with pytest.raises(InputError, match="a preset that trains on images"):
        train_ccexpert.stage_tasks([replace(PUBLISHED[0], data="b")], Path("a"), None, True, None, None)
