"""``--preload`` of a Dask worker in the tests: the fake captioner's registry."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import fakes  # noqa: E402

fakes.install(os.environ["FAKE_REGISTRY"])
