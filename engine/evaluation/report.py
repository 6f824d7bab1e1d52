"""Scores as tables for people, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from .scores import ENOUGH, FLOORS

# Heading and score; METEOR and S*m once on words and once on ids.
SHOWN = (
    ("B1", "BLEU-1"),
    ("B2", "BLEU-2"),
    ("B3", "BLEU-3"),
    ("B4", "BLEU-4"),
    ("M", "METEOR"),
    ("M\nids", "METEOR-ids"),
    ("R-L", "ROUGE-L"),
    ("C-D", "CIDEr-D"),
    ("S*m", "S*m"),
    ("S*m\nids", "S*m-ids"),
)
COMPARED = SHOWN[3:]
FLAG = ("accuracy", "precision", "recall", "F1", "AUC")
# LEVIR-CC test split: B4, METEOR, ROUGE-L, CIDEr-D, S*m. Diffusion-RSCC's are second-hand; DFM has no public code, its baseline's feeds METEOR ids.
PUBLISHED = (
    ("Diffusion-RSCC", "ids", (60.90, 37.80, 71.50, 125.60, 73.95)),
    ("DFM", "ids", (66.26, 40.95, 75.90, 142.51, 81.40)),
    ("CCExpert-0.5B", "words", (65.42, 41.33, 75.93, 141.19, 80.99)),
    ("CCExpert-7B", "words", (65.49, 41.82, 76.55, 143.32, 81.80)),
)
LOOK: dict[str, Any] = {"title_justify": "left", "box": box.SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}
METEORS = "METEOR and S*m on words, and on ids in place of words as the academic repositories feed them"


def table(found: dict) -> Group:
    """What ``engine.evaluation.evaluate.evaluate`` found, for people."""
    speed = f"{found['tiles_per_s']:g} a second on {found['device']}"
    title = f"{found['model']['id']} on {found['split']} of {found['data']}: {found['pairs']} pairs, {speed}"
    changed = found["changed_pairs"]
    parts: list[RenderableType] = [
        title,
        _scores("All pairs", found["rows"], "all"),
        _scores(f"The {changed} changed pairs alone", found["rows"], "changed"),
        _scores(
            f"The {found['pairs'] - changed} unchanged pairs alone (CIDEr-D is 0 where all have the same references)", found["rows"], "unchanged"
        ),
        _flags(found["rows"]),
        _reliability(found["rows"][0]),
    ]
    if found["rows"][0]["classes"]:
        parts.append(_classes(found["rows"][0]["classes"]))
    parts += [_groups(kind, groups) for kind, groups in found["rows"][0]["groups"].items()]
    if found["rows"][0]["sources"]:
        parts.append(_sources(found["rows"][0]["sources"]))
    if found["invariances"]:
        parts += invariance_tables(found["invariances"])
    if found["bootstrap"]:
        parts += _bootstrap(found["rows"], found["bootstrap"])
    if found["balanced"]:
        parts.append(_balanced(found["balanced"]))
    unchanged, change = found["floors"]
    floors = f"{FLOORS[0]}: always {unchanged!r}\n{FLOORS[1]}: a perfect change flag, and always {change!r}"
    return Group(*parts, f"{floors}\n{METEORS}")


def _grid(title: str, headings: Iterable[str], left: int = 1) -> Table:
    """A table of numbers whose ``left`` first columns are text."""
    grid = Table(title=title, **LOOK)
    for i, heading in enumerate(headings):
        grid.add_column(heading, justify="left" if i < left else "right", no_wrap=i >= left, overflow="fold")
    return grid


def _scores(title: str, rows: Sequence[dict], part: str) -> Table:
    grid = _grid(title, ("", *(heading for heading, _ in SHOWN)))
    for row in rows:
        if row[part]:
            grid.add_row(row["name"], *(_number(row[part][key]) for _, key in SHOWN))
    return grid


def _flags(rows: Sequence[dict]) -> Table:
    grid = _grid("Change flag, calibration of the change score, share of well-formed sentences", ("", *FLAG, "ECE", "well-formed"))
    for row in rows:
        values = [_number(row["flag"][key]) for key in FLAG]
        grid.add_row(row["name"], *values, f"{row['calibration']['ECE']:.3f}", _number(100 * row["well_formed"]))
    return grid


def _reliability(row: dict) -> Table:
    grid = _grid(f"Reliability of {row['name']}: change score against the share of pairs that changed", ("score", "pairs", "mean score", "changed"))
    for found in row["calibration"]["bins"]:
        values = (str(found["pairs"]), f"{found['mean_score']:.3f}", f"{found['changed']:.3f}")
        grid.add_row(f"{found['low']:.1f}–{found['high']:.1f}", *values)
    return grid


def _classes(classes: dict) -> Table:
    macro = {kind: [_number(classes[f"macro_{key}{ending}"]) for ending in ("", "_all")] for kind, key in (("heads", "F1"), ("sentences", "F1_said"))}
    title = f"Classes of {classes['pairs']} pairs: found by the model's heads, said in its sentences"
    for kind, (enough, occurring) in macro.items():
        title += f"\nmacro-F1 of the {kind}: {enough} over those that occur {ENOUGH} times or more, {occurring} over all that occur"
    grid = _grid(title, ("change", "class", "truth", "found", "precision", "recall", "F1", "said", "F1 said"), left=2)
    for row in classes["rows"]:
        if row["truth"] or row["found"] or row["said"]:
            values = [_number(row[key]) for key in ("precision", "recall", "F1", "F1_said")]
            grid.add_row(row["change"], row["class"], str(row["truth"]), str(row["found"]), *values[:3], str(row["said"]), values[3])
    return grid


def _groups(kind: str, groups: Sequence[dict]) -> Table:
    keys = [key for key in ("flag accuracy", "S*m", "S*m changed", "CIDEr-D changed") if key in groups[0]]
    title = f"By {kind} (CIDEr-D with the document frequencies of all pairs)"
    grid = _grid(title, (kind, "pairs", "changed", *(key.replace("CIDEr-D", "C-D") for key in keys)))
    for group in groups:
        grid.add_row(group["name"], str(group["pairs"]), str(group["changed"]), *(_number(group[key]) for key in keys))
    return grid


def _sources(rows: Sequence[dict]) -> Table:
    title = "Change flag by source; ECE left out: of the score calibrated on the other sources alone"
    grid = _grid(title, ("source", "pairs", "changed", "accuracy", "recall", "false\nalarms", "ECE", "ECE\nleft out"))
    for row in rows:
        flags = [_number(row[key]) for key in ("accuracy", "recall", "false_alarms")]
        left_out = "–" if row["ECE_left_out"] is None else f"{row['ECE_left_out']:.3f}"
        grid.add_row(row["name"], str(row["pairs"]), str(row["changed"]), *flags, f"{row['ECE']:.3f}", left_out)
    return grid


def invariance_tables(found: dict) -> list[Table]:
    """What ``invariances.measure`` found, for people."""
    scenes = _grid(f"One scene twice, the second time under another look ({found['pairs']} pairs, both dates)", ("look", "scenes", "false alarms"))
    for name, row in found["same_scene"].items():
        scenes.add_row(name, str(row["scenes"]), str(row["false_alarms"]))
    title = "Same answer, in per cent. New: unchanged pairs then called changed; both: changed either way\n"
    title += "Classes: the same (dates swapped: added is removed); sides: left and right exchanged in the caption"
    same = _grid(title, ("", "flag", "new", "both", "classes", "sides"))
    swapped = {"dates swapped": found["swapped"]}
    for name, row in (swapped | found["turned"] | found["hidden"]).items():
        sides = f"{_percent(row['other_side'])} of {row['with_side']}" if row.get("with_side") else "–"
        values = (str(row["new_changes"]), str(row["both_changed"]), _percent(row["same_classes"]), sides)
        same.add_row(name, _percent(row["same_flag"]), *values)
    return [scenes, same]


def _percent(share: float | None) -> str:
    return "–" if share is None else _number(100 * share)


def _bootstrap(rows: Sequence[dict], found: dict) -> list[Table]:
    keys = list(found["values"][0])
    title = f"95 % intervals from {found['resamples']} resamples of the pairs (document frequencies held)"
    grid = _grid(title, ("", *keys))
    for row, intervals in zip(rows, found["intervals"], strict=True):
        grid.add_row(row["name"], *(_range(intervals[key]) for key in keys))
    if not found["difference"]:
        return [grid]
    paired = _grid(f"{rows[0]['name']} minus {rows[1]['name']}, on the same resamples", ("", "difference", "95 % interval", "p"))
    for key, gap in found["difference"].items():
        paired.add_row(key, f"{gap['value']:+.2f}", _range(gap["interval"], sign="+"), f"{gap['p']:.3f}")
    return [grid, paired]


def _balanced(rows: Sequence[dict]) -> Table:
    count = rows[0]["of_each"]
    title = f"Balanced: {count} changed + {count} unchanged pairs, mean of {rows[0]['draws']} draws (SD of S*m {rows[0]['sd']:.2f})\n"
    title += "Below the line: published, on other pairs (LEVIR-CC's whole test split, 1,929)"
    grid = _grid(title, ("", *(heading for heading, _ in COMPARED), "flag"))
    for i, row in enumerate(rows):
        values = [_number(row["scores"][key]) for _, key in COMPARED]
        grid.add_row(row["name"], *values, _number(row["scores"]["accuracy"]), end_section=i == len(rows) - 1)
    for name, meteor, (bleu, meteor_score, rouge, cider, mean) in PUBLISHED:
        pair = [_number(meteor_score if meteor == kind else None) for kind in ("words", "ids")]
        means = [_number(mean if meteor == kind else None) for kind in ("words", "ids")]
        grid.add_row(name, _number(bleu), *pair, _number(rouge), _number(cider), *means, "–")
    return grid


def _range(interval: Sequence[float], sign: str = "") -> str:
    return " to ".join(f"{value:{sign}.2f}" for value in interval)


def _number(value: float | None) -> str:
    """Two decimals, or one from 100 on: ten scores and a name then fit."""
    return "–" if value is None else f"{value:.{1 if value >= 99.995 else 2}f}"
