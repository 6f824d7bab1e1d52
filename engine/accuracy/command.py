"""``changescribe sample`` and ``accuracy`` on the command line."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from ..contract.errors import EXIT_DONE


def add_sample(commands: Any) -> argparse.ArgumentParser:
    """The grammar of ``changescribe sample``."""
    command = commands.add_parser(
        "sample",
        help="draw tiles to judge, for accuracy and areas with confidence intervals",
        description="Draws a stratified random sample of a layer's tiles (Olofsson et al. 2014). Judge it in the panel's Accuracy page, then run "
        "`changescribe accuracy`.",
    )
    quiet: dict[str, Any] = {"default": argparse.SUPPRESS}
    command.add_argument("layer", metavar="CHANGES.gpkg", help="what a run has written; FILE|layername=NAME picks a layer")
    command.add_argument("-o", "--output", metavar="SAMPLE.gpkg", required=True)
    command.add_argument("--by", choices=("change", "class", "score"), help="strata: changed or not (default), first class, or change score", **quiet)
    command.add_argument("--standard-error", metavar="S", type=float, help="wanted of the overall accuracy (default 0.02)", **quiet)
    for what, default in (("changed", 0.75), ("unchanged", 0.95)):
        flag = f"--expected-{what}"
        command.add_argument(flag, metavar="U", type=float, help=f"user's accuracy expected of {what} strata (default {default})", **quiet)
    command.add_argument("--minimum", metavar="N", type=int, help="tiles per stratum at least (default 50)", **quiet)
    command.add_argument("--size", metavar="N", type=int, help="tiles in all (default: from the standard error)", **quiet)
    command.add_argument("--seed", metavar="N", type=int, help="of the draw (default 0)", **quiet)
    command.set_defaults(run=run_sample)
    return command


def run_sample(args: argparse.Namespace, output: Any) -> int:
    from .design import SampleOptions
    from .sample import write

    options = SampleOptions(**{field.name: getattr(args, field.name) for field in fields(SampleOptions) if hasattr(args, field.name)})
    found = write(args.layer, args.output, options)
    for note in found["warnings"]:
        output.event({"type": "log", "level": "warning", "message": note})
    output.result(found)
    strata = "; ".join(f"{name} {stratum['sampled']} of {stratum['units']}" for name, stratum in found["strata"].items())
    output.text(f"{found['output']}: {found['sampled']} tiles to judge ({strata})")
    return EXIT_DONE


def add_accuracy(commands: Any) -> argparse.ArgumentParser:
    """The grammar of ``changescribe accuracy``."""
    command = commands.add_parser(
        "accuracy",
        help="accuracy and error-adjusted areas with 95 %% intervals, from a judged sample",
        description="Estimators of Olofsson et al. 2014 and Stehman 2014; intervals are Wilson's, combined over the strata.",
    )
    command.add_argument("sample", metavar="SAMPLE.gpkg", help="what `changescribe sample` has written, with its judgements")
    command.add_argument("--layer", metavar="CHANGES.gpkg", help="check that the layer still has the tiles that the sample was drawn from")
    command.add_argument("-o", "--output", metavar="OUT.json|OUT.csv", help="also write the result to a file")
    command.set_defaults(run=run_accuracy)
    return command


def run_accuracy(args: argparse.Namespace, output: Any) -> int:
    from .result import assess, verify_target, write

    verify_target(args.output)
    found = assess(args.sample, args.layer)
    if args.output is not None:
        write(found, args.output)
    for note in found["notes"]:
        output.event({"type": "log", "level": "warning", "message": note})
    output.result(found)
    output.text(found["summary"])
    return EXIT_DONE
