"""The weights on this machine: listing, adding and verifying them. The registry says what they must be."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from .. import registry
from ..contract.errors import ModelError, OutputError
from .installed import ARCHITECTURES, OWN_MEMBERS, OWN_MODELS, TRAINED_MEMBERS, described, own_rows, user_models_dir

# First bytes of a zip (torch.save) and of a pickle of protocol 2 to 5.
PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def listing() -> list[dict]:
    """Rows of the registry, each with ``available`` and the ``path`` of its weights or null."""
    found = []
    for row in registry.rows():
        try:
            path: str | None = str(registry.weights_path(row["id"]))
        except ModelError:
            path = None
        found.append({**row, "available": path is not None, "path": path})
    return found


def check(model_id: str) -> dict:
    """State of a model's weights: "ok", "missing" or "damaged", with the message of what is wrong."""
    state = {"id": model_id, "path": None, "state": "missing", "message": ""}
    try:
        state["path"] = str(registry.weights_path(model_id))
        state["state"] = "damaged"
        registry.verify(model_id)
    except ModelError as error:
        return state | {"message": str(error)}
    return state | {"state": "ok"}


def add(path: str, bits: int | None = None) -> dict:
    """Copy weights into the user's folder: published ones, known by their sha256, or what ``changescribe train`` has tuned of such.

    A folder is the base that a ccexpert needs, its file and the base beside it, or a whole CCExpert in the layout of the authors' release,
    which becomes a model of the user's;
    ``bits`` of the latter: 4 or 8, to quantise its language model when it is loaded.

    Any other file must name its architecture, one of ``installed.ARCHITECTURES``, as ``changescribe export`` writes it. Tuned and trained models
    keep the id in their card and are listed in the folder's ``models.json`` with their sha256; one of that id that was there is replaced.

    Returns
    -------
    dict
        ``id`` of the model and ``path`` of the copy.

    Raises
    ------
    ModelError
        Not a safetensors file, not the weights of a known model or architecture, or weights that do not load. OutputError: the folder cannot be
        written.
    """
    source = Path(path)
    if os.path.isdir(source):
        return _add_folder(source, bits)
    _verify_bits(source, bits)
    metadata = _check_format(source)
    digest = registry.sha256_of(source)
    row = next((row for row in registry.published() if row["sha256"] == digest), None)
    if row is None and "tuned_from" in metadata:
        return _add_own(source, digest, metadata)
    if row is None and "architecture" in metadata:
        return _add_own(source, digest, metadata | {"architecture": _verify_architecture(source, metadata)})
    if row is None:
        raise ModelError(
            f"{path} is not the published file of any known model (sha256 {digest[:12]}…), and names no architecture",
            "the weights of "
            + ", ".join(f"{row['id']} ({row['sha256'][:12]}…)" for row in registry.rows())
            + ", or what `changescribe export` wrote",
            "download the file again, use the version of ChangeScribe that it belongs to, or export your training run again",
        )
    return {"id": row["id"], "path": str(_copy(source, row["file"]))}


def _verify_architecture(source: Path, metadata: dict[str, str]) -> str:
    """The architecture that a file names, after its weights were loaded as such.

    Raises
    ------
    ModelError
        Not in the table, or the file does not load as it.
    """
    name = metadata["architecture"]
    row = described(name)
    if row is None:
        raise ModelError(
            f"{source} has the architecture {name!r}",
            "one of " + ", ".join(ARCHITECTURES) + ", or PACKAGE/NAME of an installed package",
            "update ChangeScribe, or export again",
        )
    if name == "ccexpert":  # its base may be added after it
        from ..models.ccexpert.captioner import read_metadata

        read_metadata(source)
        return name
    captioner = registry.class_named(row["class"]).from_checkpoint(str(source))
    if name in ARCHITECTURES and tuple(captioner.samplers) != tuple(row.get("samplers", ())):
        raise ModelError(f"{source} calls itself {name} and samples by {', '.join(captioner.samplers)}", f"weights of {name}", "export the run again")
    return name


def _verify_bits(source: Path, bits: int | None) -> None:
    if bits is not None:
        raise ModelError(f"{bits} bits for {source}", "the folder of a whole CCExpert", "leave out --bits")


