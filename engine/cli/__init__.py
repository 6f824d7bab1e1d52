"""The command line: ``changescribe caption|batch|report|export-reviewed|sample|accuracy|convert|train|export|evaluate|models|doctor|worker``.

Exit codes: 0 done, 2 bad arguments or input, 3 cancelled with partial output kept, 4 the engine failed.
Heavy modules are imported by the commands that need them, so that --help is instant and the worker can guard its stdout first.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .. import __version__, geo, registry
from ..accuracy import command as accuracy_command
from ..contract.errors import (
    EXIT_DONE,
    Cancelled,
    ChangeScribeError,
    EngineError,
    InputError,
    end_where_threads_cannot_start,
    is_out_of_memory,
    silence_libraries,
    unexpected,
)
from ..contract.heatmap import HEATMAP_THRESHOLD, HeatmapOutput
from ..contract.options import COMMAND
from ..contract.request import DECODINGS, DEFAULT_MODEL, DEVICES, OPTIONS, SAMPLING, CaptionRequest
from ..geo import proj_data
from ..output import convert
from ..registry.installed import how_to_install
from ..report import command as report_command
from . import options as cli_options
from . import search_path
from . import streams as cli_streams
from . import train as train_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .output import JsonOutput, RichOutput

    Output = JsonOutput | RichOutput

# Of one pair of rasters, hence no defaults of a table.
ONE_PAIR = ("before_bands", "after_bands", "aoi", "extent")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors read like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, "arguments as the command's help describes them", f"{self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    if argv is None:
        cli_streams.use_utf8_for_names()
        search_path.own_packages_first()
    cli_streams.never_fail_to_encode()
    arguments = list(sys.argv[1:] if argv is None else argv)
    wants_json = "--json" in arguments and arguments[0] != "evaluate"  # whose --json names a file
    end_where_threads_cannot_start()
    silence_libraries()
    try:
        if arguments[:1] in (["train"], ["export"]):
            return train_command.run(arguments[1:]) if arguments[0] == "train" else train_command.export(arguments[1:])
        args = parser().parse_args(_join_negative(arguments))
        if args.command == "worker":
            from ..worker import main as serve

            return serve()
        with output_of(args) as output:
            for note in (*geo.UNSET, *proj_data.unset_foreign()):
                output.event({"type": "log", "level": "info", "message": note})
            return args.run(args, output)
    except ChangeScribeError as error:
        return _fail(error, wants_json)
    except KeyboardInterrupt:
        return _fail(Cancelled("interrupted; what was committed is kept", "", "run again with --resume to continue"), wants_json)
    except BrokenPipeError as error:
        if cli_streams.is_read():
            return _fail(unexpected(error), wants_json)
        sys.stderr.close()  # whoever read our output has gone, and the interpreter would complain about flushing it
        return Cancelled.exit_code
    except Exception as error:
        if not is_out_of_memory(error):
            traceback.print_exc()  # a bug: this is what its report needs
        return _fail(unexpected(error), wants_json)


def _fail(error: ChangeScribeError, wants_json: bool) -> int:
    from .output import JsonOutput, RichOutput

    (JsonOutput() if wants_json else RichOutput()).error(error)
    return error.exit_code


def output_of(args: argparse.Namespace) -> Output:
    from .output import JsonOutput, RichOutput

    return JsonOutput() if getattr(args, "json", False) is True else RichOutput()


def _join_negative(arguments: list[str]) -> list[str]:
    """``--extent -5,1,2,3`` as ``--extent=-5,1,2,3``, which argparse would take for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--extent" and argument.startswith("-"):
            joined[-1] += "=" + argument
        else:
            joined.append(argument)
    return joined


