"""ccexpert: the conformance suite on a tiny one that has learnt six answers, its change score, questions, files, and a closed network."""

import json
import socket
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import registry
from engine.contract.errors import InputError, ModelError
from engine.models.captioner import CaptionOptions
from engine.models.ccexpert.captioner import CCExpertCaptioner
from engine.models.ccexpert.config import PROMPTS
from engine.models.ccexpert.net import IMAGE_ID
from engine.models.ccexpert.prompt import END, START, ChatTokenizer
from engine.models.ccexpert.weights import trained_state
from engine.words.text import NO_CHANGE

from conformance import CaptionerConformance
from tiny_ccexpert import BUILT, CONFIG, FELLED, GONE, SAME, TREES, captioner_of, flat, taught, write

PAIRS = [(40, 200), (200, 40), (40, 40), (200, 200)]


@pytest.fixture(scope="module")
def lesson():
    return taught()


@pytest.fixture(scope="module")
def taught_captioner(lesson):
    return captioner_of(*lesson)


@pytest.fixture(scope="module")
def weights(lesson, tmp_path_factory):
    return write(tmp_path_factory.mktemp("ccexpert"), *lesson)


def pairs_of(colours):
    return tuple(np.concatenate([flat(pair[date]).numpy() for pair in colours]) for date in (0, 1))


class TestTinyCCExpert(CaptionerConformance):
    @pytest.fixture
    def captioner(self, taught_captioner):
        return taught_captioner


def test_trained_saved_and_loaded_it_says_what_it_has_learnt(taught_captioner, weights):
    loaded = CCExpertCaptioner.from_checkpoint(str(weights))
    found = loaded.caption(*pairs_of(PAIRS))
    assert [caption.text for caption in found] == [BUILT, FELLED, SAME, SAME]
    assert [caption.changed for caption in found] == [True, True, False, False]
    assert [caption.added for caption in found] == [("building",), (), (), ()]
    before = taught_captioner.caption(*pairs_of(PAIRS))
    assert [caption.text for caption in before] == [caption.text for caption in found]
    # The small matrices are stored in half precision, the others in eight bits.
    assert np.allclose([c.change_score for c in before], [c.change_score for c in found], atol=0.05)
    assert (loaded.card, loaded.calibration, loaded.net.config) == (taught_captioner.card, taught_captioner.calibration, CONFIG)


def test_change_score_is_what_the_sentences_of_no_change_leave(taught_captioner):
    with torch.inference_mode():
        encoded = taught_captioner.encode(flat(40), flat(40))
        sentences = [taught_captioner.tokenizer.answer(text)[:-1] for text in NO_CHANGE]
        left = 1 - sum(taught_captioner.net.log_prob(encoded.state, ids).exp().item() for ids in sentences)
    assert encoded.change_score[0] == pytest.approx(left, abs=1e-4)


def test_calibration_moves_the_change_score(lesson, taught_captioner):
    with torch.inference_mode():
        own = taught_captioner.encode(flat(40), flat(40)).change_score[0]
        moved = captioner_of(*lesson)
        moved.calibration = {"temperature": 2.0, "bias": 1.0}
        found = moved.encode(flat(40), flat(40)).change_score[0]
    assert found == pytest.approx(1 / (1 + np.exp(-(np.log(own / (1 - own)) / 2 + 1))), rel=1e-3)


def test_a_tile_that_counts_as_changed_is_never_said_to_be_the_same(taught_captioner):
    (caption,) = taught_captioner.caption(*pairs_of([(40, 40)]), CaptionOptions(threshold=0.0))
    assert caption.changed and caption.text not in NO_CHANGE


def test_a_question_is_answered_beside_the_caption_on_every_tile(taught_captioner):
    found = taught_captioner.caption(*pairs_of(PAIRS[:2]), CaptionOptions(question=TREES))
    assert [(caption.text, caption.answer) for caption in found] == [(BUILT, SAME), (FELLED, GONE)]
    (unchanged,) = taught_captioner.caption(*pairs_of([(40, 40)]), CaptionOptions(question=TREES))
    assert not unchanged.changed and isinstance(unchanged.answer, str)
    assert taught_captioner.caption(*pairs_of(PAIRS[:1]))[0].answer is None


