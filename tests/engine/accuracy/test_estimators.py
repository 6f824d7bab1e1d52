"""Estimators of accuracy and area: the published example, equal and unequal areas, strata that are no classes, coverage of the intervals."""

import math

import numpy as np
import pytest

from engine.accuracy.estimators import Estimate, Unit, cohens_kappa, estimate, wilson

# Olofsson et al. 2014, Tables 8 and 9: pixels of 30 m per stratum, and the sample's error matrix.
CLASSES = ("deforestation", "forest gain", "stable forest", "stable non-forest")
PIXELS = dict(zip(CLASSES, (200_000, 150_000, 3_200_000, 6_450_000)))
KNOWN = {}  # intervals by counts, which repeat in a simulation
MATRIX = ((66, 0, 5, 4), (0, 55, 8, 12), (1, 0, 153, 11), (2, 1, 9, 313))


def units_of(matrix, classes=CLASSES, area=1.0):
    return [Unit(row, row, column, area) for row, counts in zip(classes, matrix) for column, count in zip(classes, counts) for _ in range(count)]


@pytest.fixture(scope="module")
def example():
    return estimate(units_of(MATRIX), PIXELS, CLASSES)


@pytest.mark.parametrize(("name", "pixels", "reach"), [("deforestation", 235_086, 68_418), ("forest gain", 129_846, 41_731)])
def test_areas_of_the_published_example(example, name, pixels, reach):
    area = example.areas[name].times(sum(PIXELS.values()))
    assert (round(area.value), round(area.half_width)) == (pixels, reach)


def test_hectares_of_the_published_example(example):
    hectares = example.areas["deforestation"].times(sum(PIXELS.values()) * 0.09)
    assert (round(hectares.value), round(hectares.half_width)) == (21_158, 6_158)


def test_accuracies_of_the_published_example(example):
    users, producers = example.users["deforestation"], example.producers["deforestation"]
    assert (round(users.value, 2), round(users.half_width, 2)) == (0.88, 0.07)
    assert (round(producers.value, 2), round(producers.half_width, 2)) == (0.75, 0.21)
    assert (round(example.overall.value, 3), round(example.overall.half_width, 3)) == (0.947, 0.018)


def test_the_error_matrix_in_area_proportions_adds_up(example):
    assert sum(example.proportions.values()) == pytest.approx(1)
    assert sum(example.counts.values()) == 640
    row = sum(example.proportions["deforestation", column] for column in CLASSES)
    assert row == pytest.approx(PIXELS["deforestation"] / sum(PIXELS.values()))


def test_producers_variance_is_olofssons_equation_7(example):
    """The ratio estimator of Stehman 2014 gives what Olofsson's equation 7 gives, term by term."""
    sizes, counts = np.array(list(PIXELS.values()), float), np.array(MATRIX, float)
    totals = counts.sum(1)
    proportions = sizes[:, None] / sizes.sum() * counts / totals[:, None]
    for j, name in enumerate(CLASSES):
        right = counts[j, j] / totals[j]
        producers = proportions[j, j] / proportions[:, j].sum()
        whole = (sizes * counts[:, j] / totals).sum()
        own = sizes[j] ** 2 * (1 - producers) ** 2 * right * (1 - right) / (totals[j] - 1)
        others = sum(sizes[i] ** 2 * counts[i, j] / totals[i] * (1 - counts[i, j] / totals[i]) / (totals[i] - 1) for i in range(4) if i != j)
        assert example.producers[name].standard_error == pytest.approx(math.sqrt((own + producers**2 * others) / whole**2))


def test_the_unit_of_area_does_not_matter(example):
    scaled = estimate(units_of(MATRIX, area=900.0), {name: 900.0 * size for name, size in PIXELS.items()}, CLASSES)
    assert scaled.areas["forest gain"].standard_error == pytest.approx(example.areas["forest gain"].standard_error)
    assert scaled.overall.low == pytest.approx(example.overall.low)


def test_tiles_count_by_their_ground():
    """Ten large tiles that changed and ten of a tenth of the size that did not: 10 / 11 of the ground changed."""
    units = [Unit("all", "changed", "changed", 10.0)] * 10 + [Unit("all", "changed", "unchanged", 1.0)] * 10
    found = estimate(units, {"all": 110.0})
    assert found.areas["changed"].value == pytest.approx(10 / 11)
    assert found.users["changed"].value == pytest.approx(10 / 11)


