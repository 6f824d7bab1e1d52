"""One fault's stage: its own copy of the rasters, its output, and the program started on them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import checks
import children
from runs import TILE_PX, draw_pair

HERE = Path(__file__).resolve().parent
HELLO = {"type": "hello", "protocol": 1}


class Stage:
    """What all cases share: registry, rasters, web server, the undisturbed result and how long it took."""

    TILES = 6  # rows and columns
    DELAY_S, COMMIT_TILES = 0.01, 4  # so that a run lasts half a second and commits nine times
    PART_TILES = 12  # where a run writes several files

    def __init__(self, folder):
        self.folder = Path(folder)
        self.registry = self.folder / "registry"
        children.in_child(lambda: children.fakes.install(self.registry))
        children.in_child(self._draw)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.web = subprocess.Popen([sys.executable, HERE / "web.py", self.folder], text=True, **pipes)
        self.url = f"http://127.0.0.1:{self.web.stdout.readline().strip()}"
        os.environ.update(FAKE_DELAY_S=str(self.DELAY_S), FAKE_COMMIT_TILES=str(self.COMMIT_TILES))
        os.environ.update(GDAL_HTTP_LOW_SPEED_TIME="1", GDAL_HTTP_MAX_RETRY="0")
        self.reference, self.heat = {}, b""
        self.lasts_s = self.lasts_web_s = 1.0
        self._measure()

    def _draw(self):
        for name, compression in (("", "deflate"), ("plain_", "none")):
            draw_pair(self.folder, self.TILES, self.TILES, name, compress=compression)

    def _measure(self):
        with Case(self, 0) as case:
            began = time.monotonic()
            child = case.start()
            assert child.wait() == 0, child.said()
            self.lasts_s = time.monotonic() - began
            self.reference = checks.table(case.output)
            assert len(self.reference) == self.TILES**2
        with Case(self, 0) as case:
            began = time.monotonic()
            child = case.use_web().start()
            assert child.wait() == 0, child.said()
            self.lasts_web_s = time.monotonic() - began
            assert checks.table(case.output) == self.reference
        with Case(self, 0, variant="heatmap") as case:
            child = case.start()
            assert child.wait() == 0, child.said()
            self.heat = case.pixels()

    def close(self):
        self.web.kill()
        self.web.communicate()


class Case(ExitStack):
    """A context manager: what it was given to clean up is cleaned up, and its folder removed."""

    def __init__(self, stage, rng, fresh=False, variant="", kind=None):
        super().__init__()
        self.stage, self.rng, self.fresh, self.variant, self.kind = stage, rng, fresh, variant, kind
        self.told = []  # functions that give each child's events
        self.web = False
        self.shorter = 1.0  # pauses and room in memory, less with each try that met nothing

    def __enter__(self):
        super().__enter__()
        self.folder = Path(tempfile.mkdtemp(dir=self.stage.folder, prefix="case"))
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "registry").symlink_to(self.stage.registry)
        self.results = self.folder / "results"
        self.results.mkdir()
        self.output, self.heatmap = self.results / "out.gpkg", self.results / "heat.tif"
        self._use("")
        return self

    def _use(self, kind):
        self.before, self.after = (
            str(shutil.copy(self.stage.folder / f"{kind}{date}.tif", self.folder / f"{date}.tif")) for date in ("before", "after")
        )

    def use_plain(self):
        """Take the rasters without compression, whose header lies at the start of the file."""
        self._use("plain_")
        return self

    def use_web(self):
        """Take the rasters from the web server."""
        self.web = True
        self.before, self.after = (f"{self.stage.url}/{self.folder.name}/{date}.tif" for date in ("before", "after"))
        self.serve("ok")
        return self

    def serve(self, mode):
        (self.folder / "mode.new").write_text(mode)
        os.replace(self.folder / "mode.new", self.folder / "mode")

    def own_registry(self):
        """A copy of the weights to damage; returns their path."""
        (self.folder / "registry").unlink()
        shutil.copytree(self.stage.registry, self.folder / "registry")
        return self.folder / "registry" / "weights" / "fake.safetensors"

    def request(self):
        return {"before": self.before, "after": self.after, "model": children.fakes.ID, "tile_px": TILE_PX, "batch_size": 4}

    def message(self, resume=False):
        """What a worker is asked; it writes several files for millions of tiles only."""
        self.variant = "" if self.variant == "parts" else self.variant
        heatmap = str(self.heatmap) if self.variant == "heatmap" else None
        return {"type": "caption", "request": self.request(), "output": str(self.output), "resume": resume, "heatmap": heatmap}

    def files(self):
        """The layer's files that are there."""
        paths = sorted(self.results.glob("out_????.gpkg")) if self.variant == "parts" else [self.output]
        return [path for path in paths if path.exists()]

    def pixels(self):
        """The heat map's, read by another process."""
        raw = self.folder / "heat.raw"
        children.in_child(lambda: raw.write_bytes(checks.heat(self.heatmap)))
        return raw.read_bytes()

    def promised(self):
        """Tiles that the files must hold, of what the children have told."""
        return {name for told in self.told for name in checks.promised(told(), self.stage.COMMIT_TILES)}

    def start(self, resume=False, **options):
        """The command line on this case's rasters."""
        variant = {"": [], "heatmap": ["--heatmap", self.heatmap], "parts": ["--part-tiles", self.stage.PART_TILES]}[self.variant]
        arguments = [
            "caption",
            self.before,
            self.after,
            "-o",
            self.output,
            "--model",
            children.fakes.ID,
            "--tile",
            str(TILE_PX),
            "--batch",
            "4",
            "--json",
        ]
        fresh = self.fresh and "inside" not in options
        arguments += [*variant, *(["--resume"] if resume else [])]
        child = children.start(self.folder, *arguments, fresh=fresh, tag=str(len(self.told)), **options)
        self.callback(child.close)
        self.told.append(child.events)
        return child

    def worker(self):
        """A worker that was greeted, and its events as they come."""
        child = children.start(self.folder, "worker", fresh=self.fresh, pipes=True)
        self.callback(child.close)
        reader = threading.Thread(target=lambda: child.heard.extend(map(json.loads, child.stdout)), daemon=True)
        reader.start()
        child.hear = reader.join  # to the last event
        self.callback(reader.join, 20)
        self.callback(child.close)  # before the join: ends the reader
        self.told.append(child.events)
        tell(child, HELLO)
        return child, child.heard

    def ask(self, child, resume=False):
        tell(child, self.message(resume) | {"id": "1"})

    def pause(self, share=1.0):
        """Wait for a random part of the time that an undisturbed run takes."""
        lasts_s = self.stage.lasts_web_s if self.web else self.stage.lasts_s
        time.sleep(self.rng.uniform(0, self.shorter * share * (lasts_s + (3.0 if self.fresh else 0.0))))

    def moment(self, child, share=1.0):
        """Wait for a random part of the run: of its time, much of which opens files, or of its tiles."""
        if self.rng.random() < 0.5:
            self.pause(share)
        else:
            self.until_told(child, self.rng.randint(1, max(1, round(0.8 * self.shorter * self.stage.TILES**2))))

    def until_running(self, child):
        """Wait until the command line tells its first progress, when all is open."""
        self.until_told(child, 1, "progress")

    def until_told(self, child, count, kind="tile"):
        """Wait for so many events of a type, or the end."""
        end = time.monotonic() + 60
        while child.poll() is None and sum(event["type"] == kind for event in child.events()) < count and time.monotonic() < end:
            time.sleep(0.01)


def tell(child, message):
    """Send a message or raw bytes; a worker that is dead does not hear it."""
    try:
        child.stdin.write(message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n")
        child.stdin.flush()
    except OSError:
        return False
    return True
