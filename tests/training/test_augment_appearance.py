"""A new look changes neither what is in the images nor where: edges, change and masks stay."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from training.augment import photometric, season_safe
from training.augment.appearance import season_tint


def _pairs(n=24):
    """Befores: grey blocks on soft ground; afters: the same with one bright block more."""
    generator = torch.Generator().manual_seed(0)
    ground = F.interpolate(torch.rand(n, 3, 8, 8, generator=generator), size=256, mode="bilinear") * 40 + 70
    before, after = ground.clone(), ground.clone()
    before[..., 40:90, 40:90] = 180
    after[..., 40:90, 40:90] = 180
    after[..., 150:220, 150:220] = 200
    return torch.cat((before, after))


def _structure(image):
    """Grey at 32×32 less its mean over 11×11, unit variance: what stands out from its surroundings."""
    grey = F.avg_pool2d(image.mean(0)[None, None], 8)
    detail = grey - F.avg_pool2d(grey, 11, 1, 5, count_include_pad=False)
    return (detail / detail.std()).flatten()


def test_every_image_keeps_its_structure_and_range():
    images = _pairs()
    rendered = photometric(images.clone(), torch.Generator().manual_seed(1), torch.ones(24, dtype=torch.bool))
    assert rendered.min() >= 0 and rendered.max() <= 255
    for original, new in zip(images, rendered, strict=True):
        assert (_structure(original) * _structure(new)).mean() > 0.8
        assert (original - new).abs().mean() > 2  # and is not the same image


def test_the_changed_block_stays_the_place_of_most_change():
    rendered = photometric(_pairs(), torch.Generator().manual_seed(2))
    before, after = rendered[:24], rendered[24:]
    for b, a in zip(before, after, strict=True):
        change = (_structure(a) - _structure(b)).reshape(32, 32)
        assert change[19:27, 19:27].mean() > change[2:17, 2:17].mean() + 0.5


def test_the_two_dates_mostly_differ_and_some_share_one_look():
    images = _pairs()
    images[24:] = images[:24]
    rendered = photometric(images, torch.Generator().manual_seed(3))
    apart = (rendered[:24].mean((2, 3)) - rendered[24:].mean((2, 3))).abs().mean(1)
    assert (apart > 5).sum() > 8
    assert 0 < (apart < 1.5).sum() < 16


def test_same_generator_same_look():
    first, second = (photometric(_pairs(4), torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)


def test_season_moves_green_only():
    image = torch.empty(3, 256, 256)
    image[:, :, :128] = torch.tensor([70.0, 100.0, 60.0])[:, None, None]  # vegetation
    image[:, :, 128:] = torch.tensor([120.0, 118.0, 121.0])[:, None, None]  # roof, road
    brown, green = season_tint(image.clone(), 0.9), season_tint(image.clone(), -1.0)
    assert (brown[0] - brown[1])[0, 20] > (image[0] - image[1])[0, 20] + 10
    assert (green[1] - green[0])[0, 20] > (image[1] - image[0])[0, 20] + 10
    for tinted in (brown, green):
        assert torch.equal(tinted[:, :, 150:], image[:, :, 150:])
        assert (tinted[:, :, 1:] - tinted[:, :, :-1]).abs().max() <= (image[:, :, 1:] - image[:, :, :-1]).abs().max() + 1  # no new edge


def test_season_comes_only_to_pairs_that_may_have_it_and_to_one_date(monkeypatch):
    from training.augment import appearance

    tinted = []
    monkeypatch.setattr(appearance, "season_tint", lambda image, strength: tinted.append(image.data_ptr()))
    images, wanted = _pairs(), torch.arange(24) < 12
    places = {image.data_ptr(): i for i, image in enumerate(images)}
    photometric(images, torch.Generator().manual_seed(0), wanted)
    pairs = [places[address] % 24 for address in tinted]
    assert pairs and max(pairs) < 12 and len(set(pairs)) == len(pairs)


@pytest.mark.parametrize(
    ("captions", "changed", "safe"),
    [
        ((("a", "house", "replaces", "the", "trees"),), 1.0, True),
        ((("a", "house", "is", "built"), ("a", "house", "replaces", "the", "grass")), 1.0, False),
        ((("the", "meadow", "becomes", "bareland"),), 1.0, False),
        ((), 0.0, True),
        ((), 1.0, False),  # what changed is not known
        ((), None, False),
    ],
)
def test_season_safe(captions, changed, safe):
    assert season_safe(captions, changed) is safe


def test_fast_enough_for_the_loader():
    """4 ms a pair on one core is the loader's budget; ten times that would be a mistake, whatever the machine is doing."""
    import time

    images = _pairs(8)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = time.process_time()
    photometric(images, torch.Generator().manual_seed(0), torch.ones(8, dtype=torch.bool))
    elapsed_s = time.process_time() - start
    torch.set_num_threads(threads)
    assert elapsed_s / 8 < 0.04
    assert np.isfinite(images.numpy()).all()