def _add_folder(folder: Path, bits: int | None) -> dict:
    """Copy a base, a trained file with its base, or a whole model and its listing."""
    from ..models.ccexpert import folder as whole
    from ..models.ccexpert.captioner import read_metadata

    trained = whole.trained_in(folder)
    if trained is not None:
        added, base = add(str(trained), bits), folder / read_metadata(trained).base.folder
        return added if not base.is_dir() else added | {"base": _add_folder(base, None)["path"]}
    try:
        if whole.is_whole(folder):
            model_id = whole.own_id(folder)
            registry.verify_own_id(model_id)
            base = user_models_dir() / f"{model_id}-base"
            whole.copy_base(folder, base)
            with tempfile.TemporaryDirectory() as scratch:
                described = Path(scratch) / f"{model_id}.safetensors"
                whole.describe_whole(base, model_id, described, bits)
                return _add_own(described, registry.sha256_of(described), _check_format(described))
        _verify_bits(folder, bits)
        bases = {row["id"]: read_metadata(Path(row["path"])).base for row in listing() if row["available"] and row["class"].startswith("ccexpert.")}
        for model_id, wanted in bases.items():
            if all((folder / name).is_file() for name in wanted.files):
                whole.copy_base(folder, user_models_dir() / wanted.folder)
                return {"id": model_id, "path": str(user_models_dir() / wanted.folder)}
    except OSError as error:
        raise OutputError(f"{user_models_dir()} cannot be written ({error})", "a writable folder with room", "free space") from error
    need = "; ".join(f"the base of {model_id}: {', '.join(wanted.files)}" for model_id, wanted in bases.items())
    raise ModelError(
        f"{folder} holds no difference module of CCExpert, and is no base of an installed model",
        f"the authors' release of CCExpert{'; or ' + need if need else ''}",
        "add the ccexpert file first, then its base",
    )


def _add_own(source: Path, digest: str, metadata: dict[str, str]) -> dict:
    """Copy and list a tuned or trained model."""
    try:
        card, figures = json.loads(metadata["card"]), json.loads(metadata.get("figures", "{}"))
        model_id, name, gsd_m = card["id"], str(card["name"]), float(card.get("gsd_m", 0.5))
        if "tuned_from" in metadata:
            own = {"tuned_from": registry.row(metadata["tuned_from"])["id"], "trained_on": name}
        else:
            own = {"architecture": metadata["architecture"], "trained_on": str(figures.get("data", "")), "gsd_m": gsd_m, "metrics": dict(figures)}
    except (ValueError, KeyError, TypeError) as error:
        do = "tune or export again"
        raise ModelError(f"{source} has no readable model card ({error!r})", "what `changescribe train` or `export` has written", do) from error
    registry.verify_own_id(model_id)
    target = _copy(source, f"{model_id}.safetensors")
    row = {"id": model_id, "name": name, "sha256": digest, "bytes": source.stat().st_size} | own
    others = [
        {member: other[member] for member in (OWN_MEMBERS if "tuned_from" in other else TRAINED_MEMBERS)}
        for other in own_rows(registry.published())
        if other["id"] != model_id
    ]
    listing, part = target.with_name(OWN_MODELS), target.with_name(f".{OWN_MODELS}.part")
    try:
        part.write_text(json.dumps({"models": [*others, row]}, indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(part, listing)
    except OSError as error:
        raise OutputError(f"{listing} cannot be written ({error})", "a writable folder", "name another folder in CHANGESCRIBE_MODELS") from error
    return {"id": model_id, "path": str(target)}


def _copy(source: Path, file: str) -> Path:
    """Copy weights into the user's folder under another name; the copy's path."""
    folder = user_models_dir()
    target = folder / file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{file}.", delete=False) as part, source.open("rb") as stream:
            shutil.copyfileobj(stream, part)
        os.replace(part.name, target)  # a copy cut short never bears the name of the weights
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error})", "a writable folder", "free space, or name another folder in CHANGESCRIBE_MODELS"
        ) from error
    return target


def _check_format(path: Path) -> dict[str, str]:
    """The metadata of a file; refuses what is not safetensors with a configuration.

    Raises
    ------
    ModelError
        What the file is instead.
    """
    need, remedy = "a safetensors file whose metadata holds the model's configuration", "ask the publisher for the safetensors version"
    if not path.is_file():
        raise ModelError(f"{path} is not a file", need, "check the path")
    with path.open("rb") as stream:
        start = stream.read(4)
    if start.startswith(PICKLE_STARTS):
        raise ModelError(f"{path} is a pickled checkpoint, which can run any code when it is loaded", need, remedy)
    try:
        with safe_open(path, "np") as weights:
            metadata = weights.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a safetensors file ({error})", need, remedy) from error
    missing = [name for name in ("config", "card") if name not in metadata]
    if missing:
        raise ModelError(f"{path} has no {' and no '.join(missing)} in its metadata", need, remedy)
    return metadata
