"""Continuous diffusion of KD-RSCC: preconditioning, noise densities and sampling grid of Karras et al. 2022 (arXiv 2206.00364, "EDM")."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...contract.errors import InputError
from .samplers import Condition, Denoise

Network = Callable[[Tensor, Tensor, Condition], Tensor]


@dataclass(frozen=True)
class Preconditioning:
    """Scalings that keep the network's input and target at unit variance (EDM, table 1). sigma_data : σ_d, standard deviation of clean x."""

    sigma_data: float = 0.5

    def c_skip(self, sigma: Tensor) -> Tensor:
        return self.sigma_data**2 / (sigma**2 + self.sigma_data**2)

    def c_out(self, sigma: Tensor) -> Tensor:
        return sigma * self.sigma_data / (sigma**2 + self.sigma_data**2).sqrt()

    def c_in(self, sigma: Tensor) -> Tensor:
        return 1 / (sigma**2 + self.sigma_data**2).sqrt()

    def c_noise(self, sigma: Tensor) -> Tensor:
        return sigma.log() / 4

    def weight(self, sigma: Tensor) -> Tensor:
        """Soft min-SNR weight of the loss on F, (σσ_d)² / (σ² + σ_d²)² (Crowson et al. 2024, arXiv 2401.11605); at most 1/4, at σ = σ_d."""
        return (sigma * self.sigma_data) ** 2 / (sigma**2 + self.sigma_data**2) ** 2

    def denoise(self, network: Network, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """D = c_skip·x + c_out·F(c_in·x, c_noise) (EDM, eq 7). x (N, L, E), sigma (N,) > 0."""
        rows = sigma[:, None, None]
        return self.c_skip(rows) * x + self.c_out(rows) * network(self.c_in(rows) * x, self.c_noise(sigma), condition)

    def denoiser(self, network: Network) -> Denoise:
        return lambda x, sigma, condition: self.denoise(network, x, sigma, condition)


def karras_grid(steps: int = 50, sigma_min: float = 0.01, sigma_max: float = 160.0, rho: float = 7.0) -> Tensor:
    """Falling noise levels and a final 0 (EDM, eq 5): (steps + 1,) float64.

    Raises
    ------
    InputError
        No step, or the levels are not 0 < sigma_min < sigma_max.
    """
    if steps < 1 or not 0 < sigma_min < sigma_max:
        got = f"{steps} steps from {sigma_max} to {sigma_min}"
        raise InputError(got, "at least 1 step and 0 < sigma_min < sigma_max", "correct the sampling options")
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    most, least = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return torch.cat(((most + ramp * (least - most)) ** rho, ramp.new_zeros(1)))


def stratified_uniform(count: int, generator: torch.Generator) -> Tensor:
    """One number in each of ``count`` equal parts of 0..1, in rising order: (count,) float64."""
    return (torch.arange(count) + torch.rand(count, generator=generator, dtype=torch.float64)) / count


def cosine_interpolated(
    u: Tensor, sigma_data: float = 0.5, image_d: float = 44, noise_d: tuple[float, float] = (32, 44), sigma_min: float = 1e-3, sigma_max: float = 1e3
) -> Tensor:
    """Noise levels of uniform u (N,): shifted cosine schedules, interpolated (Hoogeboom et al. 2023, arXiv 2301.11093).

    A schedule shifted by s = noise_d / image_d is σ = (σ_d / s)·tan θ with θ uniform; the logarithms of the two are mixed, the first of
    ``noise_d`` weighing most where it is noisiest (u = 0, σ = sigma_max).
    """
    logs = []
    for d in noise_d:
        scale = d / image_d / sigma_data
        first, last = math.atan(scale * sigma_max), math.atan(scale * sigma_min)
        logs.append(((first + u * (last - first)).tan() / scale).log())
    return torch.lerp(logs[0], logs[1], u).exp()


def log_normal(u: Tensor, mean: float = -1.2, std: float = 1.2) -> Tensor:
    """Noise levels of uniform u (N,) with ln σ ~ N(mean, std²) (EDM, table 1)."""
    # An exact 0 would give σ = 0, whose logarithm the network is fed.
    return (mean + std * torch.special.ndtri(u.clamp(min=1e-12, max=1 - 1e-12))).exp()


def text_levels(u: Tensor) -> Tensor:
    """Noise levels of uniform u (N,) at which words are decided: EDM's density is made for pixels, whose levels hardly hide a word.

    Words of a 16-dimensional space with σ_d = 0.5 lie about 2.8 apart: below σ = 0.5 each is read off its own position, above 3 none is.
    """
    return log_normal(u, mean=0.2, std=0.9)


SIGMA_DENSITIES: dict[str, Callable[[Tensor], Tensor]] = {"cosine": cosine_interpolated, "log-normal": log_normal, "text": text_levels}