def parser() -> argparse.ArgumentParser:
    """The command line's grammar; choices come from the schema and the registry."""
    root = Parser(prog="changescribe", description="Captions what changed between two georeferenced images of one place.")
    root.add_argument("--version", action="version", version=f"changescribe {__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_caption(commands)
    _add_batch(commands)
    _add_json(report_command.add(commands))
    _add_json(report_command.add_export(commands))
    _add_json(accuracy_command.add_sample(commands))
    _add_json(accuracy_command.add_accuracy(commands))
    _add_json(convert.add(commands))
    train_command.add_command(commands)
    _add_evaluate(commands)
    _add_models(commands)
    doctor = commands.add_parser("doctor", help="check this machine: versions, devices, weights, a real forward pass")
    doctor.add_argument("--model", default=DEFAULT_MODEL, help=cli_options.help_of(OPTIONS["model"]))
    _add_json(doctor)
    doctor.set_defaults(run=run_doctor)
    commands.add_parser("worker", help="serve QGIS: JSON lines over stdin and stdout")
    return root


def _add_caption(commands: Any) -> None:
    command = commands.add_parser("caption", help="caption what changed between two rasters")
    command.add_argument("before", metavar="BEFORE", help="raster of the earlier date; its grid and CRS are the output's")
    command.add_argument("after", metavar="AFTER", help="raster of the later date; brought onto the grid of BEFORE")
    command.add_argument("-o", "--output", metavar="OUT.gpkg", help="GeoPackage to write")
    area = command.add_mutually_exclusive_group()
    for name in ("aoi", "extent"):
        cli_options.add(area, OPTIONS[name])
    for name in ("before_bands", "after_bands"):
        cli_options.add(command, OPTIONS[name])
    _add_request_options(command)
    _add_run_options(command)
    command.add_argument(
        "--heatmap", metavar="FILE", help="also write where in the changed tiles buildings changed: .tif (percent a pixel) or .gpkg (polygons)"
    )
    command.add_argument(
        "--heatmap-threshold", metavar="P", type=float, help=f"heat from which ground lies in a polygon (default {HEATMAP_THRESHOLD}; .gpkg only)"
    )
    command.add_argument(
        "--part-tiles", metavar="N", type=int, help="write larger areas as OUT_0001.gpkg, …, of at most N tiles each (default 1000000; 0: one file)"
    )
    command.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="caption on a Dask cluster: tcp://HOST:PORT of its scheduler, or local[:N] for N processes here (needs the extra `cluster`)",
    )
    command.add_argument(
        "--dry-run", action="store_true", help="caption a few tiles and say what all would take: tiles, time, disk, CRS, ground resolution, warnings"
    )
    command.set_defaults(run=run_caption)


def _add_batch(commands: Any) -> None:
    command = commands.add_parser(
        "batch",
        help="caption many pairs or areas from a table",
        description="One row a run: columns before and after, and if wanted output and request members such as aoi or resolution. Paths are "
        "relative to it. A row that fails does not stop the others; the exit code is that of the worst.",
        epilog="Columns: " + ", ".join(cli_options.table_columns()) + ".",
    )
    command.add_argument("jobs", metavar="JOBS.csv", type=Path)
    command.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="folder for the GeoPackages")
    _add_request_options(command)
    _add_run_options(command)
    command.set_defaults(run=run_batch)


def _add_evaluate(commands: Any) -> None:
    quiet: dict[str, Any] = {"default": argparse.SUPPRESS}
    command = commands.add_parser("evaluate", help="caption and score a data set in the LEVIR-CC layout")
    command.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        required=True,
        help="folder with LevirCCcaptions.json or pairs.json and images, or of several such folders",
    )
    command.add_argument("--split", required=True)
    command.add_argument("--model", default=DEFAULT_MODEL, help=cli_options.help_of(OPTIONS["model"]))
    command.add_argument("--device", choices=DEVICES, default="auto")
    command.add_argument("--decoding", choices=DECODINGS, default=DECODINGS[0])
    command.add_argument("--threshold", type=float, help="change score (0 to 1) from which a pair counts as changed; default: the model's own")
    _add_sampling(command)
    command.add_argument("--json", metavar="OUT", dest="json_file", type=Path, help="write scores and captions to this file")
    command.add_argument("--html", metavar="OUT", dest="html_file", type=Path, help="write a page of the pictures with their captions, worst first")
    command.add_argument("--html-limit", metavar="N", type=int, help="most pairs on that page (default 500)", **quiet)
    command.add_argument("--bootstrap", metavar="N", type=int, help="resamples for the 95 %% intervals (default 1000; 0: none)", **quiet)
    command.add_argument("--balanced", action="store_true", help="also score subsets with equally many changed and unchanged pairs", **quiet)
    command.add_argument("--against", metavar="ID|JSON", help="compare with another model, or with what --json wrote on the same pairs", **quiet)
    text = "test on N pairs (default 100) that looks, turns, swapped dates and missing data change the answer as they must"
    command.add_argument("--invariances", metavar="N", type=int, nargs="?", const=100, help=text, **quiet)
    command.set_defaults(run=run_evaluate)


