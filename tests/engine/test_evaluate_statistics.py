"""Scores from per-pair statistics are pycocoevalcap's own; resampling, intervals and paired differences."""

import shutil

import numpy as np
import pytest

from engine.evaluation import bootstrap, metrics
from engine.evaluation.statistics import CaptionStatistics

pytest.importorskip("pycocoevalcap", reason="the extra 'eval' is not installed")
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")
WORDS = "a row of houses is built along the road trees removed many villas appear beside bareland near two roads".split()


def sentence(generator):
    return " ".join(generator.choice(WORDS, generator.integers(3, 12)))


def captioned(count=40):
    """Random captions; a third say exactly what a reference says, one shares no word with its references."""
    generator = np.random.default_rng(3)
    references = [[sentence(generator) + " ." for _ in range(5)] for _ in range(count)]
    hypotheses = [texts[2] if i % 3 == 0 else sentence(generator) for i, texts in enumerate(references)]
    hypotheses[1] = "zebra xylophone quartz"
    return hypotheses, references


def scored_apart(hypotheses, references, meteor="words"):
    names = [f"{i:03d}" for i in range(len(hypotheses))]
    return metrics.score(dict(zip(names, hypotheses)), dict(zip(names, references)), meteor)


@pytest.fixture(scope="module")
def statistics():
    if shutil.which("java") is None:
        pytest.skip("METEOR needs Java")
    return CaptionStatistics.of(*captioned())


def test_the_identity_resample_gives_what_pycocoevalcap_gives(statistics):
    found = statistics.scores()
    for name, value in scored_apart(*captioned()).items():
        assert found[name][0] == pytest.approx(value, abs=1e-9), name
    on_ids = scored_apart(*captioned(), meteor="ids")
    assert found["METEOR-ids"][0] == pytest.approx(on_ids["METEOR"], abs=1e-9)
    assert found["S*m-ids"][0] == pytest.approx(on_ids["S*m"], abs=1e-9)


def test_a_part_is_a_set_of_its_own(statistics):
    hypotheses, references = captioned()
    index = np.arange(5, 20)
    apart = scored_apart([hypotheses[i] for i in index], [references[i] for i in index])
    found = statistics.part(index).scores()
    for name, value in apart.items():
        assert found[name][0] == pytest.approx(value, abs=1e-9), name


def test_weights_count_pairs_as_often_as_they_say(statistics):
    hypotheses, references = captioned()
    generator = np.random.default_rng(0)
    index = generator.integers(0, 40, 40)
    weights = np.bincount(index, minlength=40)[None].astype(float)
    found = statistics.scores(weights)
    apart = scored_apart([hypotheses[i] for i in index], [references[i] for i in index])
    for name in ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L"):
        assert found[name][0] == pytest.approx(apart[name], abs=1e-9), name
    # The one that keeps the document frequencies of the whole set.
    assert found["CIDEr-D"][0] == pytest.approx(100 * statistics.cider[index].mean())
    assert found["CIDEr-D"][0] != pytest.approx(apart["CIDEr-D"], abs=0.1)


def test_a_resample_without_any_pair_has_no_score(statistics):
    assert all(np.isnan(value[0]) for value in statistics.scores(np.zeros((1, 40))).values())


def test_a_pairs_own_score_is_the_mean_of_its_meteor_and_rouge(statistics):
    found = statistics.pair_scores()
    assert found.shape == (40,)
    assert found[0] == pytest.approx(100.0), "says exactly what a reference says"
    assert found[1] == 0.0, "shares no word"
    alone = scored_apart(*([side[4]] for side in captioned()))
    assert found[4] == pytest.approx((alone["METEOR"] + alone["ROUGE-L"]) / 2)


def test_resamples_are_always_the_same_and_draw_as_many_pairs():
    first = bootstrap.resamples(30, 8)
    assert first.shape == (8, 30) and (first.sum(1) == 30).all()
    assert (first == bootstrap.resamples(30, 8)).all()
    assert len({tuple(row) for row in first}) == 8


def test_the_interval_of_a_share_is_the_binomials():
    right = np.arange(400) < 300
    weights = bootstrap.resamples(400, 4000)
    low, high = bootstrap.intervals({"accuracy": 100 * (weights @ right) / 400})["accuracy"]
    assert (low, high) == (pytest.approx(75 - 4.24, abs=0.4), pytest.approx(75 + 4.24, abs=0.4))


def test_what_is_hard_for_both_models_cancels_in_the_difference():
    hard = np.random.default_rng(0).normal(0, 10, 200)
    weights = bootstrap.resamples(200, 1000)
    ours, theirs = ({"S*m": weights @ (hard + gain) / 200} for gain in (1.0, 0.0))
    gap = bootstrap.differences({"S*m": hard.mean() + 1}, {"S*m": hard.mean()}, ours, theirs)["S*m"]
    assert gap["value"] == pytest.approx(1.0) and gap["interval"] == pytest.approx([1.0, 1.0])
    assert gap["p"] == pytest.approx(2 / 1001)
    low, high = bootstrap.intervals(ours)["S*m"]
    assert high - low > 2


def test_resamples_in_which_a_statistic_is_undefined_do_not_count():
    assert bootstrap.intervals({"x": np.array([np.nan, 5.0, 5.0])}) == {"x": [5.0, 5.0]}
