"""Text-guided contrast: its gates, symmetries and gradients."""

import pytest
import torch

from engine.contract.errors import InputError
from training.shared.tgcl import GATINGS, TextGuidedContrast, contrastive_loss

CHANGED = torch.tensor([True, False, True, True, False, True])


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(6, 8, requires_grad=True), torch.randn(6, 12)


def contrast(gating="both"):
    torch.manual_seed(1)
    return TextGuidedContrast(8, 12, gating)


def test_pairs_without_change_get_a_gradient_of_exactly_zero(batch):
    difference, sentences = batch
    contrast()(difference, sentences, CHANGED).backward()
    norms = difference.grad.abs().sum(1)
    assert torch.count_nonzero(norms[~CHANGED]) == 0
    assert (norms[CHANGED] > 0).all()


def test_gated_on_both_sides_the_others_do_not_see_them(batch):
    difference, sentences = batch
    loss = contrast()
    alone = loss(difference[CHANGED], sentences[CHANGED], CHANGED[CHANGED])
    assert torch.equal(loss(difference, sentences, CHANGED), alone)


@pytest.mark.parametrize("gating", ["rows", "none"])
def test_gated_on_rows_or_not_at_all_they_are_candidates(batch, gating):
    difference, sentences = batch
    contrast(gating)(difference, sentences, CHANGED).backward()
    assert (difference.grad.abs().sum(1) > 0).all()


def test_the_three_gatings_differ_where_there_are_pairs_without_change_and_agree_where_there_are_none(batch):
    mixed, changed = ([contrast(gating)(*batch, flags).item() for gating in GATINGS] for flags in (CHANGED, torch.ones(6, dtype=torch.bool)))
    assert len(set(mixed)) == 3
    assert len(set(changed)) == 1


@pytest.mark.parametrize("gating", ["both", "rows"])
def test_a_batch_without_change_costs_nothing(batch, gating):
    difference, sentences = batch
    loss_of = contrast(gating)
    loss = loss_of(difference, sentences, torch.zeros(6, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0.0
    gradients = [difference.grad, *(parameter.grad for parameter in loss_of.parameters())]
    assert all(torch.count_nonzero(gradient) == 0 and gradient.isfinite().all() for gradient in gradients)


def test_identical_dates_give_no_nan(batch):
    _, sentences = batch
    difference = torch.zeros(6, 8, requires_grad=True)
    contrast("none")(difference, sentences, CHANGED).backward()
    assert difference.grad.abs().max() < 1e5


def test_one_valid_pair_has_nothing_to_be_told_apart_from(batch):
    only = torch.zeros(6, dtype=torch.bool)
    only[3] = True
    assert contrast()(*batch, only).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("gating", GATINGS)
def test_the_order_of_the_pairs_does_not_matter(batch, gating):
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    loss, (difference, sentences) = contrast(gating), batch
    assert torch.allclose(loss(difference, sentences, CHANGED), loss(difference[order], sentences[order], CHANGED[order]), atol=1e-6)


def test_rows_and_columns_weigh_the_same():
    similarity, gate = torch.randn(5, 5), torch.tensor([1.0, 0, 1, 1, 0])
    assert torch.allclose(contrastive_loss(similarity, gate), contrastive_loss(similarity.T, gate))
    assert not torch.allclose(similarity, similarity.T)


def test_the_value_is_the_mean_of_two_cross_entropies():
    similarity, target = torch.randn(4, 4), torch.arange(4)
    expected = (torch.nn.functional.cross_entropy(similarity, target) + torch.nn.functional.cross_entropy(similarity.T, target)) / 2
    assert torch.allclose(contrastive_loss(similarity, torch.ones(4)), expected, atol=1e-5)


def test_the_temperature_is_learned(batch):
    loss = contrast()
    loss(*batch, CHANGED).backward()
    assert loss.log_temperature.grad.abs() > 0


def test_frozen_sentences_get_no_gradient_and_are_projected_to_the_visual_width(batch):
    loss, (difference, sentences) = contrast(), batch
    loss(difference, sentences, CHANGED).backward()
    assert not sentences.requires_grad
    assert loss.project.weight.shape == (8, 12)
    assert loss.project.weight.grad.abs().sum() > 0


def test_an_unknown_gating_is_refused():
    with pytest.raises(InputError, match="gating 'columns'.*both, rows, none"):
        TextGuidedContrast(8, gating="columns")
