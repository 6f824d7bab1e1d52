"""The report on the diffusion captioners as Markdown, JSON and a plot, from the cells that ``training.diffusion.report`` has kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.contract.tiles import Caption
from engine.evaluation.bootstrap import differences, intervals, resamples
from engine.evaluation.pairs import Pair
from engine.evaluation.scores import Scored, floors, point

from .plot import Line, plot

DRAWS = 1000
DIFFERENCES = Path(__file__).with_name("differences.md")  # a chapter of the page
FEW = 20  # evaluations
PUBLISHED = {"model": "diffusion-rscc", "sampler": "ddpm", "steps": 2000, "clamp": True}
INTRO = """# Diffusion captioners: quality, steps and time

Written by `python -m training.diffusion.report` from {data}, split `{split}`: {pairs} pairs, {changed} changed. S\\*m is the mean of BLEU-4,
METEOR (words), ROUGE-L and CIDEr-D; in brackets 95 % bootstrap intervals over the pairs ({draws} resamples). Pairs that the change flag calls
unchanged get its sentence and are not decoded. *Well-formed* counts captions whose own sentence passed the engine's check, *draws* every first
sample. *Temperature* 0 leaves the noise at the start out; samplers that draw noise on their way keep it. Always saying "the scene is the same as
before" has S\\*m {never:.2f}; a perfect flag and one constant sentence {oracle:.2f}.
"""
TIMES = """Median processor seconds (of all threads) of a caption, one pair at a time, image encoder included. *Cached*: keys and values of the
condition computed once a caption. """


LIMITS = """## Not shown here

