"""Discrete diffusion of Diffusion-RSCC: DDPM (Ho et al. 2020) over embeddings with Diffusion-LM's sqrt schedule.

Diffusion-LM is Li et al. 2022, arXiv 2205.14217. x_t = √ᾱ_t·x0 + √(1 − ᾱ_t)·noise, t = 0 … T − 1. Tables are float64, which some GPUs do not know:
they stay on the CPU, and what a device needs of them is rounded first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...contract.errors import InputError
from .samplers import Condition, Denoise, Noise

# What the network sees of t: it is fed t · TIME_SCALE / T, whatever the number of training steps.
TIME_SCALE = 1000.0
VARIANCES = ("posterior", "fixed_large")
Predict = Callable[[Tensor, Tensor, Condition], Tensor]


def sqrt_betas(steps: int = 2000, largest: float = 0.999) -> Tensor:
    """β of the sqrt schedule, ᾱ(s) = 1 − √(s + 1e-4) with s = t / T (Li et al. 2022, appendix A): (steps,) float64."""
    level = 1 - (torch.arange(steps + 1, dtype=torch.float64) / steps + 1e-4).sqrt()
    return (1 - level[1:] / level[:-1]).clamp(max=largest)


@dataclass(frozen=True)
class DiscreteDiffusion:
    """A chain of noise levels, the whole one or a respaced one.

    betas : (S,) float64. steps : (S,) int64, the step of the trained chain that each level belongs to. trained_steps : T of that chain.
    """

    betas: Tensor
    steps: Tensor
    trained_steps: int

    @classmethod
    def sqrt(cls, steps: int = 2000) -> DiscreteDiffusion:
        return cls(sqrt_betas(steps), torch.arange(steps), steps)

    def __len__(self) -> int:
        return len(self.betas)

    @cached_property
    def alpha_bar(self) -> Tensor:
        """ᾱ (S,), the share of x0's variance that is left."""
        return (1 - self.betas).cumprod(0)

    @cached_property
    def sigmas(self) -> Tensor:
        """σ_t = √((1 − ᾱ_t) / ᾱ_t) (S,), the noise of x_t / √ᾱ_t."""
        return ((1 - self.alpha_bar) / self.alpha_bar).sqrt()

    def respaced(self, steps: int) -> DiscreteDiffusion:
        """The same levels at evenly spaced steps, both ends kept (Nichol & Dhariwal 2021, section 4); of one step the noisiest alone.

        Raises
        ------
        InputError
            ``steps`` is not from 1 to the chain's length.
        """
        if not 1 <= steps <= len(self):
            raise InputError(f"{steps} sampling steps", f"1 to {len(self)}", "choose another number of steps")
        kept = torch.linspace(len(self) - 1, 0, steps, dtype=torch.float64).round().long().flip(0)
        level = self.alpha_bar[kept]
        before = torch.cat((level.new_ones(1), level[:-1]))
        return DiscreteDiffusion(1 - level / before, self.steps[kept], self.trained_steps)

    def q_sample(self, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """x_t of x0 (N, L, E) at indexes t (N,) int64 (Ho et al. 2020, eq 4)."""
        level = _rows(self.alpha_bar, t, x0)
        return level.sqrt() * x0 + (1 - level).sqrt() * noise

    @cached_property
    def alpha_bar_before(self) -> Tensor:
        """ᾱ of the level below (S,); 1 below the first."""
        return torch.cat((self.alpha_bar.new_ones(1), self.alpha_bar[:-1]))

    @cached_property
    def posterior_weights(self) -> tuple[Tensor, Tensor]:
        """Weights of x0 and of x_t in the posterior's mean, each (S,)."""
        left = 1 - self.alpha_bar
        return self.alpha_bar_before.sqrt() * self.betas / left, (1 - self.betas).sqrt() * (1 - self.alpha_bar_before) / left

    def posterior_mean(self, x0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """Mean of q(x_{t−1} | x_t, x0) (Ho et al. 2020, eq 7); of t = 0 it is x0."""
        of_x0, of_xt = self.posterior_weights
        return _rows(of_x0, t, x0) * x0 + _rows(of_xt, t, x_t) * x_t

    def variance(self, kind: str = "posterior") -> Tensor:
        """Variance of a reverse step (S,): the posterior's (Ho et al. 2020, eq 7), or β, "fixed_large".

        "fixed_large" takes the posterior's at t = 1 for t = 0 (Nichol & Dhariwal 2021); a chain adds no noise there.

        Raises
        ------
        InputError
            Another kind.
        """
        if kind not in VARIANCES:
            raise InputError(f"variance {kind!r}", "one of " + ", ".join(VARIANCES), "correct the sampling options")
        posterior = self.betas * (1 - self.alpha_bar_before) / (1 - self.alpha_bar)
        return posterior if kind == "posterior" else torch.cat((posterior[1:2], self.betas[1:]))

    def network_time(self, t: Tensor) -> Tensor:
        """What the network is fed for indexes t: (N,) float32, 0 … 1000."""
        return (self.steps.to(t.device)[t] * (TIME_SCALE / self.trained_steps)).float()

    def denoiser(self, predict: Predict) -> Denoise:
        """D(x, σ, condition) of a network ``predict(x_t, network time, condition)`` → x̂0, at the level nearest to σ.

        x / √(1 + σ²) has the variance of x_t whatever σ, so levels between two trained ones serve too.
        """
        log_sigmas = self.sigmas.log()

        def denoise(x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
            wanted = sigma.cpu().double().log()
            t = (log_sigmas[None, :] - wanted[:, None]).abs().argmin(1).to(x.device)
            return predict(x / (1 + sigma**2).sqrt().to(x.dtype)[:, None, None], self.network_time(t), condition)

        return denoise


def sample_ddpm(diffusion: DiscreteDiffusion, denoise: Denoise, x: Tensor, condition: Condition, noise: Noise, variance: str = "posterior") -> Tensor:
    """Ancestral sampling (Ho et al. 2020, algorithm 2), x (N, L, E) ~ N(0, 1) → x̂0; one evaluation a level."""
    spread = diffusion.variance(variance).sqrt()
    for index in range(len(diffusion) - 1, -1, -1):
        t = torch.full((len(x),), index, device=x.device)
        x = diffusion.posterior_mean(_estimate(diffusion, denoise, x, t, condition), x, t)
        if index:
            x = x + _rows(spread, t, x) * noise(x)
    return x


def sample_ddim(diffusion: DiscreteDiffusion, denoise: Denoise, x: Tensor, condition: Condition, noise: Noise, eta: float = 0.0) -> Tensor:
    """DDIM (Song et al. 2021, eq 12 and 16), x (N, L, E) ~ N(0, 1) → x̂0; η = 0 is deterministic, η = 1 is DDPM with the posterior's variance."""
    level, before = diffusion.alpha_bar, diffusion.alpha_bar_before
    spread = eta * diffusion.variance().sqrt()
    for index in range(len(diffusion) - 1, -1, -1):
        t = torch.full((len(x),), index, device=x.device)
        x0 = _estimate(diffusion, denoise, x, t, condition)
        direction = (x - _rows(level.sqrt(), t, x) * x0) / _rows((1 - level).sqrt(), t, x)
        x = _rows(before.sqrt(), t, x) * x0 + _rows((1 - before - spread**2).clamp(min=0).sqrt(), t, x) * direction
        if index and eta:
            x = x + _rows(spread, t, x) * noise(x)
    return x


def nearest_embedding(x: Tensor, table: Tensor) -> Tensor:
    """Ids (…) of the rows of ``table`` (V, E) that are nearest to x (…, E) in L2."""
    # ‖x − e‖² without ‖x‖², which is the same for all e: (…, V) instead of (…, V, E) numbers.
    return (table.square().sum(1) - 2 * x @ table.T).argmin(-1)


def clamped(denoise: Denoise, table: Tensor) -> Denoise:
    """D whose estimates are the nearest embeddings of ``table`` (the clamping trick, Li et al. 2022, section 4.2)."""
    return lambda x, sigma, condition: table[nearest_embedding(denoise(x, sigma, condition), table)]


def _estimate(diffusion: DiscreteDiffusion, denoise: Denoise, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
    sigma = diffusion.sigmas.to(x.dtype).to(x.device)[t]
    return denoise(x / _rows(diffusion.alpha_bar.sqrt(), t, x), sigma, condition)


def _rows(table: Tensor, t: Tensor, like: Tensor) -> Tensor:
    """Entries t of a float64 table as (N, 1, 1) of the type and device of ``like``; rounded here, since not every device knows float64."""
    return table.to(like.dtype).to(like.device)[t][:, None, None]
