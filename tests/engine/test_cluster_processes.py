"""``--scheduler local``: worker processes that a run starts itself, as many as are named or as there is work for."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from cluster_runs import JOIN_S, PRELOAD, run, wait_for
from runs import start, table

from engine.models import device
from engine.run import cluster, pipeline

import fakes

dask = pytest.importorskip("dask", reason="no Dask: pip install '.[cluster]'")
distributed = pytest.importorskip("distributed", reason="no Dask: pip install '.[cluster]'")


@pytest.mark.parametrize(
    ("address", "workers", "adapts"),
    [("local", device.cores(), None), ("local:3", 3, None), ("local:1-4", 1, {"minimum": 1, "maximum": 4})],
)
def test_processes_of_this_computer(monkeypatch, address, workers, adapts):
    made = {}

    class Recorder:
        def __init__(self, **options):
            made.update(options)

        def adapt(self, **options):
            made["adapts"] = options

    monkeypatch.setattr(distributed, "LocalCluster", Recorder)
    cluster._local_cluster(cluster.LOCAL.fullmatch(address))
    assert (made["n_workers"], made["threads_per_worker"], made.get("adapts")) == (workers, 1, adapts)
    assert made["dashboard_address"].startswith("127.0.0.1:")


def test_the_command_line_with_processes_of_its_own(request_of, tmp_path, monkeypatch):
    request = request_of(8, 8)
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", PRELOAD)
    monkeypatch.setenv("FAKE_REGISTRY", str(tmp_path / "registry"))
    alone, spread = tmp_path / "alone.gpkg", tmp_path / "spread.gpkg"
    run(request, alone)
    options = ["caption", request.before, request.after, "--model", fakes.ID, "--tile", 64, "--scheduler", "local:2", "-o", spread]
    process = start(tmp_path, *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate(timeout=JOIN_S)
    assert process.returncode == 0, err
    assert "2 Dask workers at local:2; dashboard: http://127.0.0.1:" in err
    assert "64 tiles" in out and "on 2 Dask workers at local:2" in out
    assert table(alone) == table(spread)


def test_as_many_processes_as_there_is_work_for(request_of, tmp_path, monkeypatch):
    """One; two as soon as its blocks wait, and both are held until each has some; one again when all are done."""
    request = request_of(16, 16)
    alone, spread, go = (tmp_path / name for name in ("alone.gpkg", "spread.gpkg", "go"))
    run(request, alone)
    monkeypatch.setenv("FAKE_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("FAKE_HOLD", str(go))
    adaptive = {"distributed.adaptive.interval": "200ms", "distributed.adaptive.target-duration": "100ms"}
    with (
        dask.config.set({"distributed.worker.preload": [PRELOAD], **adaptive}),
        cluster.Workers("local:1-2", pipeline.ignore) as workers,
        ThreadPoolExecutor(1) as watch,
    ):

        def let_go():
            try:
                wait_for(lambda: sum(map(bool, workers.client.processing().values())) == 2)
                return workers.client.run(lambda: dask.config.get("distributed.worker.profile.enabled"))
            finally:
                go.touch()

        assert len(workers.client.nthreads()) == 1
        grown = watch.submit(let_go)
        summary = run(request, spread, workers)
        assert list(grown.result().values()) == [False, False]
        wait_for(lambda: len(workers.client.nthreads()) == 1)
    assert (summary.total, summary.failed) == (256, 0)
    assert table(alone) == table(spread)
