"""docs/joint-mask.md from the counts of ``nodata``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

WORDS = {
    "engine": "engine: mean of both dates' common ground",
    "after only": "black in the after image alone (the fault)",
    "black": "black in both",
    "grey": "ImageNet's mean in both",
    "own mean": "each date's own mean",
    "mirrored": "each date mirrored",
    "smooth": "each date continued smoothly",
    "copied": "before's pixels in both",
    "noise": "the same noise in both",
}
HEAD = """# The joint mask: what pixels without data do to captions

Written by `python -m tests.bench.nodata --data ../shared/data` (with `--model` and `--fill`; counts in joint-mask.json).

The model sees only ground that both dates have. Where either lacks data, in padding beyond the raster's edge, and beyond the area with `--clip`, both
dates get one colour: the mean of what both show on their common ground (`engine/geo/validity/joint.py`). A tile is skipped where the share without
common data is larger than `--max-nodata`; `valid_before` and `valid_after` stay the shares of each date. Heat maps are empty (255) outside the
common ground.

Measured on real pairs of the validation splits, never test. **False alarms**: unchanged pairs called changed, in brackets those called changed
only because of the gap. **Recall**: changed pairs whose labelled change lies at least 95 % in what is left, in brackets that of the same pairs whole.
Strips lie at the sides in turn (pixels of 256), wedges in the corners; clouds are ellipses.

## How the fill was chosen

scribe-s of 2026-11 (sha256 aed8df73e162…), one side for each width (left, top, right, bottom), 81 unchanged pairs (one is 1.2 %) and 87, 68, 66 and
44 changed ones; new false alarms / recall, %. Whole, the changed pairs have a recall of 89.7, 89.7, 89.4 and 88.6.

| fill | 32 | 64 | 96 | 120 |
|---|---|---|---|---|
| mean of both dates' common ground | 1.2 / 88.5 | 0.0 / 83.8 | 0.0 / 84.8 | 2.5 / 81.8 |
| black | 0.0 / 88.5 | 0.0 / 83.8 | 1.2 / 83.3 | 2.5 / 77.3 |
| each date continued smoothly | 1.2 / 88.5 | 1.2 / 83.8 | 0.0 / 83.3 | 2.5 / 86.4 |
| before's pixels in both | 0.0 / 86.2 | 0.0 / 83.8 | 1.2 / 86.4 | 0.0 / 79.5 |
| each date mirrored | 1.2 / – | 6.2 / – | 3.7 / – | 7.4 / – |
| the same noise in both | – / 87.4 | – / 83.8 | – / 86.4 | – / 84.1 |

Mirrored content raises false alarms and repeats objects; the before image's pixels would show ground of one date alone, of which a caption could
speak. What is left differs by a pair or two. One colour shows nothing, takes 0.6 ms a tile, and is the same whatever lies behind the gap.
"""


def write_page(found: dict, path: Path) -> None:
    """Write the page: for each model a table of false alarms and one of recall, a row per fill."""
    parts = [HEAD]
    for model, fills in found.items():
        first = next(iter(fills.values()))
        kinds = list(first["kinds"])
        total = first["kinds"][kinds[0]]
        levir = [total.get(f"levir_{name}", 0) for name in ("whole_alarms", "unchanged")]
        parts.append(f"\n## {model} ({first['sha256'][:12]}…)\n")
        parts.append(
            f"Whole, {_share(total['whole_alarms'], total['unchanged'])} % of the {total['unchanged'] // first['sides']} unchanged pairs raise a"
            f" false alarm ({_share(*levir)} % of the {levir[1] // first['sides']} of LEVIR-CC).\n"
        )
        parts.append(_table("false alarms, %", kinds, fills, _alarms))
        parts.append(_table("of LEVIR-CC's pairs", kinds, fills, lambda count: _share(count.get("levir_alarms", 0), count.get("levir_unchanged", 0))))
        parts.append(_table("recall, %", kinds, fills, _recall))
    path.write_text("\n".join(parts), "utf-8")


def _table(title: str, kinds: list[str], fills: dict, cell: Callable[[dict], str]) -> str:
    rows = [f"| {title} | {' | '.join(kinds)} |", "|---" * (len(kinds) + 1) + "|"]
    rows += [f"| {WORDS[fill]} | {' | '.join(cell(entry['kinds'][kind]) for kind in kinds)} |" for fill, entry in fills.items()]
    return "\n".join(rows) + "\n"


def _alarms(count: dict) -> str:
    return f"{_share(count['alarms'], count['unchanged'])} ({_share(count['new'], count['unchanged'])})"


def _recall(count: dict) -> str:
    return f"{_share(count['found'], count['changed'])} ({_share(count['whole_found'], count['changed'])})"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "–"
