"""Golden numbers of the diffusion captioners, in float64 and apart from the engine: writes diffusion_golden.json beside this file.

Run ``python tests/engine/models/make_diffusion_golden.py``. Formulas: Li et al. 2022 (arXiv 2205.14217, the sqrt schedule), Nichol & Dhariwal
2021 (arXiv 2102.09672), Karras et al. 2022 (arXiv 2206.00364, eq 5 and algorithm 1), Lu et al. 2022 (arXiv 2211.01095, algorithm 2),
Hoogeboom et al. 2023 (arXiv 2301.11093).
"""

import json
from pathlib import Path

import numpy as np

STEPS, SIGMA_DATA = 2000, 0.5
MEAN, STD = 0.3, 0.5  # of the Gaussian data
SIGMA_MIN, SIGMA_MAX, RHO = 0.01, 160.0, 7.0
POINTS = (20, 40, 80, 160, 320)
START = MEAN + 1.3 * SIGMA_MAX  # errors grow in proportion to the distance from the mean


def sqrt_schedule():
    def level(fraction):
        return 1 - np.sqrt(fraction + 1e-4)

    ends = np.arange(STEPS + 1) / STEPS
    betas = np.minimum(1 - level(ends[1:]) / level(ends[:-1]), 0.999)
    kept = np.cumprod(1 - betas)
    before = np.concatenate(([1.0], kept[:-1]))
    variance = betas * (1 - before) / (1 - kept)
    some = (0, 1, 1000, 1998, 1999)
    return {
        "beta": {t: betas[t] for t in some},
        "alpha_bar": {t: kept[t] for t in some},
        "posterior_variance": {t: variance[t] for t in some},
        "noise_0": np.sqrt(1 - kept[0]),
    }


def grid(points):
    ramp = np.linspace(0, 1, points)
    return (SIGMA_MAX ** (1 / RHO) + ramp * (SIGMA_MIN ** (1 / RHO) - SIGMA_MAX ** (1 / RHO))) ** RHO


def denoise(x, sigma):
    return (STD**2 * x + sigma**2 * MEAN) / (STD**2 + sigma**2)


def euler(x, sigmas):
    for here, there in zip(sigmas, sigmas[1:]):
        x = x + (there - here) * (x - denoise(x, here)) / here
    return x


def heun(x, sigmas):
    for here, there in zip(sigmas, sigmas[1:]):
        slope = (x - denoise(x, here)) / here
        guess = x + (there - here) * slope
        x = x + (there - here) * (slope + (guess - denoise(guess, there)) / there) / 2
    return x


def dpmpp_2m(x, sigmas):
    last = None
    for i in range(len(sigmas) - 1):
        step = np.log(sigmas[i] / sigmas[i + 1])
        estimate = denoise(x, sigmas[i])
        extrapolated = estimate
        if last is not None:
            ratio = np.log(sigmas[i - 1] / sigmas[i]) / step
            extrapolated = estimate + (estimate - last) / (2 * ratio)
        x = sigmas[i + 1] / sigmas[i] * x - np.expm1(-step) * extrapolated
        last = estimate
    return x


def convergence():
    """Error at σ_min of the probability-flow ODE from σ_max, whose solution is a straight scaling about the mean."""
    exact = MEAN + (START - MEAN) * np.sqrt((STD**2 + SIGMA_MIN**2) / (STD**2 + SIGMA_MAX**2))
    return {method.__name__: [abs(method(START, grid(n)) - exact) for n in POINTS] for method in (euler, heun, dpmpp_2m)}


def cosine_interpolated(u, image_d=44, noise_d=(32, 44), sigma_min=1e-3, sigma_max=1e3):
    """Through the log signal-to-noise ratio, as in the paper; u = 0 is the noisiest."""
    logs = []
    for d in noise_d:
        shift = 2 * np.log(d / image_d)
        least, most = (-2 * np.log(s / SIGMA_DATA) - shift for s in (sigma_max, sigma_min))
        angle_most, angle_least = np.arctan(np.exp(-most / 2)), np.arctan(np.exp(-least / 2))
        logs.append(-2 * np.log(np.tan(angle_least + u * (angle_most - angle_least))) + shift)
    return SIGMA_DATA * np.exp(-((1 - u) * logs[0] + u * logs[1]) / 2)


def golden():
    sigmas = grid(50)
    return {
        "schedule": sqrt_schedule(),
        "grid": {i: sigmas[i] for i in (0, 1, 2, 24, 25, 48, 49)},
        "convergence": {"points": POINTS} | convergence(),
        "cosine_interpolated": {str(u): cosine_interpolated(u) for u in (0.0, 0.1, 0.5, 0.9, 1.0)},
    }


if __name__ == "__main__":
    Path(__file__).with_name("diffusion_golden.json").write_text(json.dumps(golden(), indent=1) + "\n")
