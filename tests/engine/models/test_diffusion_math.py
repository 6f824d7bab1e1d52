"""Noise levels, chains and samplers of the diffusion captioners against golden numbers (make_diffusion_golden.py) and closed forms."""

import json
import math
from functools import partial
from pathlib import Path

import make_diffusion_golden
import pytest
import torch

from engine.contract.errors import InputError
from engine.models.diffusion.discrete import DiscreteDiffusion, clamped, nearest_embedding, sample_ddim, sample_ddpm
from engine.models.diffusion.karras import SIGMA_DENSITIES, Preconditioning, cosine_interpolated, karras_grid, log_normal, stratified_uniform
from engine.models.diffusion.samplers import SAMPLERS, RowNoise

FIXED_LARGE = partial(sample_ddpm, variance="fixed_large")
GOLDEN = json.loads(Path(__file__).with_name("diffusion_golden.json").read_text())
MEAN, STD, START = make_diffusion_golden.MEAN, make_diffusion_golden.STD, make_diffusion_golden.START


def gaussian(x, sigma, condition):
    """The best possible D where x0 ~ N(MEAN, STD²)."""
    variance = sigma[:, None, None] ** 2
    return (STD**2 * x + variance * MEAN) / (STD**2 + variance)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def chain():
    return DiscreteDiffusion.sqrt(2000)


