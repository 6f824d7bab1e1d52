"""Make a weights file of a finished training run: ``changescribe export RUN -o FILE --id MY-ID``.

    changescribe train kd-rscc --data LEVIR-CC --encoder-weights resnet101.safetensors --out runs/mine
    changescribe export runs/mine -o my-kd.safetensors --id my-kd --data LEVIR-CC
    changescribe models add my-kd.safetensors
    changescribe caption before.tif after.tif -o changes.gpkg --model my-kd

Writes FILE and its card beside it (FILE with .md). A CCExpert that was trained whole becomes a folder. The project's own models are released with
``--bundle``: resources/weights, resources/models.json and, where there is none, resources/cards; nothing else ever touches these.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from engine import registry
from engine.contract.errors import InputError
from engine.registry.installed import ARCHITECTURES

from .shared.exported import PACKINGS, Built, Wanted, register, write
from .shared.run_log import read_settings

# What makes weights of a run, by architecture: a module with ``add_options`` and ``build``.
EXPORTERS = {
    "scribe": "training.scribe.export",
    "scribe-quick": "training.quick.export",
    "diffusion-rscc": "training.diffusion.export",
    "kd-rscc": "training.diffusion.export",
    "dfm": "training.dfm.export",
    "ccexpert": "training.ccexpert.export",
}
PUBLISHED_IDS = {"scribe": "scribe-s", "scribe-quick": "scribe-s-quick"}  # where the id is not the architecture


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command.

    Raises
    ------
    InputError
        No such run, or options that do not fit together. ModelError: the id is published. OutputError: a file cannot be written.
    """
    first, _ = _first_parser().parse_known_args(argv)
    if first.run is None:
        _first_parser(add_help=True).parse_args(argv)  # help, or what is missing
    settings = read_settings(first.run)
    module = import_module(EXPORTERS[_architecture(first, settings)])
    parser = _first_parser(add_help=True)
    module.add_options(parser.add_argument_group(f"of {module.__name__.split('.')[1]}"))
    args = parser.parse_args(argv)
    export(args, _architecture(args, settings), settings, module)


def export(args: argparse.Namespace, architecture: str, settings: dict, module) -> None:
    model_id = args.id or (PUBLISHED_IDS.get(architecture, architecture) if args.bundle else None)
    if model_id is None or (args.output is None) != args.bundle:
        raise InputError("an export without its destination", "-o FILE and --id ID, or --bundle alone", "see `changescribe export --help`")
    if args.bundle:
        target = registry.RESOURCES / "weights" / f"{model_id}.safetensors"
    else:
        registry.verify_own_id(model_id)
        target = args.output
    data = args.data or Path(settings.get("data") or "../shared/data")
    wanted = Wanted(model_id, args.name or f"{model_id} ({architecture})", args.run, data, args.packing, args.gsd, args)
    built: Built | Path = module.build(wanted, target)
    if isinstance(built, Path):
        print(json.dumps({"folder": str(built), "id": model_id}))
        return
    card = write(built, wanted, target)
    if args.bundle:
        register(model_id, target, built, wanted, registry.RESOURCES)
        place = registry.RESOURCES / "cards" / card.name
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            place.write_text(card.read_text("utf-8"), "utf-8")
        card.unlink()
        card = place
    size_mb = round(target.stat().st_size / 1e6, 2)
    print(json.dumps({"file": str(target), "card": str(card), "id": model_id, "mb": size_mb, "parameters": built.parameters, "of": built.chosen}))


def _architecture(args: argparse.Namespace, settings: dict) -> str:
    found = args.architecture or settings.get("architecture")
    if found not in EXPORTERS:
        got = f"the run {args.run} of architecture {found!r}" if found else f"a run that names no architecture ({args.run})"
        raise InputError(got, "one of " + ", ".join(ARCHITECTURES), "name it with --architecture")
    return found


def _first_parser(add_help: bool = False) -> argparse.ArgumentParser:
    """The options that every architecture has; without help it only looks which architecture it is."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="changescribe export", description=__doc__, formatter_class=formatter, add_help=add_help)
    parser.add_argument(
        "run", metavar="RUN", type=Path, nargs=None if add_help else "?", help="folder of a training run; with --help its options too"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="safetensors file to write; a folder for a CCExpert trained whole")
    parser.add_argument("--id", help="id of your model: up to 40 lower-case letters, digits and hyphens, and no published model's")
    parser.add_argument("--name", help="what the list of models shows (default: ID and architecture)")
    parser.add_argument("--data", type=Path, help="data set whose validation pairs calibrate the change score (default: the run's)")
    text = "bytes: a quarter of the size; half; single: unquantised (default: bytes)"
    parser.add_argument("--packing", choices=PACKINGS, default="bytes", help=text)
    parser.add_argument("--gsd", metavar="METRES", type=float, help="ground size of a pixel as the model sees it (default: the data's)")
    parser.add_argument("--architecture", choices=EXPORTERS, help="of runs that do not say it themselves")
    parser.add_argument("--bundle", action="store_true", help="release a model of the project: writes into resources/; no -o")
    return parser


if __name__ == "__main__":
    main()
