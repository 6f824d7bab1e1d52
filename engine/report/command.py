"""``changescribe report`` and ``export-reviewed`` on the command line."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..contract.errors import EXIT_DONE
from .request import ReportRequest


def add(commands: Any) -> argparse.ArgumentParser:
    """The command's grammar."""
    command = commands.add_parser(
        "report",
        help="one page on a layer of captions: figures, map, top changes with pictures",
        description="Writes a self-contained HTML page. Corrected captions take precedence, and what is marked as wrong is left out.",
    )
    command.add_argument("layer", metavar="CHANGES.gpkg", help="what a run has written; FILE|layername=NAME picks a layer")
    command.add_argument("-o", "--output", metavar="OUT.html", required=True)
    for date in ("before", "after"):
        command.add_argument(f"--{date}", metavar="FILE", help="raster for the pictures (default: the one the layer was made from)")
    command.add_argument("--png", metavar="MAP.png", help="also write the map as a picture")
    command.add_argument("--top", metavar="N", type=int, default=ReportRequest.top, help=f"changes with pictures (default {ReportRequest.top})")
    command.add_argument("--title", help="heading (default: made of the layer's name)")
    command.add_argument("--accuracy", metavar="SAMPLE.gpkg", help="judged sample of the layer: adds accuracy and error-adjusted areas")
    command.set_defaults(run=run)
    return command


def run(args: argparse.Namespace, output: Any) -> int:
    from .run import run as report

    found = report(ReportRequest(**{field.name: getattr(args, field.name) for field in fields(ReportRequest)}))
    for note in found["warnings"]:
        output.event({"type": "log", "level": "warning", "message": note})
    output.result(found)
    output.text("\n".join([found["summary"], *(found[name] for name in ("output", "png") if found[name])]))
    return EXIT_DONE


def add_export(commands: Any) -> argparse.ArgumentParser:
    """The grammar of ``changescribe export-reviewed``."""
    command = commands.add_parser(
        "export-reviewed",
        help="reviewed tiles as a data set to tune a model on",
        description="Writes the tiles that somebody marked as right or wrong, or whose caption was corrected, in LEVIR-CC's layout. A tile that is "
        "marked as wrong and not corrected says nothing and is left out.",
    )
    command.add_argument("layers", metavar="CHANGES.gpkg", nargs="+", help="reviewed layers; FILE|layername=NAME picks a layer")
    command.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for the data set")
    for date in ("before", "after"):
        command.add_argument(f"--{date}", metavar="FILE", help="raster, where it is no longer where the layer was made from (one layer only)")
    command.set_defaults(run=run_export)
    return command


def run_export(args: argparse.Namespace, output: Any) -> int:
    from .reviewed import export

    found = export(args.layers, Path(args.output), args.before, args.after)
    output.result(found)
    output.text(
        "{output}: {train} tiles to learn from, {val} held out; {changed} changed, {unreviewed} of the unchanged ones not judged".format(**found)
    )
    return EXIT_DONE
