"""Losses of Diffusion-RSCC and KD-RSCC against the same sums written out, and their branches."""

import pytest
import torch
from torch.nn import functional as F

from engine.contract.errors import InputError
from engine.models.diffusion.discrete import DiscreteDiffusion
from engine.models.diffusion.karras import Preconditioning
from engine.models.diffusion.text import TextSpace
from training.diffusion.losses import discrete_losses, karras_losses

IDS = torch.tensor([[1, 5, 2, 0], [1, 6, 7, 2]])  # the first ends with a pad


@pytest.fixture
def text():
    torch.manual_seed(0)
    return TextSpace(9, 3).double()


def noise(seed):
    return torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_discrete_terms_and_the_branch_at_the_last_step(text):
    chain, t = DiscreteDiffusion.sqrt(2000), torch.tensor([0, 1000])
    fed = []

    def predict(x, time, condition):
        fed.append((x, time, condition))
        return 0.5 * x

    losses = discrete_losses(text, predict, chain, IDS, t, (noise(1), noise(2)), "condition")
    embedded = text.embed(IDS)
    start = embedded + 0.1210012831880857 * noise(1)
    x_t = chain.q_sample(start, t, noise(2))
    assert torch.allclose(fed[0][0], x_t)
    assert fed[0][1].tolist() == [0.0, 500.0]
    assert fed[0][2] == "condition"
    expected = torch.stack(((embedded[0] - 0.5 * x_t[0]).square().mean(), (start[1] - 0.5 * x_t[1]).square().mean()))
    assert torch.allclose(losses["mse"], expected)
    log_p = (start @ text.embedding.T + text.bias).log_softmax(-1)
    assert torch.allclose(losses["ce"], -log_p.gather(2, IDS[..., None])[..., 0].mean(1))
    assert torch.allclose(losses["prior"], 2.0204040808180702e-07 * start.square().mean((1, 2)))
    assert torch.allclose(losses["total"], (losses["mse"] + losses["ce"] + losses["prior"]).mean())


def test_pads_carry_loss(text):
    chain, t = DiscreteDiffusion.sqrt(10), torch.tensor([3, 3])
    discrete_losses(text, lambda x, time, condition: x, chain, IDS, t, (noise(1), noise(2)), None)["ce"][0].backward()
    assert text.bias.grad[0] < 0


def test_karras_terms(text):
    scalings, sigma = Preconditioning(0.5), torch.tensor([0.1, 3.0], dtype=torch.float64)
    losses = karras_losses(text, lambda x, time, condition: 0.3 * x + time[:, None, None], scalings, IDS, sigma, noise(1), None)
    for row, s in enumerate(sigma):
        x0 = text.embed(IDS)[row]
        x, total = x0 + s * noise(1)[row], s**2 + 0.25
        output = 0.3 * x / total.sqrt() + s.log() / 4
        c_skip, c_out, weight = 0.25 / total, 0.5 * s / total.sqrt(), (0.5 * s) ** 2 / total**2
        ce = F.cross_entropy((c_skip * x + c_out * output) @ text.embedding.T + text.bias, IDS[row])
        assert torch.allclose(losses["mse"][row], weight * (output - (x0 - c_skip * x) / c_out).square().mean())
        assert torch.allclose(losses["ce"][row], weight * ce)
    assert torch.allclose(losses["total"], (losses["mse"] + losses["ce"]).mean())


def test_the_best_network_has_no_square_error(text):
    scalings, sigma = Preconditioning(0.5), torch.tensor([0.1, 3.0], dtype=torch.float64)
    rows, x0 = sigma[:, None, None], text.embed(IDS)
    target = (x0 - scalings.c_skip(rows) * (x0 + rows * noise(1))) / scalings.c_out(rows)
    losses = karras_losses(text, lambda x, time, condition: target, scalings, IDS, sigma, noise(1), None)
    assert losses["mse"].abs().max() < 1e-20


@pytest.mark.parametrize(("ce_reads", "reaches"), [("denoised", True), ("noised", False)])
def test_only_the_cross_entropy_of_the_denoised_estimate_teaches_the_network(text, ce_reads, reaches):
    scale = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    sigma = torch.tensor([0.4, 2.0], dtype=torch.float64)
    losses = karras_losses(text, lambda x, time, condition: scale * x, Preconditioning(0.5), IDS, sigma, noise(1), None, ce_reads)
    gradient = torch.autograd.grad(losses["ce"].sum(), scale, allow_unused=True)[0]
    assert (gradient is not None and gradient.abs() > 1e-6) == reaches


def test_the_authors_cross_entropy_reads_the_noised_input(text):
    sigma = torch.tensor([0.4, 2.0], dtype=torch.float64)
    losses = karras_losses(text, lambda x, time, condition: x, Preconditioning(0.5), IDS, sigma, noise(1), None, "noised")
    x = text.embed(IDS) + sigma[:, None, None] * noise(1)
    expected = F.cross_entropy(text.logits(x).transpose(1, 2), IDS, reduction="none").mean(1)
    assert torch.allclose(losses["ce"], Preconditioning(0.5).weight(sigma) * expected)


def test_an_unknown_reading_is_refused(text):
    with pytest.raises(InputError, match="ce_reads 'both'.*denoised, noised"):
        karras_losses(text, lambda x, time, condition: x, Preconditioning(), IDS, torch.ones(2), noise(1), None, "both")
