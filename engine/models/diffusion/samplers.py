"""Samplers over noise levels behind one contract, D(x, σ, condition) → x̂0 with x = x0 + σ·noise (Karras et al. 2022, arXiv 2206.00364).

Adding one: a function of the same signature and a row of ``SAMPLERS``. ``sigmas`` (n + 1,) fall to a final 0; x starts as σ_0·noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Union

import torch
from torch import Tensor

from ..blocks import filled

# Image tokens (N, M, C), or their keys and values, computed once and reused in every step.
Condition = Union[Tensor, tuple[Tensor, Tensor], None]
# x (N, L, E), σ (N,), condition → x̂0 (N, L, E).
Denoise = Callable[[Tensor, Tensor, Condition], Tensor]
# Standard normal noise of the shape, type and device of its argument.
Noise = Callable[[Tensor], Tensor]


class RowNoise:
    """Noise with a generator of its own for each row, so that a row's sample does not depend on the batch around it or on the device.

    Rows without one, which fill up a block, get the last one's noise.

    temperatures : its standard deviation in each row; below 1 samples are likelier and more alike, at 0 there is one. None: 1.
    """

    def __init__(self, seeds: Sequence[int], temperatures: Sequence[float] | None = None):
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.temperatures = temperatures or [1.0] * len(seeds)

    def __call__(self, x: Tensor) -> Tensor:
        drawn = zip(self.generators, self.temperatures, strict=True)
        rows = torch.stack([temperature * torch.randn(x.shape[1:], generator=generator) for generator, temperature in drawn])
        return filled(rows, len(x)).to(device=x.device, dtype=x.dtype)


def sample_euler(denoise: Denoise, x: Tensor, sigmas: Tensor, condition: Condition, noise: Noise) -> Tensor:
    """Euler's method on the probability-flow ODE (Karras et al. 2022, eq 1); n evaluations."""
    for here, there in _steps(sigmas):
        x = _toward(_evaluate(denoise, x, here, condition), x, here, there)
    return x


def sample_euler_ancestral(denoise: Denoise, x: Tensor, sigmas: Tensor, condition: Condition, noise: Noise) -> Tensor:
    """Euler down to σ_down and fresh noise up to the next σ, as an ancestral DDPM step does (Song et al. 2021, arXiv 2011.13456); n evaluations."""
    for here, there in _steps(sigmas):
        down = there**2 / here
        x = _toward(_evaluate(denoise, x, here, condition), x, here, down)
        if there > 0:
            x = x + math.sqrt(max(there**2 - down**2, 0.0)) * noise(x)
    return x


def sample_heun(denoise: Denoise, x: Tensor, sigmas: Tensor, condition: Condition, noise: Noise) -> Tensor:
    """Heun's second-order method (Karras et al. 2022, algorithm 1), Euler on the step to 0; 2n − 1 evaluations."""
    for here, there in _steps(sigmas):
        estimate = _evaluate(denoise, x, here, condition)
        guess = _toward(estimate, x, here, there)
        if there > 0:
            slope = (x - estimate) / here
            slope_there = (guess - _evaluate(denoise, guess, there, condition)) / there
            guess = x + (there - here) * (slope + slope_there) / 2
        x = guess
    return x


def sample_dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Tensor, condition: Condition, noise: Noise) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, algorithm 2); n evaluations."""
    return _multistep(denoise, x, sigmas, condition, noise, 0.0)


def sample_dpmpp_2m_sde(denoise: Denoise, x: Tensor, sigmas: Tensor, condition: Condition, noise: Noise) -> Tensor:
    """SDE-DPM-Solver++(2M): 2M on the diffusion SDE (Lu et al. 2022, arXiv 2211.01095); n evaluations."""
    return _multistep(denoise, x, sigmas, condition, noise, 1.0)


def sample_dpmpp_2m_heun(denoise: Denoise, x: Tensor, sigmas: Tensor, condition: Condition, noise: Noise) -> Tensor:
    """DPM-Solver++(2M) whose second-order term is integrated over the step instead of read at its middle, as KD-RSCC's code samples; n evaluations.

    The "heun" kind of SDE-DPM-Solver++(2M) at η = 0; it differs from ``sample_dpmpp_2m`` by terms of third order.
    """
    return _multistep(denoise, x, sigmas, condition, noise, 0.0, heun=True)


Sampler = Callable[[Denoise, Tensor, Tensor, Condition, Noise], Tensor]
SAMPLERS: dict[str, Sampler] = {
    "euler": sample_euler,
    "euler-ancestral": sample_euler_ancestral,
    "heun": sample_heun,
    "dpmpp-2m": sample_dpmpp_2m,
    "dpmpp-2m-sde": sample_dpmpp_2m_sde,
    "dpmpp-2m-heun": sample_dpmpp_2m_heun,
}


def _multistep(denoise: Denoise, x: Tensor, sigmas: Tensor, condition: Condition, noise: Noise, eta: float, heun: bool = False) -> Tensor:
    """Second-order multistep in h = ln(σ / σ'); η = 0 solves the ODE, η = 1 the SDE.

    D is taken as a line in h through this estimate and the one before: read at the middle of the step, or with ``heun`` integrated over it.
    """
    last, last_step = None, 0.0
    for here, there in _steps(sigmas):
        estimate = _evaluate(denoise, x, here, condition)
        if there == 0:
            return estimate
        step = math.log(here / there)
        length = (1 + eta) * step
        decay = math.exp(-length)
        # How far ahead of this estimate the line is read, in steps.
        ahead = 1 / (1 - decay) - 1 / length if heun else 0.5
        slope = 0.0 if last is None else (estimate - last) * (step * ahead / last_step)
        x = there / here * math.exp(-eta * step) * x + (1 - decay) * (estimate + slope)
        if eta:
            x = x + there * math.sqrt(-math.expm1(-2 * eta * step)) * noise(x)
        last, last_step = estimate, step
    return x


def _steps(sigmas: Tensor) -> list[tuple[float, float]]:
    levels = sigmas.tolist()
    return list(zip(levels, levels[1:]))


def _evaluate(denoise: Denoise, x: Tensor, sigma: float, condition: Condition) -> Tensor:
    return denoise(x, x.new_full((len(x),), sigma), condition)


def _toward(estimate: Tensor, x: Tensor, here: float, there: float) -> Tensor:
    """Moves x along the line to its clean estimate, from noise ``here`` to ``there``; exactly the estimate at 0."""
    return estimate + (there / here) * (x - estimate)