def _add_models(commands: Any) -> None:
    command = commands.add_parser("models", help="list, add and verify models")
    _add_json(command)
    actions = command.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="the models there are (default)")
    add = actions.add_parser("add", help="copy published weights, or your own from `changescribe export`, into your models folder")
    add.add_argument("file", metavar="FILE|FOLDER", help="a safetensors file; of ccexpert also its base, or the authors' release, as a folder")
    add.add_argument("--bits", type=int, choices=(4, 8), help="quantise the language model of the authors' release (needs bitsandbytes)")
    verify = actions.add_parser("verify", help="check the sha256 of all weights, or of one model's")
    verify.add_argument("model", metavar="ID", nargs="?")
    for action in (*actions.choices.values(),):
        _add_json(action, default=argparse.SUPPRESS)
    command.set_defaults(run=run_models)


def _add_request_options(command: argparse.ArgumentParser) -> None:
    """Options that are members of the request; without one the request's own default holds."""
    for row in OPTIONS.values():
        if row.name not in ONE_PAIR and row.name not in SAMPLING and row.on(COMMAND):
            cli_options.add(command, row)
    _add_sampling(command)


def _add_sampling(command: argparse.ArgumentParser) -> None:
    """Options of models that draw samples; without one the model's own holds."""
    group = command.add_argument_group("models that draw samples", "defaults: the model's own")
    for name in SAMPLING:
        cli_options.add(group, OPTIONS[name])


def _add_run_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--resume", action="store_true", help="continue an earlier, unfinished output")
    _add_json(command)


def _add_json(command: argparse.ArgumentParser, default: Any = False) -> None:
    command.add_argument("--json", action="store_true", default=default, help="machine-readable JSON lines on stdout")


def request_members(args: argparse.Namespace) -> dict:
    return {name: getattr(args, name) for name in OPTIONS if hasattr(args, name)}


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM end the run after its batch; a second Ctrl-C ends the program at once."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    earlier = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop.is_set
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def run_caption(args: argparse.Namespace, output: Output) -> int:
    request = CaptionRequest.from_json(request_members(args))
    if not args.output and not args.dry_run:
        raise InputError("no output", "-o OUT.gpkg", "name the GeoPackage to write, or take --dry-run")
    heatmap, part_tiles = _heatmap(args), _part_tiles(args)
    with stop_signals() as cancelled, ExitStack() as stack:
        from ..run import pipeline
        from . import output as cli_output

        if args.dry_run:
            return _dry_run(request, args.output, part_tiles, output, cancelled)
        caption = pipeline.caption_tiles
        if args.scheduler is not None:
            from ..run import cluster

            request = cluster.portable(request)
            workers = stack.enter_context(cluster.Workers(args.scheduler, output.event))
            workers.verify(request.model)
            caption = workers.caption_tiles
        summary = pipeline.run(request, args.output, args.resume, None, output.event, cancelled, heatmap, part_tiles, caption).to_json()
        if args.scheduler is not None:
            summary["device"] = workers.describe()
    output.result(summary)
    output.text(cli_output.summary_text(summary))
    return EXIT_DONE


