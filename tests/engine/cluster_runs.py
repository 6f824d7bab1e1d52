"""A Dask cluster on this computer for the tests: a scheduler and workers in processes of their own, and runs of the fake captioner on it."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from runs import FAKES

from engine import registry
from engine.models.captioner import ModelCard
from engine.run import cluster, pipeline

import fakes

PRELOAD = str(FAKES.with_name("cluster_preload.py"))
JOIN_S = 120


class Dask:
    """A scheduler in a process of its own, and workers to start and kill, all with the same variables in their environment."""

    def __init__(self, folder, *options, **environment):
        self.folder, self.environment, self.processes = folder, environment, []
        self.file = folder / "scheduler.json"
        with pytest.MonkeyPatch.context() as patch:  # so that workers that start together find it made
            patch.setattr(registry, "RESOURCES", registry.RESOURCES)
            fakes.install(folder / "registry")
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file), "--no-dashboard", *options)
        self.address = json.loads(wait_for(lambda: self.file.exists() and self.file.read_text()))["address"]

    def start(self, *arguments, **environment):
        settings = {"FAKE_REGISTRY": str(self.folder / "registry"), "OMP_NUM_THREADS": "1", **self.environment, **environment}
        with (self.folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments], cwd=self.folder, env={**os.environ, **settings}, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def worker(self, *arguments, delay_s=0.0):
        return self.start("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", *arguments, FAKE_DELAY_S=str(delay_s))

    def end(self, processes):
        for process in processes:
            process.kill()
            process.wait()

    @contextmanager
    def workers(self, number, *arguments, delay_s=0.0):
        """So many workers more, and the client's side."""
        if not arguments:
            arguments = ("--preload", PRELOAD)
        processes = [self.worker(*arguments, delay_s=delay_s) for _ in range(number)]
        try:
            with cluster.Workers(self.address, pipeline.ignore) as workers, pytest.MonkeyPatch.context() as patch:
                patch.setattr(registry, "RESOURCES", self.folder / "registry")  # files made twice may differ in their metadata's order
                wait_for(lambda: len(workers.client.nthreads()) == number)
                yield workers, processes
        finally:
            self.end(processes)


def wait_for(found, seconds=JOIN_S):
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return value


def captioner():
    return fakes.FakeCaptioner(ModelCard(fakes.ID, "a fake", threshold=0.1))


def run(request, output, workers=None, **options):
    caption = workers.caption_tiles if workers else pipeline.caption_tiles
    return pipeline.run(request, str(output), captioner=captioner(), caption=caption, **options)