Of the encoders only EfficientNet-lite2 was trained with these captioners; ResNet-50, ResNet-101 and EfficientNet-lite0 load and compute in tests.
Sixteen captions are learnt by heart by the compact presets; of the published presets tests show at small sizes that the loss falls."""


@dataclass(frozen=True)
class ScoredCell:
    """A cell of the report with its scores."""

    cell: Mapping
    scored: Scored

    @classmethod
    def of(cls, cell: Mapping, pairs: Sequence[Pair]) -> ScoredCell:
        shown = pairs[: cell["pairs"]]
        captions = {
            pair.name: Caption(row["text"], row["changed"], row["change_score"], score=row["score"])
            for pair, row in zip(shown, cell["captions"], strict=True)
        }
        return cls(cell, Scored.of(f"{cell['model']} {cell['name']}", shown, captions))

    @cached_property
    def values(self) -> dict[str, float]:
        return point(self.scored.headline())

    @cached_property
    def replicates(self) -> dict[str, np.ndarray]:
        return self.scored.headline(resamples(len(self.scored.pairs), DRAWS))

    @cached_property
    def intervals(self) -> dict[str, list[float]]:
        return intervals(self.replicates)

    def to_json(self) -> dict:
        cell = {name: value for name, value in self.cell.items() if name != "captions"}
        return cell | {"scores": self.values, "intervals": self.intervals, "well_formed": self.scored.to_json()["well_formed"]}

    def is_(self, **members: object) -> bool:
        known = {"model": self.cell["model"], **self.cell["sampling"]}
        return all(known[name] == value for name, value in members.items())


def write_report(out: Path, found: Mapping[str, Mapping], pairs: Sequence[Pair], data: Mapping[str, str]) -> None:
    """Write ``out``.md, .json and .png of the cells that are there.

    Parameters
    ----------
    found : of each model ``cells`` and ``timing``, as ``diffusion_report.read_folder`` gives them. data : names for the heading.
    """
    cells = [ScoredCell.of(cell, pairs) for part in found.values() for cell in part["cells"]]
    cells.sort(
        key=lambda each: (list(found).index(each.cell["model"]), each.cell["name"], each.cell["sampling"]["samples"], each.cell["evaluations"])
    )
    timings = {model: part["timing"] for model, part in found.items() if part["timing"]}
    floor = [point(each.headline())["S*m"] for each in floors(pairs)]
    changed = sum(pair.changed for pair in pairs)
    head = INTRO.format(**data, pairs=len(pairs), changed=changed, draws=DRAWS, never=floor[0], oracle=floor[1])
    parts = [head, "## In short", *claims(cells, timings), *notes(cells, timings), f"![S*m against evaluations of the network]({out.name}.png)"]
    parts += ["## All cells", *table(cells, len(pairs)), "## Time", *times(timings), DIFFERENCES.read_text("utf-8").rstrip(), LIMITS]
    out.with_suffix(".md").write_text("\n\n".join(parts) + "\n", "utf-8")
    content = dict(data) | {"pairs": len(pairs), "changed": changed, "cells": [each.to_json() for each in cells], "timings": timings}
    out.with_suffix(".json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    plot(lines_of(cells, len(pairs)), floor[0], "S*m", "evaluations of the network").save(out.with_suffix(".png"), optimize=True)


def claims(cells: Sequence[ScoredCell], timings: Mapping[str, Mapping]) -> list[str]:
    """What was to be shown, each with its figures; claims whose cells are not there yet are left out."""
    rows = ["| | measured |\n|---|---|"]
    own = {name: timing["default"] for name, timing in timings.items()}
    published = next((each for each in cells if each.is_(**PUBLISHED)), None)
    if "kd-rscc" in own:
        kind = {name: own["kd-rscc"][name] for name in ("sampler", "temperature")}
        chain = {each.cell["evaluations"]: each for each in cells if each.is_(model="kd-rscc", samples=1, **kind)}
        few = chain.get(FEW)
        if few and 50 in chain:
            rows.append(f"| kd-rscc, {FEW} evaluations, against its own 50 | S\\*m {few.values['S*m']:.2f} against {_interval(chain[50], 'S*m')} |")
        if few and published:
            rows.append(f"| kd-rscc, {FEW} evaluations, minus diffusion-rscc's published sampling (2000) | S\\*m {_difference(few, published)} |")
    for model, sampling in own.items():
        cell = next((each for each in cells if each.is_(model=model, **sampling)), None)
        if cell:
            good = 100 * cell.scored.to_json()["well_formed"]
            rows.append(f"| {model}, its own sampling ({_words(sampling)}) | S\\*m {_interval(cell, 'S*m')}, well-formed {good:.1f} % |")
    for steps, (fast, slow, cached) in _seconds(timings).items():
        shown = f"{slow:.2f} s against {fast:.3f} s of processor: {slow / fast:.0f} times; {cached / fast:.0f} with keys and values cached in both"
        rows.append(f"| a caption, diffusion-rscc as published (2000 steps) against kd-rscc with {steps} | {shown} |")
    for model, timing in timings.items():
        shown = f"{timing['tiles_per_s']:.1f} tiles/s by the clock on {timing['threads']} threads, batches of {timing['batch']}"
        shown += f"; {1000 * timing['processor_s_per_tile']:.0f} ms of processor a tile; on all cores: resources/cards/{model}.md"
        rows.append(f"| {model}, every tile decoded | {shown} |")
    return ["\n".join(rows)]


def notes(cells: Sequence[ScoredCell], timings: Mapping[str, Mapping]) -> list[str]:
    """How the claims are to be read: what the temperature does, and with how many steps the time holds."""
    found = []
    published = next((each for each in cells if each.is_(**PUBLISHED)), None)
    if published and "kd-rscc" in timings:
        own = timings["kd-rscc"]["default"]
        kind = {"model": "kd-rscc", "sampler": own["sampler"], "steps": FEW, "samples": 1}
        cold, warm = (next((each for each in cells if each.is_(**kind, temperature=degree)), None) for degree in (own["temperature"], 1.0))
        if cold and warm and cold is not warm:
            found.append(
                f"The published sampling is at temperature 1, kd-rscc's own at {own['temperature']:g}. At equal temperature, 1, kd-rscc with {FEW} "
                f"evaluations has S\\*m {_interval(warm, 'S*m')} and diffusion-rscc as published {_interval(published, 'S*m')}: of the "
                f"{cold.values['S*m'] - published.values['S*m']:+.2f} above, {cold.values['S*m'] - warm.values['S*m']:+.2f} are the temperature's."
            )
    ratios = {steps: (slow / fast, cached / fast) for steps, (fast, slow, cached) in _seconds(timings).items()}
    if ratios:
        shown = [f"{plain:.0f} times with `--steps {steps}` ({cached:.0f} with caches in both)" for steps, (plain, cached) in ratios.items()]
        default = timings["kd-rscc"]["default"]["steps"]
        found.append(f"A kd-rscc caption takes less time than diffusion-rscc's as published: {', '.join(shown)}; {default} steps are its default.")
    return found


def table(cells: Sequence[ScoredCell], pairs: int) -> list[str]:
    told = [
        f"Cells of the *first {few} pairs* are not to be compared with the others, which are of all {pairs}."
        for few in sorted({each.cell["pairs"] for each in cells} - {pairs})
    ]
    rows = [
        "| model | sampler | steps | samples | evaluations | S\\*m | CIDEr-D changed | well-formed | draws |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in cells:
        cell, sampling = each.cell, each.cell["sampling"]
        name = cell["name"] + ("" if cell["pairs"] == pairs else f" (first {cell['pairs']} pairs)")
        drawn = f"{100 * cell['drawn_well_formed'] / cell['drawn']:.1f} %" if cell["drawn"] else "–"
        rows.append(
            f"| {cell['model']} | {name} | {sampling['steps']} | {sampling['samples']} | {cell['evaluations']} | {_interval(each, 'S*m')} "
            f"| {_interval(each, 'CIDEr-D changed')} | {100 * each.scored.to_json()['well_formed']:.1f} % | {drawn} |"
        )
    return [*told, "\n".join(rows)]


def times(timings: Mapping[str, Mapping]) -> list[str]:
    """Seconds of a caption, and what caching keys and values saves."""
    rows = ["| model | sampling | cached (s) | in every step (s) | cache saves |", "|---|---|---|---|---|"]
    notes = []
    for model, timing in timings.items():
        for row in timing["captions"]:
            if row["cache"]:
                without = caption_s(timing, row, cache=False)
                rows.append(f"| {model} | {_words(row)} | {row['seconds']:.3f} | {without:.3f} | {100 * (1 - row['seconds'] / without):.0f} % |")
        precision = "bfloat16" if timing["bf16"] else "float32"
        notes.append(f"{model}: {timing['device']}, {timing['threads']} threads, {precision}.")
    without_gpu = all(timing["device"] == "cpu" for timing in timings.values())
    return ["\n".join(rows), TIMES + " ".join(notes) + (" No GPU: the machine that the cells were computed on has none." if without_gpu else "")]


def _seconds(timings: Mapping[str, Mapping]) -> dict[int, tuple[float, float, float]]:
    """By kd-rscc's steps the seconds of its caption, and of one of diffusion-rscc as published, without and with the cache."""
    if not {"kd-rscc", "diffusion-rscc"} <= set(timings):
        return {}
    timing, own = timings["diffusion-rscc"], timings["kd-rscc"]["default"]
    slow, cached = (caption_s(timing, timing["published"], cache) for cache in (False, True))
    return {steps: (caption_s(timings["kd-rscc"], {**own, "steps": steps}), slow, cached) for steps in sorted({10, own["steps"]})}


