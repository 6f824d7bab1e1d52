"""docs/speed.md and its plot, from the figures of ``tests.bench.speed``; what was measured otherwise stands in ``speed_notes.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

NOTES = Path(__file__).with_name("speed_notes.md")
WIDTH_PX, BAR_PX, GAP_PX, LEFT_PX, TOP_PX = 900, 26, 10, 250, 44
INK, PAPER, OURS, THEIRS = "#222222", "white", "#0072B2", "#bbbbbb"

LABELS = {"resnet fp32": "ResNet-101 to layer3, fp32", "resnet bf16": "ResNet-101 to layer3, bf16", "engine": "engine, 40 % changed"}


def write_page(out: Path, found: Mapping) -> None:
    """Write ``out``.md and ``out``.png."""
    notes = NOTES.read_text("utf-8")
    text = "\n".join([*_head(found), *_targets(found), *_tables(found), notes])
    out.with_suffix(".md").write_text(text.rstrip() + "\n", "utf-8")
    plot(found["resnet"]["rates"]).save(out.with_suffix(".png"), optimize=True)


def _head(found: Mapping) -> list[str]:
    machine = found["machine"]
    load = "" if machine["load_before"] is None else f", load {machine['load_before']} before it began"
    return [
        "# Speed",
        "",
        f"Written by `python -m tests.bench.speed` on {machine['date']}: {machine['processor']}, {machine['cores']} cores"
        f" ({'with' if machine['bf16'] else 'without'} bf16), PyTorch {machine['torch']}{load}; {found['seconds']} seconds in all.",
        f"What is compared ran in turn (rounds: {found['rounds']}, of {found['tiles']} tiles of 256 px); a ratio is the median of the rounds'",
        "ratios, by the clock and, in brackets, by processor time (all threads), which other programs disturb less. On another day or machine rates",
        "differ, ratios less.",
        "",
        "![Pairs a second beside ResNet-101](speed.png)",
        "",
    ]


def _targets(found: Mapping) -> list[str]:
    resnet, formats, encoder, worker = (found[name] for name in ("resnet", "formats", "encoder", "worker"))
    small, *_, large = found.get("large") or found["growth"]
    whole = formats["share_of_engine_alone"]["tiled, deflate"]
    unchanged = [
        (f"{model} with 5 % changed over scribe-s with 95 %{tiles}", found[name]["times_of_95%"][key])
        for name, tiles in (("shares", ""), ("real", ", photographs"))
        if found[name]
        for model, key in (("scribe-s-quick", "5%, scribe-s-quick"), ("scribe-s", "5%"))
    ]
    peak = large["peak_mb"] / small["peak_mb"] - 1
    rows: list[tuple[str, str, str, bool]] = [
        ("engine over ResNet-101 to layer3, fp32", "≥ 8", _both(resnet["times_resnet_fp32"]), _least(resnet["times_resnet_fp32"]) >= 8),
        ("engine over ResNet-101 to layer3, bf16", "≥ 4", _both(resnet["times_resnet_bf16"]), _least(resnet["times_resnet_bf16"]) >= 4),
        ("GeoTIFF to GeoPackage over the engine alone, 95 % changed", "≥ 0.95", _both(whole), _least(whole) >= 0.95),
        *((name, "≥ 3", _both(ratio), _least(ratio) >= 3) for name, ratio in unchanged),
        (
            f"memory of {large['tiles']:,} tiles over {small['tiles']:,}",
            "within 10 %",
            f"{100 * peak:+.1f} % ({small['peak_mb']} to {large['peak_mb']} MB)",
            peak <= 0.1,
        ),
        ("largest memory", "< 1500 MB", f"{large['peak_mb']} MB", large["peak_mb"] < 1500),
        ("worker ready", "< 4 s", f"{worker['ready_s']} s", worker["ready_s"] < 4),
        ("a click once warm", "< 300 ms", f"{worker['click_ms']} ms (slowest {worker['slowest_click_ms']})", worker["click_ms"] < 300),
        (
            "encoder over matrix products in its precision, one thread",
            "≥ 0.40",
            f"{encoder['share_of_product']:.2f}",
            encoder["share_of_product"] >= 0.4,
        ),
    ]
    lines = ["| aim | | measured | |", "|---|---|---|---|"]
    return [*lines, *(f"| {name} | {need} | {got} | {'met' if met else '**missed**'} |" for name, need, got, met in rows), ""]


def _least(ratio: Mapping) -> float:
    """The less favourable of both clocks."""
    return min(ratio["clock"], ratio["processor"])


def _both(ratio: Mapping) -> str:
    return f"{ratio['clock']:.2f} ({ratio['processor']:.2f})"


def _tables(found: Mapping) -> list[str]:
    encoder, worker = found["encoder"], found["worker"]
    kinds = ", ".join(f"{name} {ms} ms" for name, ms in encoder["ms_by_kind"].items())
    return [
        "## Beside ResNet-101",
        "",
        "ResNet-101 to layer3 on both images (random weights, batch norms folded in, channels last, batches of 8 pairs) is what published change",
        "captioners compute before their own part begins. *engine*: encoder, change branch and captions of tiles in memory, 40 % of them changed.",
        "",
        *_rates(found["resnet"]["rates"], "pairs a second"),
        f"Matrix products of 2048 × 2048: {', '.join(f'{rate} GFLOP/s in {name}' for name, rate in found['resnet']['gflops'].items())}."
        f" With nothing changed the engine is {_both(found['resnet']['nothing_changed_times_resnet_fp32'])} times ResNet-101 in fp32"
        f" and {_both(found['resnet']['nothing_changed_times_resnet_bf16'])} in bf16.",
        "",
        "## Where the encoder's time goes",
        "",
        f"{encoder['gflop_a_pair']} GFLOP and {encoder['ms_a_pair']} ms a pair on one thread in {encoder['precision']}: {encoder['gflops']} GFLOP/s,",
        f"{100 * encoder['share_of_product']:.0f} % of the {encoder['product_gflops']} that products of large matrices reach there. {kinds}.",
        "Depthwise convolutions do few operations a byte; they wait for memory.",
        "",
        "## Rasters to GeoPackage",
        "",
        "95 % of the tiles changed. *raw reading*: both rasters through rasterio alone.",
        "",
        *_rates(found["formats"]["rates"], "tiles a second", found["formats"]["share_of_engine_alone"], "of the engine alone"),
        "## More and less change",
        "",
        "Tiles of the drawn sample:",
        "",
        *_rates(found["shares"]["rates"], "tiles a second", found["shares"]["times_of_95%"], "times scribe-s with 95 %"),
        *(_real(found["real"]) if found["real"] else []),
        "## Models",
        "",
        "Tiles in memory, half of them changed.",
        "",
        *_rates(found["models"]["rates"], "tiles a second"),
        "## Batches and threads",
        "",
        "Engine alone, 40 % changed, by tiles a batch: "
        + _list({name: row["per_s"] for name, row in found["batches"]["rates"].items()})
        + " a second.",
        "Rasters to GeoPackage by PyTorch's threads, a process each: " + _list(found["lanes"]),
        "",
        "## Growth",
        "",
        "Each area in a process of its own, 40 % changed with scribe-s and 5 % with scribe-s-quick, model loading left out of the seconds."
        + (f" The latter with a load of {found['large_load_before']} before it began." if found.get("large") else ""),
        "",
        "| model | tiles | seconds | tiles a second | peak memory |",
        "|---|---|---|---|---|",
        *(
            f"| {row['model']} | {row['tiles']:,} | {row['seconds']} | {row['tiles_per_s']} | {row['peak_mb']} MB |"
            for row in found["growth"] + found.get("large", [])
        ),
        "",
        "## Start",
        "",
        f"The worker is ready after {worker['ready_s']} s; its first click, with loading the model and opening the rasters, takes"
        f" {worker['first_click_s']} s, further ones {worker['click_ms']} ms, the slowest {worker['slowest_click_ms']} ms.",
        "",
    ]


def _real(shares: Mapping) -> list[str]:
    heading = ["Photographs, the validation pairs of LEVIR-CC that are in ../shared/data:", ""]
    return heading + _rates(shares["rates"], "tiles a second", shares["times_of_95%"], "times scribe-s with 95 %")


def _list(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in values.items())


def _rates(rates: Mapping[str, Mapping], unit: str, ratios: Mapping[str, Mapping] | None = None, meaning: str = "") -> list[str]:
    heading = f"| | {unit} | ms of processor each |" + (f" {meaning} |" if ratios is not None else "")
    lines = [heading, "|---|---|---|" + ("---|" if ratios is not None else "")]
    for name, row in rates.items():
        last = "" if ratios is None else f" {_both(ratios[name]) if name in ratios else ''} |"
        lines.append(f"| {name} | {row['per_s']} | {row['cpu_ms']} |{last}")
    return [*lines, ""]


def plot(rates: Mapping[str, Mapping]) -> Image.Image:
    """Horizontal bars of pairs a second."""
    names: Sequence[str] = sorted(rates, key=lambda name: rates[name]["per_s"])
    font = ImageFont.load_default(15)
    image = Image.new("RGB", (WIDTH_PX, TOP_PX + len(names) * (BAR_PX + GAP_PX) + GAP_PX), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((GAP_PX, GAP_PX), "pairs of 256 by 256 px a second, same processor, same run", fill=INK, font=font)
    longest = max(row["per_s"] for row in rates.values())
    for number, name in enumerate(names):
        top = TOP_PX + number * (BAR_PX + GAP_PX)
        right = LEFT_PX + (WIDTH_PX - LEFT_PX - 80) * rates[name]["per_s"] / longest
        draw.rectangle((LEFT_PX, top, right, top + BAR_PX), fill=OURS if name.startswith("engine") else THEIRS)
        label = {"resnet fp32": "ResNet-101 to layer3, fp32", "resnet bf16": "ResNet-101 to layer3, bf16", "engine": "engine, 40 % changed"}.get(
            name, name
        )
        draw.text((GAP_PX, top + 4), label, fill=INK, font=font)
        draw.text((right + 8, top + 4), f"{rates[name]['per_s']:.1f}", fill=INK, font=font)
    return image