def test_strata_that_are_no_classes():
    """Stehman 2014: one class lies in two strata; every estimate is the weighted mean of the strata's."""
    units = [Unit("low", "unchanged", "unchanged")] * 8 + [Unit("low", "unchanged", "changed")] * 2
    units += [Unit("high", "changed", "changed")] * 6 + [Unit("high", "unchanged", "changed")] * 4
    found = estimate(units, {"low": 90.0, "high": 10.0})
    assert found.areas["changed"].value == pytest.approx(0.9 * 0.2 + 0.1 * 1.0)
    assert found.producers["changed"].value == pytest.approx(0.1 * 0.6 / (0.9 * 0.2 + 0.1))
    assert found.overall.value == pytest.approx(0.9 * 0.8 + 0.1 * 0.6)


@pytest.mark.parametrize(
    ("rate", "users", "omission"), [(0.1, 0.85, 0.02), (0.3, 0.8, 0.05), (0.02, 0.85, 0.004), (0.02, 0.85, 0.001), (0.01, 0.9, 0.005)]
)
def test_the_interval_covers_the_true_area(rate, users, omission):
    """1,000 samples of a known population: 93 to 97 % of the intervals hold the truth, of rare classes too."""
    generator = np.random.default_rng(20140621)
    changed = max(50, round(600 * rate))
    counts = {"changed": changed, "unchanged": 600 - changed}
    truth = rate * users + (1 - rate) * omission
    inside = 0
    for _ in range(1000):
        found = {"changed": generator.binomial(counts["changed"], users), "unchanged": generator.binomial(counts["unchanged"], omission)}
        area = _area(found, counts, rate)
        inside += area.low <= truth <= area.high
    assert 930 <= inside <= 970


def _area(found, counts, rate):
    key = (*found.values(), *counts.values(), rate)
    if key not in KNOWN:
        units = [Unit(name, name, "changed" if i < found[name] else "unchanged") for name, count in counts.items() for i in range(count)]
        KNOWN[key] = estimate(units, {"changed": rate, "unchanged": 1 - rate}).areas["changed"]
    return KNOWN[key]


def test_where_no_interval_can_hold_it_is_said():
    units = [Unit("a", "changed", "changed")] + [Unit("b", "unchanged", "unchanged")] * 5
    notes = estimate(units, {"a": 10.0, "b": 20.0, "c": 5.0}, ("changed", "unchanged", "other")).notes
    assert any("Only one unit of the stratum 'a'" in note for note in notes)
    assert any("No unit of the stratum 'c'" in note for note in notes)
    assert any("truly 'other'" in note for note in notes)


def test_zero_positives_leave_producers_accuracy_unknown_and_the_area_bounded():
    found = estimate([Unit("unchanged", "unchanged", "unchanged")] * 100, {"unchanged": 1.0}, ("changed", "unchanged"))
    assert found.producers["changed"] is None and found.users["changed"] is None
    assert found.areas["changed"].value == 0 and 0.02 < found.areas["changed"].high < 0.05


def test_units_of_an_unknown_stratum_are_refused():
    with pytest.raises(ValueError, match="strata without a weight: water"):
        estimate([Unit("water", "changed", "changed")], {"land": 1.0})
    with pytest.raises(ValueError, match="no units"):
        estimate([], {"land": 1.0})


@pytest.mark.parametrize(("share", "count"), [(0.0, 10), (1.0, 10), (0.5, 1), (0.2, 50)])
def test_wilsons_interval_is_where_the_score_test_accepts(share, count):
    low, high = wilson(share, count)
    assert 0 <= low <= share + 1e-12 and share - 1e-12 <= high <= 1
    for bound in (low, high):
        if 0 < bound < 1:
            assert abs(share - bound) == pytest.approx(1.96 * math.sqrt(bound * (1 - bound) / count), rel=1e-9)


def test_kappa():
    """Cohen 1960: 0.7 observed, 0.5 by chance."""
    first = ["a"] * 25 + ["b"] * 25
    second = ["a"] * 20 + ["b"] * 5 + ["a"] * 10 + ["b"] * 15
    assert cohens_kappa(first, second) == pytest.approx(0.4)
    assert cohens_kappa(["a"] * 3, ["a"] * 3) is None
    with pytest.raises(ValueError, match="2 and 1 judgements"):
        cohens_kappa(["a", "b"], ["a"])


def test_an_amount_has_the_same_relative_interval():
    assert Estimate(0.5, 0.1, 0.3, 0.7).times(10) == Estimate(5.0, 1.0, 3.0, 7.0)
