"""The sentence stage: CIDEr-D of one sentence, the policy gradient, and that training raises the reward."""

import numpy as np
import pytest
import torch
from pycocoevalcap.cider.cider import Cider

from engine.models.scribe import ScribeConfig, ScribeNet
from engine.words.text import PAD, START, Vocabulary
from training.datasets import captioned, load_rows
from training.scribe.reward import CiderReward
from training.scribe.sequence import SequenceOptions, sample_captions, sequence_loss, train_sequences
from training.shared.batches import PairStore

SMALL = ScribeConfig(class_attention=True, prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1, max_length=16, dropout=0.0)
WORDS = ["a", "house", "is", "built", "road", "trees", "are", "removed", "the", "near"]


def test_reward_equals_pycocoevalcap_on_its_own_corpus():
    rng = np.random.default_rng(0)
    references = [[tuple(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(5)] for _ in range(20)]
    found = [tuple(rng.choice(WORDS, rng.integers(3, 9))) for _ in references]
    _, theirs = Cider().compute_score(
        {i: [" ".join(r) for r in refs] for i, refs in enumerate(references)}, {i: [" ".join(words)] for i, words in enumerate(found)}
    )
    reward = CiderReward(references)
    ours = [reward([words], refs)[0] for words, refs in zip(found, references)]
    assert ours == pytest.approx(list(theirs), rel=1e-9)


def test_policy_gradient_raises_the_better_sentence_and_ignores_pads():
    logits = torch.zeros(2, 3, 5, requires_grad=True)
    tokens = torch.tensor([[1, 4, 2, 0], [1, 3, 2, 0]])
    sequence_loss(logits, tokens, torch.tensor([1.0, -1.0]), pad=0).backward()
    assert logits.grad[0, 0, 4] < 0 < logits.grad[1, 0, 3]
    assert logits.grad[:, 2].abs().max() == 0


def test_sampled_captions_start_and_end_and_follow_the_seed():
    torch.manual_seed(0)
    vocabulary = Vocabulary.build([tuple(WORDS)])
    decoder = ScribeNet(SMALL, len(vocabulary)).eval().decoder
    memory = torch.randn(8, 4, SMALL.width)
    first, second = (sample_captions(decoder, memory, vocabulary, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert (first[:, 0] == vocabulary.ids[START]).all()
    for row in first.tolist():
        ended = row.index(vocabulary.ids["<end>"]) if vocabulary.ids["<end>"] in row else len(row)
        assert all(i == vocabulary.ids[PAD] for i in row[ended + 1 :])
        assert vocabulary.ids[PAD] not in row[:ended]


def test_training_raises_the_reward_and_moves_the_decoder_alone(small_data):
    torch.manual_seed(0)
    rows = captioned(load_rows(small_data), "train")
    vocabulary = Vocabulary.build(caption for row in rows for caption in row.captions)
    net = ScribeNet(SMALL, len(vocabulary))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    history = train_sequences(net, vocabulary, PairStore(rows), SequenceOptions(epochs=12, batch_size=8, samples=8, lr=5e-3, caption_weight=0.0))
    assert history[-1]["reward"] > history[0]["reward"] + 0.1
    moved = {name.split(".")[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"decoder"}