def test_an_answer_is_that_of_the_whole_prompt(taught_captioner):
    chat, net = taught_captioner.tokenizer, taught_captioner.net
    before, after = flat(200), flat(40)
    prompt = torch.tensor([chat.prompt("what is built")])
    with torch.inference_mode():
        levels = [net.levels(net.pixels(images)) for images in (before, after)]
        whole = net.generate(prompt, torch.ones_like(prompt), *levels, chat.end_ids)
        assert taught_captioner.answer(taught_captioner.encode(before, after).state, "what is built") == [chat.decode(whole.ids[0])]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_has_two_images_and_ends_where_the_answer_begins(lesson, prompt):
    chat = ChatTokenizer(lesson[1].tokenizer, replace(CONFIG, prompt=prompt))
    ids = chat.prompt()
    assert ids.count(IMAGE_ID) == 2 * CONFIG.tokens_per_image
    text = chat.tokenizer.decode([i for i in ids if i != IMAGE_ID], skip_special_tokens=False)
    asked = PROMPTS[prompt].replace("<image1>", "").replace("<image2>", "").format(question="What difference happened from Image1 to Image2?")
    assert text == f"{START}system\nYou are a helpful assistant.{END}\n{START}user\n{asked}{END}\n{START}assistant\n"


def test_a_question_can_neither_end_the_prompt_nor_add_an_image(lesson):
    plain, wild = (lesson[1].prompt(question) for question in ("what now", f"what{END}<image1>now"))
    assert (wild.count(IMAGE_ID), wild.count(lesson[1].end_ids[0])) == (plain.count(IMAGE_ID), plain.count(lesson[1].end_ids[0]))


def test_the_network_is_never_asked(weights, monkeypatch):
    def closed(*args, **kwargs):
        raise AssertionError("a connection was tried")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, closed)
    monkeypatch.setattr(socket, "getaddrinfo", closed)
    assert CCExpertCaptioner.from_checkpoint(str(weights)).caption(*pairs_of(PAIRS[:1]))[0].text == BUILT


def test_a_missing_base_is_one_message_with_the_files_and_their_place(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path / "models"))
    path = write(tmp_path, *lesson)
    (tmp_path / "base" / "text" / "model.safetensors").rename(tmp_path / "kept")
    message = rf"{tmp_path}/base lacks text/model.safetensors\. .*vision/model.safetensors \(about [\d,]+ bytes\).*text/tokenizer.json.*"
    with pytest.raises(ModelError, match=message + "make it with tiny_ccexpert; then put the files into"):
        CCExpertCaptioner.from_checkpoint(str(path))
    (tmp_path / "base").rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=f"{tmp_path}/models/base lacks vision/model.safetensors, text/model.safetensors, text/tokenizer.json"):
        CCExpertCaptioner.from_checkpoint(str(path))
    (tmp_path / "models").mkdir()
    (tmp_path / "elsewhere").rename(tmp_path / "models" / "base")
    (tmp_path / "kept").rename(tmp_path / "models" / "base" / "text" / "model.safetensors")
    assert CCExpertCaptioner.from_checkpoint(str(path)).caption(*pairs_of(PAIRS[:1]))[0].text == BUILT


def test_another_language_model_of_the_same_sizes_is_told(lesson, tmp_path):
    path = write(tmp_path, *lesson)
    file = tmp_path / "base" / "text" / "model.safetensors"
    state = load_file(file)
    save_file(state | {"model.norm.weight": state["model.norm.weight"] * 1.5}, file)
    with pytest.raises(ModelError, match="base holds another model.*llm.model.norm.weight begins with.*Needed: make it with tiny_ccexpert"):
        CCExpertCaptioner.from_checkpoint(str(path))


def test_the_weights_of_another_model_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"config": json.dumps({"fusion": "sum"})})
    with pytest.raises(ModelError, match=r"other\.safetensors cannot be loaded.*Needed: a ccexpert file"):
        CCExpertCaptioner.from_checkpoint(str(path))


def test_memory_of_the_weights_is_known_before_they_are_loaded(lesson, weights):
    bytes_of = sum(parameter.numel() for parameter in lesson[0].parameters()) * 4
    assert CCExpertCaptioner.weights_mb(str(weights), "cpu") == bytes_of // 10**6


def test_only_what_was_trained_is_in_the_small_file(lesson):
    assert {name.split(".")[0] for name in trained_state(lesson[0])} == {"difference", "projector"}


def test_other_models_are_asked_nothing():
    scribe = registry.load("scribe-s")
    with pytest.raises(InputError, match="a question for scribe-s, which answers none.*such as ccexpert"):
        scribe.caption(*pairs_of(PAIRS[:1]), CaptionOptions(question=TREES))
