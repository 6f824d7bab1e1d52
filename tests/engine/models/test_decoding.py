"""Decoder, beam search and text sanity."""

import itertools

import pytest
import torch

from engine.models.beam import LENGTH_PENALTY, Beams, decode
from engine.models.layers import CaptionDecoder, sine_positions
from engine.words.text import SPECIAL, Vocabulary, is_well_formed

START, END, PAD = 1, 2, 0


@pytest.fixture
def decoder():
    torch.manual_seed(3)
    return CaptionDecoder(vocabulary=9, width=16, heads=2, hidden=16, layers=2, max_length=6, dropout=0.0).eval()


def test_cached_decoding_equals_the_full_pass(decoder):
    memory = torch.randn(2, 5, 16)
    ids = torch.randint(4, 9, (2, 5))
    cross = decoder.project_memory(memory)
    full, _ = decoder(ids, cross)
    past = None
    for i in range(5):
        step, past = decoder(ids[:, i : i + 1], cross, past)
        assert torch.allclose(step[:, 0], full[:, i], atol=1e-5)


def _log_probability(decoder, memory, tokens):
    ids = torch.tensor([[START, *tokens]])
    logits, _ = decoder(ids, decoder.project_memory(memory))
    log_p = logits[0].float().log_softmax(-1)
    return sum(log_p[i, token].item() for i, token in enumerate(tokens))


def test_a_wide_beam_finds_the_best_of_all_captions(decoder):
    """Brute force over every caption of up to 3 words; the beam is as wide as the tree."""
    memory = torch.randn(1, 5, 16)
    words = [4, 5, 6, 7, 8]
    best, best_score = None, float("-inf")
    with torch.inference_mode():
        for length in range(0, 4):
            for tokens in itertools.product(words, repeat=length):
                if any(a == b for a, b in zip(tokens, tokens[1:])):
                    continue
                full = [*tokens, END] if length < 3 else list(tokens)
                score = _log_probability(decoder, memory, full) / ((5 + len(full)) / 6) ** LENGTH_PENALTY
                if score > best_score:
                    best, best_score = list(tokens), score
        ((found, probability),) = decode(decoder, memory, START, END, beams=150, max_length=3, banned=(PAD, START, 3))
    assert found == best
    assert 0 < probability < 1


def test_rows_of_a_batch_do_not_touch_each_other(decoder):
    memory = torch.randn(3, 5, 16)
    with torch.inference_mode():
        together = decode(decoder, memory, START, END, beams=3, banned=(PAD, START, 3))
        alone = [decode(decoder, memory[i : i + 1], START, END, beams=3, banned=(PAD, START, 3))[0] for i in range(3)]
    assert [t[0] for t in together] == [a[0] for a in alone]


@pytest.mark.parametrize("beams", [1, 4])
def test_leaving_early_changes_no_caption(decoder, monkeypatch, beams):
    """Rows that leave the batch when they are decided, against rows that stay until every beam of every row has ended."""
    memory, lengths = 3 * torch.randn(40, 5, 16), []
    plain = decoder.forward
    monkeypatch.setattr(decoder, "forward", lambda ids, *cache: (lengths.append(len(ids)), plain(ids, *cache))[1])
    with torch.inference_mode():
        found = decode(decoder, memory, START, END, beams=beams, banned=(PAD, START, 3))
        taken = sum(lengths)
        lengths.clear()
        monkeypatch.setattr(Beams, "decided", lambda self, steps: torch.zeros(len(self.finished), dtype=torch.bool))
        expected = decode(decoder, memory, START, END, beams=beams, banned=(PAD, START, 3))
    assert taken < sum(lengths)
    assert [words for words, _ in found] == [words for words, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_banned_and_repeated_words_are_never_written(decoder):
    with torch.inference_mode():
        decoder.bias[5] = 9.0
        ((tokens, _),) = decode(decoder, torch.randn(1, 5, 16), START, END, beams=1, banned=(PAD, START, 3))
    assert 5 in tokens
    assert not {PAD, START, 3} & set(tokens)
    assert all(a != b for a, b in zip(tokens, tokens[1:]))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("two houses are built in the woods", True),
        ("houses built", False),
        ("a house house is built", False),
        ("a road and a road and a road", False),
        ("some houses are built along the road along the road", False),
        ("a road and some houses are built beside the old road", True),
        ("many houses are built <unk> the road", False),
        (" ".join(f"w{i}" for i in range(41)), False),
        ("the road the house the road the house the road the house", False),
    ],
)
def test_well_formed(text, good):
    assert is_well_formed(text) is good


def test_vocabulary_round_trip_and_unknown_words():
    vocabulary = Vocabulary.build([["a", "house", "is", "built"], ["a", "road"]], min_count=1)
    assert vocabulary.words[:4] == list(SPECIAL)
    ids = vocabulary.encode(["a", "castle", "is", "built"], 8)
    assert len(ids) == 8
    assert ids[2] == vocabulary.ids["<unk>"]
    assert vocabulary.decode(ids) == "a <unk> is built"


def test_vocabulary_needs_its_special_tokens():
    with pytest.raises(ValueError, match="must begin with"):
        Vocabulary(["a", "b"])


def test_sine_positions_tell_every_cell_apart():
    grid = sine_positions(8, 8, 32)
    assert grid.shape == (64, 32)
    assert torch.cdist(grid, grid).fill_diagonal_(1.0).min() > 0.1