def flat(value, path=""):
    if isinstance(value, (dict, list)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return {name: number for key, inner in pairs for name, number in flat(inner, f"{path}/{key}").items()}
    return {path: value}


def test_the_golden_file_is_what_its_script_makes():
    assert flat(json.loads(json.dumps(make_diffusion_golden.golden()))) == pytest.approx(flat(GOLDEN), rel=1e-9)


def test_sqrt_schedule(chain):
    for name, values in (("beta", chain.betas), ("alpha_bar", chain.alpha_bar), ("posterior_variance", chain.variance())):
        for t, value in GOLDEN["schedule"][name].items():
            assert values[int(t)].item() == pytest.approx(value, rel=1e-9), (name, t)
    assert [chain.betas[0].item(), chain.alpha_bar[0].item(), (1 - chain.alpha_bar[0]).sqrt().item()] == pytest.approx(
        [0.0146413, 0.9853587, 0.1210013], abs=5e-8
    )
    assert [chain.alpha_bar[1000].item(), chain.betas[1999].item()] == pytest.approx([0.295423, 0.999], abs=5e-7)
    assert chain.alpha_bar[1999].item() == pytest.approx(2.0204e-7, rel=1e-5)


def test_posterior_of_a_noiseless_chain(chain):
    x0 = normal(5, 3, 4)
    t = torch.tensor([0, 1, 500, 1998, 1999])
    level = torch.cat((torch.ones(1), chain.alpha_bar))
    x_t = level[t + 1].sqrt()[:, None, None] * x0
    assert torch.allclose(chain.posterior_mean(x0, x_t, t), level[t].sqrt()[:, None, None] * x0, atol=1e-12)
    assert chain.variance()[0] == 0


def test_fixed_large_variance_is_beta_but_for_the_first_step(chain):
    large = chain.variance("fixed_large")
    assert torch.equal(large[1:], chain.betas[1:])
    assert large[0] == chain.variance()[1]
    with pytest.raises(InputError, match="variance 'learned'.*posterior, fixed_large"):
        chain.variance("learned")


def test_q_sample_has_the_schedules_mean_and_spread(chain):
    x0, t = torch.full((2, 200, 100), 3.0), torch.tensor([10, 1000])
    x_t = chain.q_sample(x0, t, torch.randn(x0.shape, generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(x_t.mean((1, 2)), 3 * chain.alpha_bar[t].sqrt().float(), atol=0.03)
    assert torch.allclose(x_t.var((1, 2)), (1 - chain.alpha_bar[t]).float(), rtol=0.03)


def test_respacing_keeps_levels_ends_and_the_networks_time(chain):
    short = chain.respaced(50)
    assert len(short) == 50
    assert short.steps[[0, -1]].tolist() == [0, 1999]
    assert torch.allclose(short.alpha_bar, chain.alpha_bar[short.steps], rtol=1e-9)
    assert short.network_time(torch.tensor([0, 49])).tolist() == pytest.approx([0.0, 999.5])
    assert torch.allclose(chain.respaced(2000).betas, chain.betas, rtol=1e-9)
    assert chain.respaced(1).steps.tolist() == [1999]
    for steps in (0, 2001):
        with pytest.raises(InputError, match=f"{steps} sampling steps.*1 to 2000"):
            chain.respaced(steps)


def test_clamp_is_the_brute_force_nearest_neighbour_and_idempotent():
    table, x = normal(60, 16), 2 * normal(3, 7, 16, seed=1)
    brute = (x[:, :, None] - table).norm(dim=-1).argmin(-1)
    assert torch.equal(nearest_embedding(x, table), brute)
    clamp = clamped(lambda x, sigma, condition: x, table)
    once = clamp(x, torch.ones(3), None)
    assert torch.equal(once, table[brute])
    assert torch.equal(clamp(once, torch.ones(3), None), once)


def test_the_discrete_network_sees_its_own_level_and_input(chain):
    seen = []

    def predict(x, time, condition):
        seen.append((x, time))
        return x

    t = torch.tensor([0, 700, 1999])
    x0, noise = normal(3, 4, 2), normal(3, 4, 2, seed=1)
    sigma = chain.sigmas[t]
    chain.denoiser(predict)(x0 + sigma[:, None, None] * noise, sigma, None)
    assert torch.allclose(seen[0][0], chain.q_sample(x0, t, noise), atol=1e-6)
    assert torch.equal(seen[0][1], chain.network_time(t))


@pytest.mark.parametrize(
    ("sample", "steps"), [(sample_ddpm, 2000), (sample_ddpm, 100), (FIXED_LARGE, 2000), (FIXED_LARGE, 100), (sample_ddim, 100), (sample_ddim, 20)]
)
def test_an_oracle_gives_the_same_tokens_whatever_the_spacing(chain, sample, steps):
    table, ids = normal(12, 4).float(), torch.tensor([[3, 1, 4, 1, 5, 9]])
    levels = chain if steps == 2000 else chain.respaced(steps)
    calls = []

    def predict(x, time, condition):
        calls.append(time)
        return table[ids] + 0.1 * torch.tanh(x)

    found = sample(levels, clamped(levels.denoiser(predict), table), torch.randn(1, 6, 4), None, RowNoise([7]))
    assert len(calls) == steps
    assert torch.equal(nearest_embedding(found, table), ids)


def test_ddim_is_euler_and_ddpm_is_euler_ancestral_on_the_chains_own_levels(chain):
    """In x / √ᾱ the discrete chain is the continuous one; the last step of both lands on x̂0."""
    levels = chain.respaced(30)
    sigmas = torch.cat((levels.sigmas.flip(0), torch.zeros(1)))
    x = normal(2, 5, 3)
    start = x / levels.alpha_bar[-1].sqrt()
    silent = pytest.fail
    assert torch.allclose(sample_ddim(levels, gaussian, x, None, silent), SAMPLERS["euler"](gaussian, start, sigmas, None, silent), atol=1e-6)
    pairs = [(sample_ddpm(levels, gaussian, x, None, RowNoise([1, 2])), SAMPLERS["euler-ancestral"](gaussian, start, sigmas, None, RowNoise([1, 2])))]
    pairs.append((pairs[0][0], sample_ddim(levels, gaussian, x, None, RowNoise([1, 2]), eta=1.0)))
    for one, other in pairs:
        assert torch.allclose(one, other, atol=1e-6)


def test_preconditioning():
    scalings = Preconditioning(0.5)
    sigma = torch.logspace(-3, 3, 25, dtype=torch.float64)
    assert torch.allclose(scalings.c_in(sigma) ** 2 * (sigma**2 + 0.25), torch.ones_like(sigma))
    assert scalings.c_skip(torch.tensor(1e-6)).item() == pytest.approx(1.0)
    assert scalings.c_out(torch.tensor(1e6)).item() == pytest.approx(0.5)
    x = normal(2, 3, 4)
    still = scalings.denoiser(lambda x, time, condition: torch.ones_like(x))(x, torch.full((2,), 1e-9, dtype=torch.float64), None)
    assert torch.allclose(still, x, atol=1e-8)
    assert scalings.weight(torch.tensor(0.5)).item() == pytest.approx(0.25)
    assert scalings.weight(sigma).max() <= 0.25
    assert scalings.c_noise(torch.tensor(math.e)).item() == pytest.approx(0.25)


@pytest.mark.parametrize(("std", "unit"), [(0.5, True), (1.0, False), (0.25, False)])
def test_the_networks_target_has_unit_variance_only_where_the_data_have_sigma_data(std, unit):
    scalings, sigma = Preconditioning(0.5), torch.tensor([0.05, 0.5, 5.0], dtype=torch.float64)[:, None, None]
    x0 = std * normal(3, 400, 100)
    x = x0 + sigma * normal(3, 400, 100, seed=1)
    variance = ((x0 - scalings.c_skip(sigma) * x) / scalings.c_out(sigma)).var((1, 2))
    assert torch.allclose(variance, torch.ones_like(variance), atol=0.03) == unit


def test_karras_grid():
    grid = karras_grid(50)
    assert len(grid) == 51
    for i, value in GOLDEN["grid"].items():
        assert grid[int(i)].item() == pytest.approx(value, rel=1e-9)
    published = [160, 143.642, 128.739, 6.5204, 5.4949, 0.0151307, 0.01, 0]
    assert grid[[0, 1, 2, 24, 25, 48, 49, 50]].tolist() == pytest.approx(published, rel=1e-5)
    with pytest.raises(InputError, match="0 steps from 160.0 to 0.01.*at least 1 step"):
        karras_grid(0)
    with pytest.raises(InputError, match="0 < sigma_min < sigma_max"):
        karras_grid(10, sigma_min=2.0, sigma_max=1.0)


def test_noise_densities():
    u = torch.tensor([float(u) for u in GOLDEN["cosine_interpolated"]], dtype=torch.float64)
    assert cosine_interpolated(u).tolist() == pytest.approx(list(GOLDEN["cosine_interpolated"].values()), rel=1e-9)
    logs = log_normal(stratified_uniform(20000, torch.Generator().manual_seed(0))).log()
    assert (logs.mean().item(), logs.std().item()) == pytest.approx((-1.2, 1.2), abs=0.005)
    for density in SIGMA_DENSITIES.values():
        ends = density(torch.tensor([0.0, 1.0], dtype=torch.float64))
        assert bool((ends.isfinite() & (ends > 0)).all())


def test_stratified_numbers_fall_one_into_each_part():
    u = stratified_uniform(64, torch.Generator().manual_seed(3))
    assert (u * 64).floor().tolist() == list(range(64))


@pytest.mark.parametrize(("name", "golden", "order"), [("euler", "euler", 1), ("heun", "heun", 2), ("dpmpp-2m", "dpmpp_2m", 2)])
def test_convergence_on_gaussian_data(name, golden, order):
    """The step to 0 is left out: it jumps to D, the same for all samplers."""
    sigma_max, sigma_min = 160.0, 0.01
    exact = MEAN + (START - MEAN) * math.sqrt((STD**2 + sigma_min**2) / (STD**2 + sigma_max**2))
    x, points = torch.full((1, 1, 1), START, dtype=torch.float64), GOLDEN["convergence"]["points"]
    errors = [abs(SAMPLERS[name](gaussian, x, karras_grid(n)[:-1], None, pytest.fail).item() - exact) for n in points]
    assert errors == pytest.approx(GOLDEN["convergence"][golden], rel=1e-6)
    published = {"euler": [9.5e-2, 4.8e-2, 2.4e-2, 1.2e-2, 6.1e-3], "heun": [3.2e-2, 7.2e-3, 1.7e-3, 4.1e-4, 1.0e-4]}
    published["dpmpp-2m"] = [3.3e-2, 7.6e-3, 1.7e-3, 4.2e-4, 1.0e-4]
    assert errors == pytest.approx(published[name], rel=0.03)
    orders = [math.log2(one / other) for one, other in zip(errors[1:], errors[2:])]
    assert orders == pytest.approx([order] * 3, abs=0.15)


def heun_form(x, sigmas):
    """KD-RSCC's sampler at η = 0 written out: exponential integrator, D a line through this estimate and the last (no code of theirs)."""
    last = None
    for i, (here, there) in enumerate(zip(sigmas[:-1].tolist(), sigmas[1:].tolist())):
        estimate = gaussian(x, torch.full((len(x),), here, dtype=x.dtype), None)
        if there == 0:
            return estimate
        h = math.log(here) - math.log(there)
        x = there / here * x - math.expm1(-h) * estimate
        if last is not None:
            r = (math.log(sigmas[i - 1]) - math.log(here)) / h
            x = x + (math.expm1(-h) / h + 1) / r * (estimate - last)
        last = estimate
    return x


def test_the_heun_form_is_the_one_written_out_and_of_second_order():
    x = torch.full((1, 1, 1), START, dtype=torch.float64)
    found = SAMPLERS["dpmpp-2m-heun"](gaussian, x, karras_grid(50), None, pytest.fail)
    assert torch.allclose(found, heun_form(x, karras_grid(50)), rtol=1e-12)
    assert not torch.equal(found, SAMPLERS["dpmpp-2m"](gaussian, x, karras_grid(50), None, pytest.fail))
    exact = MEAN + (START - MEAN) * math.sqrt((STD**2 + 0.01**2) / (STD**2 + 160.0**2))
    errors = [abs(SAMPLERS["dpmpp-2m-heun"](gaussian, x, karras_grid(n)[:-1], None, pytest.fail).item() - exact) for n in (80, 160, 320)]
    assert [math.log2(one / other) for one, other in zip(errors, errors[1:])] == pytest.approx([2, 2], abs=0.2)


@pytest.mark.parametrize(
    ("name", "evaluations"), [("euler", 50), ("euler-ancestral", 50), ("heun", 99), ("dpmpp-2m", 50), ("dpmpp-2m-sde", 50), ("dpmpp-2m-heun", 50)]
)
def test_number_of_evaluations(name, evaluations):
    """50, and 2n − 1 of Heun."""
    calls = []

    def counted(x, sigma, condition):
        calls.append(condition)
        return gaussian(x, sigma, condition)

    SAMPLERS[name](counted, torch.ones(1, 2, 2), karras_grid(50), "condition", RowNoise([1]))
    assert calls == ["condition"] * evaluations


@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_have_the_datas_mean_and_spread(name):
    noise = RowNoise([1, 2])
    found = SAMPLERS[name](gaussian, 160 * noise(torch.zeros(2, 50, 50)), karras_grid(300), None, noise)
    assert found.mean().item() == pytest.approx(MEAN, abs=0.03)
    assert found.std().item() == pytest.approx(STD, rel=0.05)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_rows_sample_does_not_depend_on_its_batch(name):
    def run(seeds):
        noise = RowNoise(seeds)
        return SAMPLERS[name](gaussian, 160 * noise(torch.zeros(len(seeds), 3, 4)), karras_grid(8), None, noise)

    assert torch.equal(run([5, 6, 7])[1], run([6])[0])
    assert not torch.equal(run([5])[0], run([6])[0])
