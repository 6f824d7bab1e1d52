"""docs/img/architecture.svg: the rooms of the code and which of them use which, read from the imports. Standard library only.

python3 .ci/architecture.py            writes the picture
python3 .ci/architecture.py --list     prints each room with the rooms it uses
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "img" / "architecture.svg"
# Rows of the picture, from what users touch down to what everything stands on. A room that no row names is drawn in the last one.
ROWS = (
    ("qgis_plugin.gui", "qgis_plugin.processing", "engine.cli", "training"),
    ("qgis_plugin.layers", "qgis_plugin.client", "qgis_plugin.setup", "engine.worker", "engine.evaluation", "engine.demo"),
    ("engine.run", "engine.report", "engine.accuracy"),
    ("engine.models", "engine.geo", "engine.output", "engine.registry"),
    ("engine.words", "engine.contract"),
)
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 58, 24, 70, 24
COLOURS = {"engine": "#dbeafe", "qgis_plugin": "#dcfce7", "training": "#fef3c7"}


def room_of(module: str) -> str:
    """Room of a module: the second level of the engine and the plugin, and all of the training."""
    parts = module.split(".")
    return parts[0] if parts[0] == "training" or len(parts) < 2 else ".".join(parts[:2])


def modules() -> dict[str, Path]:
    """Modules by dotted name."""
    found = {}
    for package in COLOURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = path
    return found


def imported(path: Path, module: str) -> set[str]:
    """Absolute names that a file imports."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            names |= {source, *(f"{source}.{alias.name}" for alias in node.names)}
    return names


def uses() -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Files of each room, and number of files of one room that import another."""
    known, sizes = modules(), defaultdict(int)
    arrows: dict[tuple[str, str], int] = defaultdict(int)
    for module, path in known.items():
        room = room_of(module)
        if module == "engine.schema" or (path.name == "__init__.py" and "." not in module):  # a door for scripts, and the packages themselves
            continue
        sizes[room] += path.name != "__init__.py"
        for other in {room_of(name) for name in imported(path, module) if name in known and "." in name} - {room}:
            arrows[room, other] += 1
    return dict(sizes), dict(arrows)


def places(rooms: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Upper left corner of each room's box."""
    named = {room for row in ROWS for room in row}
    rows = [[room for room in row if room in rooms] for row in ROWS]
    rows[-1] += sorted(room for room in rooms if room not in named)
    widest = max(len(row) for row in rows)
    found = {}
    for number, row in enumerate(rows):
        indent = (widest - len(row)) * (BOX_WIDTH + GAP_X) / 2
        for column, room in enumerate(row):
            found[room] = (MARGIN + indent + column * (BOX_WIDTH + GAP_X), MARGIN + number * (BOX_HEIGHT + GAP_Y))
    return found


def draw(rooms: dict[str, int], arrows: dict[tuple[str, str], int]) -> str:
    """The picture as SVG."""
    at = places(rooms)
    width = max(x for x, _ in at.values()) + BOX_WIDTH + MARGIN
    height = max(y for _, y in at.values()) + BOX_HEIGHT + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="14">',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">',
        '<path d="M0,0 L8,4 L0,8 z" fill="#64748b"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    for (room, other), count in sorted(arrows.items()):
        (x0, y0), (x1, y1) = at[room], at[other]
        down = y1 > y0
        start = (x0 + BOX_WIDTH / 2, y0 + (BOX_HEIGHT if down else 0))
        end = (x1 + BOX_WIDTH / 2, y1 if down else y1 + BOX_HEIGHT)
        if y0 == y1:
            start, end = (x0 + BOX_WIDTH / 2, y0 + BOX_HEIGHT), (x1 + BOX_WIDTH / 2, y1 + BOX_HEIGHT)
        bend = 40 if y0 == y1 else 0
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + bend)
        colour = "#dc2626" if y1 < y0 else "#64748b"
        path = f"M{start[0]:.0f},{start[1]:.0f} Q{middle[0]:.0f},{middle[1]:.0f} {end[0]:.0f},{end[1]:.0f}"
        lines.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{min(4, 0.6 + count / 6):.1f}" opacity="0.55" marker-end="url(#tip)"/>'
        )
    for room, (x, y) in at.items():
        fill = COLOURS[room.split(".")[0]]
        lines.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8" fill="{fill}" stroke="#334155"/>')
        lines.append(f'<text x="{x + BOX_WIDTH / 2:.0f}" y="{y + 25:.0f}" text-anchor="middle">{escape(room)}</text>')
        lines.append(
            f'<text x="{x + BOX_WIDTH / 2:.0f}" y="{y + 45:.0f}" text-anchor="middle" font-size="11" fill="#475569">{rooms[room]} modules</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    rooms, arrows = uses()
    if "--list" in sys.argv:
        for room in rooms:
            print(f"{room}: {', '.join(sorted(other for one, other in arrows if one == room))}")
    else:
        TARGET.write_text(draw(rooms, arrows), "utf-8")
