"""The worker as a process, over its pipes: every message of the protocol, and every way to abuse it."""

import json
import queue
import subprocess
import sys
import threading
import time

import pytest
from runs import ROOT, TILE_PX, count, start, table

from engine.contract.errors import ERRORS
from engine.contract.protocol import EVENT_TYPES, MAX_LINE_CHARS, PROTOCOL_VERSION

import fakes

WAIT_S = 60


class Parent:
    """What QGIS is to the worker."""

    def __init__(self, folder, delay_s=0.0):
        self.process = start(folder, "worker", delay_s=delay_s, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.events, self.error_lines = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=lambda: self.error_lines.extend(self.process.stderr), daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def send(self, message):
        line = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def greet(self):
        self.send({"type": "hello", "protocol": PROTOCOL_VERSION})
        return self.until("ready")[-1]

    def until(self, *kinds):
        """Events up to one of these types."""
        events, end = [], time.monotonic() + WAIT_S
        while time.monotonic() < end:
            event = self.events.get(timeout=max(0.1, end - time.monotonic()))
            assert event is not None, (events[-3:], self.error_lines[-20:])
            assert event["type"] in EVENT_TYPES
            events.append(event)
            if event["type"] in kinds:
                return events
        raise AssertionError(f"no {kinds} within {WAIT_S} s")

    def ask(self, kind, call="1", **members):
        self.send({"type": kind, "id": call, **members})
        return self.until("result", "error")

    def close(self):
        self.process.stdin.close()
        return self.process.wait(WAIT_S)


@pytest.fixture
def parent(tmp_path, fake_weights):
    made = []

    def make(delay_s=0.0, greet=True):
        made.append(Parent(tmp_path, delay_s))
        if greet:
            made[-1].greet()
        return made[-1]

    yield make
    for one in made:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def message(request_of):
    def make(rows=4, cols=4, **members):
        return request_of(rows, cols, **members).to_json()

    return make


def test_ready_says_what_runs(parent):
    ready = parent(greet=False).greet()
    assert (ready["protocol"], ready["device"], ready["python"]) == (PROTOCOL_VERSION, "cpu", sys.version.split()[0])
    assert ready["pid"] > 0


def test_another_protocol_version_ends_the_worker(parent):
    one = parent(greet=False)
    one.send({"type": "hello", "protocol": 99})
    error = one.until("error")[-1]
    assert (error["code"], error["id"]) == ("protocol", None)
    assert "protocol 99" in error["message"] and f"protocol {PROTOCOL_VERSION}" in error["need"]
    assert one.process.wait(WAIT_S) == 2


def test_a_caption_request_from_progress_to_result(parent, message, tmp_path):
    output = tmp_path / "out.gpkg"
    events = parent().ask("caption", request=message(), output=str(output), resume=False)
    assert {event["id"] for event in events if event["type"] != "heartbeat"} == {"1"}
    tiles = [event["tile"] for event in events if event["type"] == "tile"]
    assert len(tiles) == 16 == len(table(output))
    assert len(tiles[0]["footprint"]) == 5
    assert [event for event in events if event["type"] == "progress"][-1]["done"] == 16
    result = events[-1]["result"]
    assert (result["tiles"], result["captioned"], result["skipped"], result["output"]) == (16, 3, 1, str(output))


def test_without_output_nothing_is_written(parent, message, tmp_path):
    events = parent().ask("caption", request=message(), output=None, resume=False)
    assert sum(event["type"] == "tile" for event in events) == 16
    assert list(tmp_path.glob("*.gpkg*")) == []


def test_a_click_gives_the_runs_caption_and_is_quick_the_second_time(parent, message):
    one, request = parent(), message()
    run = one.ask("caption", request=request, output=None)
    tiles = {event["tile"]["properties"]["tile_id"]: event["tile"] for event in run if event["type"] == "tile"}
    point = {"x": 391_360.0 + 2.5 * TILE_PX / 2, "y": 5_820_032.0 - 1.5 * TILE_PX / 2}
    clicked = one.ask("caption_at", "2", request=request, **point)[-1]["result"]["tile"]
    same = tiles[clicked["properties"]["tile_id"]]
    assert clicked["footprint"] == same["footprint"]
    assert clicked["properties"] | {"seconds": 0} == same["properties"] | {"seconds": 0}
    start_s = time.perf_counter()
    one.ask("caption_at", "3", request=request, **point)
    assert time.perf_counter() - start_s < 0.5


def test_a_click_after_the_raster_changed_sees_the_new_one(parent, message):
    import numpy as np
    import rasterio

    one, request = parent(), message()
    point = {"x": 391_360.0 + 1.5 * TILE_PX / 2, "y": 5_820_032.0 - 0.5 * TILE_PX / 2}
    assert one.ask("caption_at", request=request, **point)[-1]["result"]["tile"]["properties"]["status"] == "unchanged"
    with rasterio.open(request["after"], "r+") as raster:
        bright = np.random.default_rng(1).integers(230, 251, (3, TILE_PX, TILE_PX), dtype=np.uint8)  # one exact value at the border would be fill
        raster.write(bright, window=((0, TILE_PX), (TILE_PX, 2 * TILE_PX)))
    assert one.ask("caption_at", "2", request=request, **point)[-1]["result"]["tile"]["properties"]["status"] == "captioned"


def test_describe_preview_models_and_doctor(parent, message):
    one = parent()
    assert one.ask("describe", request=message())[-1]["result"]["tiles"] == 16
    assert {"tile_id", "before", "after"} <= set(one.ask("preview", "4", request=message())[-1]["result"])
    (model,) = one.ask("models", "2")[-1]["result"]["models"]
    assert (model["id"], model["available"]) == (fakes.ID, True)
    assert {"torch", "gdal", "devices", "checks"} <= set(one.ask("doctor", "3")[-1]["result"])


def test_cancel_acts_within_a_second_and_the_worker_lives_on(parent, message, tmp_path):
    one, output = parent(delay_s=0.03), tmp_path / "out.gpkg"
    request = message(16, 16)
    one.send({"type": "caption", "id": "1", "request": request, "output": str(output)})
    one.until("tile")
    start_s = time.perf_counter()
    one.send({"type": "cancel", "id": "1"})
    error = one.until("result", "error")[-1]
    assert time.perf_counter() - start_s < 1.0
    assert (error["code"], error["exit_code"], error["id"]) == ("cancelled", 3, "1")
    assert 0 < count(output) < 256
    assert one.ask("describe", "2", request=request)[-1]["type"] == "result"


def test_requests_wait_in_order_and_a_waiting_one_is_cancelled_at_once(parent, message):
    one = parent(delay_s=0.02)
    for call in ("1", "2", "3"):
        one.send({"type": "caption", "id": call, "request": message(8, 8), "output": None})
    one.until("tile")
    one.send({"type": "cancel", "id": "2"})
    ends = []
    while len(ends) < 3:
        ends.append(one.until("result", "error")[-1])
    assert [(end["id"], end["type"]) for end in ends] == [("2", "error"), ("1", "result"), ("3", "result")]
    assert ends[0]["code"] == "cancelled"


def test_heartbeat_names_the_busy_request(parent, message):
    one = parent(delay_s=0.05)
    one.send({"type": "caption", "id": "long", "request": message(16, 16), "output": None})
    assert "long" in [one.until("heartbeat")[-1]["busy"] for _ in range(2)]


@pytest.mark.parametrize(
    ("line", "match"),
    [
        (b"not json\n", "not JSON"),
        (b"[1, 2]\n", "list"),
        (b"\xff\xfe\n", "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b'{"type": "conquer", "id": "1"}\n', "conquer"),
        (b'{"type": "models"}\n', "id None"),
        (b'{"type": "models", "id": 7}\n', "id 7"),
        (b'{"type": "hello", "id": "1", "protocol": 1}\n', "second hello"),
        (b"x" * (MAX_LINE_CHARS + 10) + b"\n", "at most 4000000"),
    ],
    ids=["not json", "list", "not utf-8", "deep", "unknown type", "no id", "number as id", "second hello", "huge line"],
)
def test_abuse_is_answered_and_survived(parent, line, match):
    one = parent()
    one.send(line)
    error = one.until("error")[-1]
    assert error["code"] == "protocol" and match in error["message"]
    assert one.ask("models", "9")[-1]["type"] == "result"


@pytest.mark.parametrize(
    ("members", "code", "match"),
    [
        ({"request": {"before": "x.tif"}}, "input", "without after"),
        ({"request": [1]}, "input", "list"),
        ({"request": {"before": "/no/x.tif", "after": "/no/y.tif", "model": "fake"}}, "raster", "/no/x.tif"),
        ({"request": {"before": "/no/x.tif", "after": "/no/y.tif", "model": "gpt"}}, "model", "unknown model 'gpt'"),
        ({"request": {"before": "a", "after": "b", "model": "fake"}, "output": 5}, "input", "output = 5"),
        ({"request": {"before": "a\0b", "after": "b", "model": "fake"}}, "input", "before = 'a\\x00b'"),
        ({"request": {"before": "\ud800", "after": "b", "model": "fake"}}, "input", "before = '\\ud800'"),
        ({"request": {"before": "a", "after": "b", "aoi": 5, "model": "fake"}}, "input", "aoi = 5"),
        ({"request": {"before": "a", "after": "b", "batch_size": 10**9, "model": "fake"}}, "input", "1 to 1024 tiles"),
    ],
    ids=["no after", "no object", "no file", "no model", "odd output", "NUL in a path", "half a surrogate pair", "number as aoi", "huge batch"],
)
def test_a_bad_request_is_an_error_and_the_worker_lives_on(parent, members, code, match):
    one = parent()
    error = one.ask("caption", **members)[-1]
    assert (error["type"], error["code"]) == ("error", code)
    assert match in error["message"]
    assert error["exit_code"] == ERRORS[code].exit_code == 2
    assert one.ask("models", "2")[-1]["type"] == "result"


def test_a_request_before_the_handshake_is_refused(parent):
    one = parent(greet=False)
    assert "before the handshake" in one.ask("models")[-1]["message"]
    assert one.greet()["type"] == "ready"


def test_an_id_in_use_is_refused(parent, message):
    one = parent(delay_s=0.02)
    for _ in range(2):
        one.send({"type": "caption", "id": "1", "request": message(8, 8), "output": None})
    assert "has not ended" in one.until("error")[-1]["message"]
    assert one.until("result")[-1]["id"] == "1"


@pytest.mark.parametrize("way", ["shutdown", "end of stdin"])
def test_the_end_cancels_the_run_and_commits(parent, message, tmp_path, way):
    one, output = parent(delay_s=0.03), tmp_path / "out.gpkg"
    one.send({"type": "caption", "id": "1", "request": message(16, 16), "output": str(output)})
    one.until("tile")
    one.send({"type": "shutdown"}) if way == "shutdown" else one.process.stdin.close()
    assert one.process.wait(10) == 0
    assert 0 < count(output) < 256


def test_a_killed_worker_is_continued_by_the_next(parent, message, tmp_path):
    request, output, whole = message(16, 16), tmp_path / "out.gpkg", tmp_path / "whole.gpkg"
    one = parent(delay_s=0.03)
    one.send({"type": "caption", "id": "1", "request": request, "output": str(output)})
    end = time.monotonic() + WAIT_S
    while not count(output) and time.monotonic() < end:
        time.sleep(0.1)
    one.process.kill()
    assert 0 < count(output) < 256
    other = parent()
    result = other.ask("caption", request=request, output=str(output), resume=True)[-1]["result"]
    assert result["resumed"] > 0
    other.ask("caption", "2", request=request, output=str(whole))
    assert table(output) == table(whole)


def test_what_libraries_print_stays_off_the_protocol(tmp_path, fake_weights):
    code = (
        f"import sys, os; sys.path[:0] = [{str(ROOT)!r}]; from engine import worker\n"
        "handle = worker.Engine.handle\n"
        "def loud(*args):\n    print('a library talks'); os.write(1, b'in C too\\n'); return {}\n"
        "worker.Engine.handle = loud\nsys.exit(worker.main())"
    )
    lines = b'{"type": "hello", "protocol": 1}\n{"type": "models", "id": "1"}\n'
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(lines)
    process.stdin.flush()
    kinds = [json.loads(process.stdout.readline())["type"] for _ in range(2)]
    _, errors = process.communicate(timeout=WAIT_S)
    assert kinds == ["ready", "result"]
    assert b"a library talks" in errors and b"in C too" in errors


@pytest.mark.parametrize("name", ["engine.worker", "engine.cli", "engine.registry"])
def test_light_at_import(name):
    code = f"import sys, {name}; print(sorted({{'torch', 'numpy', 'rasterio', 'fiona', 'shapely'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == "[]"