def _dry_run(request: CaptionRequest, path: str | None, part_tiles: int | None, output: Output, cancelled: Callable[[], bool]) -> int:
    from ..run import pipeline
    from ..run.estimate import estimate, text
    from . import output as cli_output

    plan = pipeline.describe(request)
    plan["estimate"] = estimate(request, path, part_tiles, output.event, cancelled)
    output.result(plan)
    output.text(f"{cli_output.plan_text(plan)}\n{text(plan['estimate'])}")
    return EXIT_DONE


def _part_tiles(args: argparse.Namespace) -> int | None:
    """Tiles a file, None for one file."""
    if args.part_tiles is not None and args.part_tiles < 0:
        raise InputError(f"--part-tiles {args.part_tiles}", "tiles a file, or 0 for one file", "correct it")
    if args.part_tiles is None:
        from ..output.parts import PART_TILES

        return PART_TILES
    return args.part_tiles or None


def _heatmap(args: argparse.Namespace) -> HeatmapOutput | None:
    if args.heatmap is None:
        if args.heatmap_threshold is not None:
            raise InputError(f"--heatmap-threshold {args.heatmap_threshold:g} without --heatmap", "both or neither", "add --heatmap OUT.gpkg")
        return None
    heatmap = HeatmapOutput(args.heatmap, args.heatmap_threshold)
    heatmap.verify()
    return heatmap


def run_batch(args: argparse.Namespace, output: Output) -> int:
    from ..run import batch, pipeline
    from . import output as cli_output

    defaults = request_members(args)
    jobs = batch.read_jobs(args.jobs, args.output, defaults)
    with stop_signals() as cancelled:
        captioner = pipeline.load_captioner(jobs[0].request, output.event)
        results, exit_code = batch.run(jobs, args.resume, captioner, lambda job, event: output.event(event, job=job.output.name), cancelled)
    output.result({"jobs": results})
    for job in results:
        output.text(cli_output.summary_text(job["result"]) if "result" in job else f"line {job['line']} failed: {job['error']['message']}")
    return exit_code


def run_evaluate(args: argparse.Namespace, output: Output) -> int:
    from ..evaluation import evaluate
    from ..models.captioner import CaptionOptions

    with stop_signals() as cancelled:
        options = CaptionOptions(args.threshold, args.decoding, **{name: getattr(args, name) for name in SAMPLING if hasattr(args, name)})
        settings = evaluate.Settings(**{field.name: getattr(args, field.name) for field in fields(evaluate.Settings) if hasattr(args, field.name)})
        found = evaluate.run(args.data, args.split, args.model, args.device, options, settings, output.event, cancelled)
    output.text(evaluate.table(found))
    return EXIT_DONE


def run_models(args: argparse.Namespace, output: Output) -> int:
    from ..registry import files as model_files

    if args.action == "add":
        added = model_files.add(args.file, args.bits)
        output.result(added)
        output.text(f"{added['id']}: {added['path']}")
        return EXIT_DONE
    if args.action == "verify":
        ids = [registry.row(args.model)["id"]] if args.model else [row["id"] for row in registry.rows()]
        states = [model_files.check(model_id) for model_id in ids]
        output.result({"models": states})
        for state in states:
            output.text(f"{state['id']}: {state['state']}. {state['message'] or state['path']}")
        # A model that was never added is no fault, unless it was asked for by name.
        bad = [state for state in states if state["state"] == "damaged" or (args.model and state["state"] != "ok")]
        return InputError.exit_code if bad else EXIT_DONE
    listing = model_files.listing()
    output.result({"models": listing})
    for row in listing:
        where = f"at {row['path']}" if row["available"] else f"not installed: {how_to_install(row['id'], row['file'])}"
        output.text(f"{row['id']}: {row.get('name', '')}. {where}")
    return EXIT_DONE


def run_doctor(args: argparse.Namespace, output: Output) -> int:
    from ..run import doctor

    found = doctor.report(registry.row(args.model)["id"])
    output.result(found)
    output.text(doctor.text(found))
    return EXIT_DONE if found["ok"] else EngineError.exit_code


if __name__ == "__main__":
    sys.exit(main())
