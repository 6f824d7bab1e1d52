"""A hundred tiles judged blind by keyboard in a real QGIS desktop under Xvfb; the mouse is never touched, and QGIS is killed midway.

Run as ``python tests/plugin/judge_run.py ENGINE_PYTHON`` after ``make link``; the picture goes to docs/img. Needs qgis, Xvfb, xdotool and
ImageMagick's ``import``. What happens inside QGIS is judge_steps.py.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from desktop_run import ROOT, run_qgis

NEEDED = ("qgis", "Xvfb", "xdotool", "import")
TILES, STOP_AT = 100, 40
# 12 × 12 tiles of which 36 are mapped as changed, four of them falsely, and four more changed unseen: 36 truly did.
DRAW = """
import json, sys
import fiona, numpy as np, rasterio
from rasterio.transform import from_origin
from engine.accuracy import sample
from engine.accuracy.design import SampleOptions
from engine.contract.fields import REVIEW, TILE, fields_of

folder, side, tile_px = sys.argv[1], 12, 64
kinds = {"text": "str", "int": "int32", "bool": "bool", "real": "float"}
schema = {"geometry": "Polygon", "properties": {field.name: kinds[field.kind] for field in fields_of(TILE, REVIEW)}}
random = np.random.default_rng(5)
before = np.kron(random.integers(60, 130, (3, side * 8, side * 8)), np.ones((1, 8, 8))).astype("uint8")
after, truth, mapped = before.copy(), {}, {}
for number in range(side * side):
    row, col = divmod(number, side)
    mapped[number] = number % 4 == 0
    changed = number % 36 == 1 or (mapped[number] and number % 36 != 0)
    if changed:
        after[:, row * tile_px + 16 : row * tile_px + 48, col * tile_px + 16 : col * tile_px + 48] = 225
    truth[f"r{row:05d}_c{col:05d}"] = bool(changed)
profile = {"driver": "GTiff", "width": side * tile_px, "height": side * tile_px, "count": 3, "dtype": "uint8", "crs": "EPSG:32633"}
for name, pixels in (("before", before), ("after", after)):
    with rasterio.open(f"{folder}/{name}.tif", "w", transform=from_origin(500000, 5000000, 1, 1), **profile) as raster:
        raster.write(pixels)
request = {date: f"{folder}/{date}.tif" for date in ("before", "after")}
with fiona.open(f"{folder}/changes.gpkg", "w", driver="GPKG", layer="change_captions", schema=schema, crs="EPSG:32633") as rows:
    for number in range(side * side):
        row, col = divmod(number, side)
        x, y = 500000 + col * tile_px, 5000000 - row * tile_px
        ring = [(x, y), (x + tile_px, y), (x + tile_px, y - tile_px), (x, y - tile_px), (x, y)]
        values = dict.fromkeys(schema["properties"]) | {"tile_id": f"r{row:05d}_c{col:05d}", "row": row, "col": col, "valid_before": 1.0}
        values |= {"valid_after": 1.0, "changed": mapped[number], "change_score": 0.9 if mapped[number] else 0.1, "status": "captioned"}
        values |= {"caption": "a large building is built" if mapped[number] else "the scene is the same as before"}
        rows.write({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": values})
    rows.update_tags({"changescribe": json.dumps({"request": request})})
found = sample.write(f"{folder}/changes.gpkg", f"{folder}/sample.gpkg", SampleOptions(size=100, minimum=2))
print(json.dumps({"sampled": found["sampled"], "truth": truth}))
"""


def main(engine_python, folder):
    """Draw, judge in two sessions, estimate; returns the report, whose ``ok`` says that the estimates hold the truth."""
    work = Path(tempfile.mkdtemp(prefix="changescribe-judge-"))
    try:
        drawn = subprocess.run([engine_python, "-c", DRAW, str(work)], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        drawn = json.loads(drawn.splitlines()[-1])
        assert drawn["sampled"] == TILES, drawn["sampled"]
        sessions, environment = [], {"CHANGESCRIBE_PYTHON": engine_python, "CHANGESCRIBE_JUDGE": str(work / "told.json")}
        for until in (STOP_AT, TILES):
            told = {"work": str(work), "folder": str(folder), "truth": drawn["truth"], "until": until}
            (work / "told.json").write_text(json.dumps(told))
            sessions.append(run_qgis(work, "judge_steps", environment))
        command = [
            engine_python,
            "-m",
            "engine",
            "accuracy",
            str(work / "sample.gpkg"),
            "--layer",
            str(work / "changes.gpkg"),
            "-o",
            str(work / "a.json"),
        ]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        found = json.loads((work / "a.json").read_text("utf-8"))
        true_m2 = sum(drawn["truth"].values()) * 64.0**2
        area = found["change"]["area_m2"]
        ok = all(session["ok"] for session in sessions) and found["judged"] == TILES and area["low"] < true_m2 < area["high"]
        return {"ok": ok, "sessions": sessions, "judged": found["judged"], "true_m2": true_m2, "summary": found["summary"], "notes": found["notes"]}
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    report = main(sys.argv[1], ROOT / "docs" / "img")
    print(json.dumps(report, indent=1, ensure_ascii=False))
    sys.exit(0 if report["ok"] else 1)
