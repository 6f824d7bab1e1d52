"""What every captioner must do: subclass ``CaptionerConformance`` and give a ``captioner`` fixture."""

import numpy as np
import pytest

from engine.contract.errors import InputError
from engine.contract.tiles import CLASSES, UNCHANGED_TEXT
from engine.models.captioner import CaptionOptions, tile_seed
from engine.words.text import is_well_formed


def random_pairs(count, px=256, seed=0):
    """Smooth random colour fields, so that encoders see more than white noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (2, count, 3, px // 16, px // 16), dtype=np.uint8)
    fine = coarse.repeat(16, axis=3).repeat(16, axis=4)
    return fine[0].copy(), fine[1].copy()


class CaptionerConformance:
    all_changed = CaptionOptions(threshold=0.0)

    def run(self, captioner, before, after, options=None):
        seeds = [tile_seed(0, 0, i) for i in range(len(before))]
        return captioner.caption(before, after, options or self.all_changed, seeds)

    def test_one_caption_a_pair_in_order(self, captioner):
        before, after = random_pairs(5)
        forward = self.run(captioner, before, after)
        single = [captioner.caption(before[i : i + 1], after[i : i + 1], self.all_changed, [tile_seed(0, 0, i)])[0] for i in range(5)]
        assert [c.text for c in forward] == [c.text for c in single]
        assert np.allclose([c.change_score for c in forward], [c.change_score for c in single], atol=0.02)

    def test_values_are_in_range(self, captioner):
        for caption in self.run(captioner, *random_pairs(4)):
            assert 0.0 <= caption.change_score <= 1.0
            assert 0.0 <= caption.score <= 1.0
            assert is_well_formed(caption.text)
            assert set(caption.added) | set(caption.removed) | set(caption.altered) <= set(CLASSES)

    def test_under_the_threshold_nothing_is_decoded(self, captioner, monkeypatch):
        monkeypatch.setattr(captioner, "generate", lambda *args: pytest.fail("decoded an unchanged tile"))
        before, after = random_pairs(3)
        captions = self.run(captioner, before, after, CaptionOptions(threshold=1.1))
        assert [(c.text, c.changed, c.added) for c in captions] == [(UNCHANGED_TEXT, False, ())] * 3

    def test_no_pairs_no_captions(self, captioner):
        empty = np.zeros((0, 3, 256, 256), np.uint8)
        assert captioner.caption(empty, empty) == []

    def test_repeated_runs_agree(self, captioner):
        pairs = random_pairs(3, seed=4)
        assert self.run(captioner, *pairs) == self.run(captioner, *pairs)

    def test_wrong_shape_says_what_is_needed(self, captioner):
        small = np.zeros((1, 3, 128, 128), np.uint8)
        with pytest.raises(InputError, match=r"before of shape \(1, 3, 128, 128\).*\(1, 3, 256, 256\)"):
            captioner.caption(small, small)

    def test_wrong_dtype_says_what_is_needed(self, captioner):
        array = np.zeros((1, 3, 256, 256), np.float32)
        with pytest.raises(InputError, match="float32.*uint8"):
            captioner.caption(array, array)

    def test_out_of_memory_halves_the_batch(self, captioner, monkeypatch):
        pairs = random_pairs(4)
        expected = self.run(captioner, *pairs)
        encode = captioner.encode

        def cramped(before, after):
            if len(before) > 1:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
            return encode(before, after)

        monkeypatch.setattr(captioner, "encode", cramped)
        assert [c.text for c in self.run(captioner, *pairs)] == [c.text for c in expected]
