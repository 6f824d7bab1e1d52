"""Faults of what a run reads: rasters, web servers, weights. Functions as those in kinds.py."""

import os
import shutil
import signal
import time

from ends import ended, interrupted


def _damaged(case, damage, before_start=False):
    """Damage one raster while the run reads it, or before; put it back afterwards."""
    path = case.rng.choice([case.before, case.after])
    whole = case.folder / "whole"
    shutil.copy2(path, whole)
    child = None
    if not before_start:
        child = case.start()
        case.moment(child)
    met = child is None or child.poll() is None
    damage(path)
    child = child or case.start()
    met = ended(case, child, met)
    os.replace(whole, path)
    return met


def raster_vanishes(case):
    return _damaged(case, os.unlink)


def raster_truncated(case):
    return _damaged(case, lambda path: os.truncate(path, case.rng.randint(0, os.path.getsize(path) - 1)), case.rng.random() < 0.5)


def raster_flipped(case):
    """Bits of compressed pixels flip; the checksum in deflate tells. (In a header they may give another, valid raster: that is for fuzzing.)"""

    def flip(path):
        size = os.path.getsize(path)
        with open(path, "r+b") as stream:
            for _ in range(case.rng.randint(1, 20)):
                place = case.rng.randint(size // 10, size * 9 // 10)
                stream.seek(place)
                value = stream.read(1)[0]
                stream.seek(place)
                stream.write(bytes([value ^ 1 << case.rng.randint(0, 7)]))

    return _damaged(case, flip, before_start=True)


def raster_lies(case):
    """The header promises more than the file holds."""
    case.use_plain()
    return _damaged(case, lambda path: os.truncate(path, case.rng.randint(3000, os.path.getsize(path) - 1)), before_start=True)


def _web(case, mode, lasts_s=None):
    child = case.use_web().start()
    case.moment(child, 0.8)
    met = child.poll() is None
    case.serve(mode)
    if lasts_s is not None:
        time.sleep(lasts_s)
        case.serve("ok")
    met = ended(case, child, met)
    case.serve("ok")
    return met


def web_stalls(case):
    return _web(case, "stall", lasts_s=case.rng.uniform(0.5, 3))


def web_stalls_and_user_cancels(case):
    child = case.use_web().start(environment={"GDAL_HTTP_LOW_SPEED_TIME": "60"})
    case.until_running(child)
    case.pause(0.3)
    case.serve("stall")
    time.sleep(0.3)
    began = time.monotonic()
    met = interrupted(case, child, signal.SIGTERM)
    assert time.monotonic() - began < 10, "a cancellation waited for a read that stalls"
    case.serve("ok")
    return met


def web_cut(case):
    return _web(case, "cut")


def web_error(case):
    return _web(case, case.rng.choice(["error", "gone"]))


def weights_damaged(case):
    """Flipped, cut, swapped, filled up or blown up before the run: refused by size or sha256, whatever is in them."""
    path = case.own_registry()
    whole = path.read_bytes()
    rng = case.rng
    place = rng.randrange(len(whole))
    rng.choice(
        [
            lambda: path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randint(0, 7)]) + whole[place + 1 :]),
            lambda: os.truncate(path, place),
            lambda: path.write_bytes(rng.randbytes(len(whole))),
            lambda: os.truncate(path, rng.randint(1, 40) << 30),
            lambda: path.write_bytes(b"\x80\x04cos\nsystem\n."),
        ]
    )()
    met = ended(case, case.start())
    path.write_bytes(whole)
    return met


def weights_swapped_while_running(case):
    path = case.own_registry()
    whole = path.read_bytes()
    child = case.start()
    case.until_running(child)
    case.moment(child, 0.5)
    met = child.poll() is None
    path.write_bytes(case.rng.randbytes(len(whole)))
    met = ended(case, child, met)
    path.write_bytes(whole)
    return met
