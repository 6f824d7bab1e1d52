#!/usr/bin/python3 -E
"""Stands in for the engine's Python interpreter: an executable that ignores the launcher and speaks the protocol. Needs GDAL only for a heat map.

CHANGESCRIBE_PYTHON names this file; FAKE_WORKER_MODE chooses what it does (see MODES); FAKE_WORKER_LOG names a file that gets every message it reads.
"""

import json
import os
import queue
import sys
import threading
import time

MODES = ("normal", "slow", "hang", "crash", "crash_at_start", "noisy", "garbage", "garbage_at_start", "wrong_version", "error", "no_result")
SIDE, TILE_M = 4, 128.0
WORDS = ("a row of houses is built along the road", "the trees are cut down", "a new parking lot appears")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNoaGgAAAMEAYFL09IQAAAAAElFTkSuQmCC"  # one grey pixel
CLASSES = (("building; road", "", ""), ("", "vegetation", ""), ("parking", "", "bareland"))


def say(kind, **members):
    sys.stdout.write(json.dumps({"type": kind, **members}) + "\n")
    sys.stdout.flush()


def tile(request, index):
    """Tile ``index`` of the 4 × 4 grid: its upper left corner is the request's extent's, or (0, 512)."""
    row, col = divmod(index, SIDE)
    x0, _, _, y1 = request.get("extent") or (0.0, 0.0, SIDE * TILE_M, SIDE * TILE_M)
    left, top = x0 + col * TILE_M, y1 - row * TILE_M
    right, bottom = left + TILE_M, top - TILE_M
    status = ("captioned", "unchanged", "unchanged", "skipped_nodata")[index % 4]
    changed = status == "captioned"
    text = WORDS[index // 4 % 3] if changed else None if status == "skipped_nodata" else "the scene is the same as before"
    added, removed, altered = CLASSES[index // 4 % 3] if changed else (None,) * 3 if status == "skipped_nodata" else ("",) * 3
    skipped = status == "skipped_nodata"
    properties = {
        "tile_id": f"r{row:05d}_c{col:05d}", "row": row, "col": col, "caption": text, "changed": None if skipped else changed,
        "change_score": None if skipped else 0.9 if changed else 0.1, "added": added, "removed": removed, "altered": altered,
        "score": None if skipped else 0.8, "valid_before": 0.2 if skipped else 1.0, "valid_after": 1.0,
        "model": request.get("model", "scribe-s"), "status": status, "seconds": 0.01,
    }  # fmt: skip
    return {"properties": properties, "footprint": [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]}


def write_heatmap(path):
    """A small raster of 90 percent; like the engine, refuses a file that exists."""
    from osgeo import gdal

    assert not os.path.exists(path), path
    raster = gdal.GetDriverByName("GTiff").Create(path, 8, 8)
    raster.SetGeoTransform((0, 64, 0, 512, 0, -64))
    raster.GetRasterBand(1).SetNoDataValue(255)
    raster.GetRasterBand(1).Fill(90)


def accuracy():
    """Estimates of a sample, as the engine gives them, without the classes."""
    area = {"value": 7e4, "standard_error": 1e3, "half_width": 1960.0, "low": 6e4, "high": 8e4}
    overall = {"value": 0.9, "standard_error": 0.02, "half_width": 0.0392, "low": 0.85, "high": 0.93}
    change = {"area_m2": area, "mapped_m2": 65536.0}
    return {"judged": 6, "overall": overall, "change": change, "kappa": None, "notes": ["One stratum is small."], "summary": "90.0 % is right."}


class Fake:
    def __init__(self, mode):
        self.mode, self.cancelled, self.requests = mode, set(), queue.Queue()

    def read(self):
        log = os.environ.get("FAKE_WORKER_LOG")
        for line in sys.stdin:
            if log:
                with open(log, "a", encoding="utf-8") as stream:
                    stream.write(line)
            message = json.loads(line)
            if message["type"] == "cancel" and self.mode != "hang":
                self.cancelled.add(message["id"])
            else:
                self.requests.put(message)
        os._exit(0)

    def serve(self):
        while True:
            message = self.requests.get()
            kind = message["type"]
            if kind == "hello":
                self.greet()
            elif kind == "shutdown":
                return
            elif kind == "caption":
                self.caption(message)
            elif kind == "caption_at":
                say("result", id=message["id"], result={"tile": tile(message["request"], 0)})
            elif kind == "doctor":
                say("result", id=message["id"], result={"python": "3.11", "torch": "fake", "device": "cpu", "ok": True})
            elif kind == "report":
                with open(message["report"]["output"], "w", encoding="utf-8") as stream:
                    stream.write("<html></html>")
                found = {"summary": "16 tiles were compared.", "warnings": ["No pictures."], "tiles": 16, "changed": 4, "changed_m2": 65536.0}
                say("result", id=message["id"], result=found)
            elif kind == "sample":
                strata = {"changed": {"units": 4, "area_m2": 65536.0, "sampled": 4}, "unchanged": {"units": 8, "area_m2": 131072.0, "sampled": 2}}
                found = {"output": message["sample"]["output"], "sampled": 6, "strata": strata, "warnings": ["Four tiles cannot be drawn."]}
                say("result", id=message["id"], result=found)
            elif kind == "accuracy":
                say("result", id=message["id"], result=accuracy())
            elif kind == "preview":
                self.preview(message)
            elif kind in ("models", "describe"):
                say("result", id=message["id"], result={"models": [], "tiles": SIDE * SIDE})

    def greet(self):
        if self.mode == "crash_at_start":
            sys.stderr.write("ModuleNotFoundError: No module named 'torch'\n")
            sys.exit(1)
        if self.mode == "garbage_at_start":
            sys.stdout.write("Welcome to another program\n")
        version = 99 if self.mode == "wrong_version" else 1
        say("ready", protocol=version, engine="0.1.0", python="3.11", torch="fake", device="cpu", pid=os.getpid())

    def preview(self, message):
        if self.mode == "slow":
            time.sleep(0.5)
        if self.mode == "error":
            say("error", id=message["id"], code="raster", got="the file x.tif has no CRS", need="a georeferenced raster", do="assign one", message="")
            return
        limits = (None, None) if message["request"]["stretch"] == "none" else ([10.0, 20.0, 30.0], [110.0, 120.0, 130.0])
        date = {"png": PNG, "bands": [1, 2, 3], "valid": 1.0, "low": limits[0], "high": limits[1]}
        footprint = tile(message["request"], 5)["footprint"]
        found = {"tile_id": "r00001_c00001", "footprint": footprint, "gsd_m": 8.0, "before": date, "after": date}
        say("result", id=message["id"], result=found)

    def caption(self, message):
        call, request = message["id"], message["request"]
        total = SIDE * SIDE
        counts = {"captioned": 0, "changed": 0, "unchanged": 0, "skipped": 0, "failed": 0}
        if self.mode == "error":
            say("error", id=call, code="raster", got="the file x.tif has no CRS", need="a georeferenced raster", do="assign one", message="")
            return
        say("log", id=call, level="warning", message="the fake engine captions nothing")
        if message.get("heatmap"):
            write_heatmap(message["heatmap"])
        for index in range(total):
            if self.mode == "hang" and index == 2:
                while True:
                    time.sleep(1)
            if self.mode == "crash" and index == 5:
                sys.stderr.write("Killed for the test\n")
                sys.stderr.flush()
                os.kill(os.getpid(), 9)
            if self.mode == "noisy":
                sys.stderr.write("a chatty library\n" * 20_000)
            if self.mode == "garbage" and index == 3:
                sys.stdout.write("Intel MKL WARNING: something\n")
            if self.mode == "no_result" and index == 5:
                sys.exit(0)
            if self.mode == "slow":
                time.sleep(0.25)
            if call in self.cancelled:
                say("error", id=call, code="cancelled", got="the run was cancelled", message="the run was cancelled.")
                return
            answer = tile(request, index)
            status = answer["properties"]["status"]
            counts["skipped" if status == "skipped_nodata" else status] += 1
            counts["changed"] += int(status == "captioned")
            say("tile", id=call, tile=answer)
            say("progress", id=call, done=index + 1, total=total, tiles_per_s=10.0, eta_s=0.1, **counts)
        say("result", id=call, result={"tiles": total, **counts, "elapsed_s": 1.6, "warnings": []})


def main():
    if "-c" in sys.argv:  # the plugin's probe of an interpreter
        names = sys.argv[sys.argv.index("-c") + 2 :]
        print("PROBE" + json.dumps({"python": "3.11.0", "executable": __file__, **{name: "fake" for name in names}}))
        return
    fake = Fake(os.environ.get("FAKE_WORKER_MODE", "normal"))
    threading.Thread(target=fake.read, daemon=True).start()
    fake.serve()


if __name__ == "__main__":
    main()
