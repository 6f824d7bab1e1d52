"""``make faults``: faults of every kind at random moments; after each, the run is resumed and its result compared with an undisturbed one.

    python -m tests.faults --count 300 --seed 1 --report docs/reliability.md
    python -m tests.faults --only "disk full" --count 20

Exit code 0 if nothing was lost, doubled or different and every message was as documented.
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "engine")]
os.environ["OMP_NUM_THREADS"] = "1"  # before anything imports PyTorch: OpenMP ends a process that it cannot give threads, by exit(1)

import checks  # noqa: E402
import children  # noqa: E402
from case import Case, Stage  # noqa: E402
from kinds import KINDS  # noqa: E402

FRESH_EVERY = 12  # one case in so many starts its processes anew
VARIANTS = ("", "", "", "heatmap", "", "", "parts")  # what the cases write in turn: the layer, a heat map too, the layer in several files
TRIES = 20  # moments tried for a case until the fault meets a run at work
OUTCOMES = ("survived", "lost", "doubled", "different", "failed")


def plan(count, only, rng):
    """Kinds in random order: each once as far as ``count`` goes, the rest drawn by their shares."""
    kinds = [kind for kind in KINDS if only in kind.name and kind.possible()]
    if not kinds:
        raise SystemExit(f"no kind of fault is called {only!r}; there are: {', '.join(kind.name for kind in KINDS)}")
    if count < len(kinds):
        return rng.sample(kinds, count)
    return rng.sample(planned := kinds + rng.choices(kinds, [kind.share for kind in kinds], k=count - len(kinds)), len(planned))


def survive(stage, kind, seed):
    """One fault, resumed and compared. Returns how many moments were tried and how many tiles were there; raises what went wrong."""
    number = int(seed.split()[-1])
    variant = VARIANTS[number % len(VARIANTS)]
    for attempt in range(TRIES):
        rng = random.Random(f"{seed} {attempt}")
        with Case(stage, rng, fresh=not kind.forked and number % FRESH_EVERY == 0, variant=variant, kind=kind) as case:
            case.shorter = 0.8**attempt
            met = kind.inject(case)
            before = checks.kept(case.files(), stage.reference, set() if kind.destroys else case.promised())
            case.fresh = False
            child = case.start(resume=True)
            code = child.wait()
            assert code == 0, f"--resume ended with {code}: {child.said()[-3000:]}"
            checks.complete(case, before, child.events())
        if met:
            return attempt + 1, len(before)
    raise AssertionError(f"{TRIES} moments were tried and none met a run at work")


def outcome(error):
    names = {checks.Lost: "lost", checks.Doubled: "doubled", checks.Different: "different"}
    return names.get(type(error), "failed")


def run(stage, planned, seed, jobs):
    """Inject the faults, ``jobs`` at a time; returns Counters of outcomes by kind's name, and the tiles that were there when each fault struck."""
    results = stage.folder / "results.jsonl"
    children.in_children([lambda first=first: _run_some(stage, planned, seed, first, jobs, results) for first in range(jobs)])
    found, struck = {kind.name: Counter() for kind in planned}, []
    for line in results.read_text().splitlines():
        name, result, there = json.loads(line)
        found[name][result] += 1
        if result == "survived":
            struck.append(there)
    assert sum(counts.total() for counts in found.values()) == len(planned)
    return found, struck


def _run_some(stage, planned, seed, first, step, results):
    for i in range(first, len(planned), step):
        kind, began, tried, there = planned[i], time.monotonic(), 0, 0
        try:
            tried, there = survive(stage, kind, f"{seed} {kind.name} {i}")
            result = "survived"
        except Exception as error:  # whatever it is, the other faults go on
            result = outcome(error)
            traceback.print_exc()
        with results.open("a") as stream:
            stream.write(json.dumps([kind.name, result, there]) + "\n")
        print(f"{i + 1:4}/{len(planned)} {result:9} {kind.name} ({tried} tried, {time.monotonic() - began:.1f} s)", flush=True)


def report(found, struck, stage, seed, elapsed_s):
    """Markdown of a run."""
    total = Counter()
    for counts in found.values():
        total.update(counts)
    some = sum(0 < there < len(stage.reference) for there in struck)
    lines = [
        f"{sum(total.values())} faults, seed {seed}: {total['survived']} survived, {total['lost']} with a lost tile, {total['doubled']} with a "
        f"doubled one, {total['different']} with a result that differs from an undisturbed run, {total['failed']} with another exit code or "
        f"message than documented. "
        f"In {some} cases part of the tiles had been committed when the fault struck, in {struck.count(0)} none, "
        f"in {struck.count(len(stage.reference))} all.",
        "",
        *left_out(),
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"{elapsed_s / 60:.0f} minutes.",
        "",
        "| fault | what follows | injected | survived | lost | doubled | different | failed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        if kind.name in found:
            counts = found[kind.name]
            cells = [kind.name, kind.follows, sum(counts.values()), *(counts[name] for name in OUTCOMES)]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    cells = ["**all**", "", sum(total.values()), *(total[name] for name in OUTCOMES)]
    return "\n".join([*lines, "| " + " | ".join(map(str, cells)) + " |", ""])


def left_out():
    """Lines on the kinds that this machine cannot do."""
    kinds = [kind for kind in KINDS if not kind.possible()]
    return [f"Left out on this machine: {', '.join(f'{kind.name} (needs: {kind.possible.__doc__})' for kind in kinds)}", ""] if kinds else []


def write_report(path, text):
    """Replace what lies between the marks in a document."""
    start, end = "<!-- make faults -->\n", "<!-- end -->"
    whole = path.read_text("utf-8")
    head, _, rest = whole.partition(start)
    path.write_text(f"{head}{start}{text}{end}{rest.partition(end)[2]}", "utf-8")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="faults at a time")
    parser.add_argument("--only", default="", help="kinds whose name holds this text")
    parser.add_argument("--report", type=Path, help="document whose table is replaced")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="changescribe-faults-") as folder:
        stage = Stage(folder)
        try:
            found, struck = run(stage, plan(args.count, args.only, random.Random(args.seed)), args.seed, args.jobs)
        finally:
            stage.close()
    text = report(found, struck, stage, args.seed, time.monotonic() - began)
    print(text)
    if args.report:
        write_report(args.report, text)
    return int(any(counts[name] for counts in found.values() for name in OUTCOMES[1:]))


if __name__ == "__main__":
    sys.exit(main())