def caption_s(timing: Mapping, sampling: Mapping, cache: bool = True) -> float:
    names = ("sampler", "steps", "samples", "clamp", "temperature")
    return next(row["seconds"] for row in timing["captions"] if row["cache"] == cache and all(row[name] == sampling[name] for name in names))


def lines_of(cells: Sequence[ScoredCell], pairs: int) -> list[Line]:
    """S*m against evaluations of each sampler, of single samples of all pairs."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for each in cells:
        if each.cell["sampling"]["samples"] == 1 and each.cell["pairs"] == pairs:
            found.setdefault((each.cell["model"], each.cell["name"]), []).append((each.cell["evaluations"], each.values["S*m"]))
    return [Line(model, name, tuple(sorted(points))) for (model, name), points in found.items()]


def _interval(each: ScoredCell, name: str) -> str:
    low, high = each.intervals[name]
    return f"{each.values[name]:.2f} [{low:.1f}, {high:.1f}]"


def _difference(one: ScoredCell, other: ScoredCell) -> str:
    """Of S*m, on the pairs that both have."""
    if len(one.scored.pairs) != len(other.scored.pairs):
        return f"not on the same pairs ({len(one.scored.pairs)} and {len(other.scored.pairs)})"
    gap = differences(one.values, other.values, one.replicates, other.replicates)["S*m"]
    return f"{gap['value']:+.2f} [{gap['interval'][0]:+.1f}, {gap['interval'][1]:+.1f}]"


def _words(sampling: Mapping) -> str:
    samples = f", {sampling['samples']} samples" if sampling["samples"] > 1 else ""
    temperature = f", temperature {sampling['temperature']:g}" if sampling["temperature"] != 1 else ""
    return f"{sampling['sampler']}{', clamped' if sampling['clamp'] else ''}{temperature}, {sampling['steps']} steps{samples}"
