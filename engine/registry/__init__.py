"""The models there are: resources/models.json, one row per model, and the files that the user has added.

Ids are permanent. Weights are safetensors checked by sha256; nothing is fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.errors import ModelError
from .installed import EXTERNAL_GROUP, how_to_install, is_own_id, own_rows, weights_in

if TYPE_CHECKING:
    from ..models.captioner import Captioner, ModelCard

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def rows() -> list[dict]:
    """The published models, then those of the user's own."""
    listed = published()
    return listed + own_rows(listed)


def published() -> list[dict]:
    """Rows of resources/models.json: id, name, class ("module:Class" under engine.models), file, sha256, licence, paper, trained_on, metrics.

    ``samplers`` of a model that draws samples: its samplers. ``questions`` true: it answers questions. ``bundled`` false: weights that the
    plugin's zip leaves out (``.ci/plugin.py``). ``objects`` of a model that draws masks: their weights' file, sha256 and bytes, and the ``kinds`` of
    change that they draw. The file writes ``sha256`` as "sha256:HEX": the plugin site takes quoted hex alone for a secret.
    """
    listed = json.loads((RESOURCES / "models.json").read_text("utf-8"))["models"]
    return [_plain_digests(entry) for entry in listed]


def _plain_digests(entry: dict) -> dict:
    """A row, or its part ``objects``, with bare sha256."""
    found = entry | {"sha256": entry.get("sha256", "").removeprefix("sha256:")}
    return found | {"objects": _plain_digests(found["objects"])} if "objects" in found else found


def row(model_id: str) -> dict:
    """The row of a model.

    Raises
    ------
    ModelError
        Unknown id; lists the known ones.
    """
    for entry in rows():
        if entry["id"] == model_id:
            return entry
    raise ModelError(f"unknown model {model_id!r}", "one of " + ", ".join(entry["id"] for entry in rows()), "see `changescribe models`")


def verify_own_id(model_id: str) -> None:
    """Raises ModelError where a model of the user's cannot be called so."""
    if not is_own_id(model_id, {entry["id"] for entry in published()}):
        need = "up to 40 lower-case letters, digits and hyphens, and no published model's id"
        raise ModelError(f"{model_id!r} as the id of a model of your own", need, "choose another name")


def weights_path(model_id: str) -> Path:
    """Path of a model's weights, bundled or added.

    Raises
    ------
    ModelError
        The file is not there.
    """
    file = row(model_id)["file"]
    path = weights_in(RESOURCES, file)
    if path is None:
        raise ModelError(f"{model_id} is not installed: no weights", f"the file {file}", how_to_install(model_id, file))
    return path


def sha256_of(path: os.PathLike) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


@lru_cache(maxsize=8)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    """``sha256_of``, once for each state of a file."""
    return sha256_of(path)


def verify(model_id: str) -> Path:
    """Path of a model's weights after checking the sha256 of its row, and that of its mask weights where it has such.

    Raises
    ------
    ModelError
        Missing, unreadable or damaged file.
    """
    mask_path(model_id)
    return _verified(row(model_id), weights_path(model_id))


def mask_path(model_id: str) -> Path | None:
    """Path of the weights that draw a model's masks, checked as ``verify`` checks; None of a model that draws none."""
    entry = row(model_id).get("objects")
    if entry is None:
        return None
    file = entry["file"]
    path = weights_in(RESOURCES, file)
    if path is None:
        raise ModelError(f"{model_id} is not installed whole: it cannot draw masks", f"the file {file}", how_to_install(model_id, file))
    return _verified(entry, path)


def _verified(entry: dict, path: Path) -> Path:
    """The path of a file that has the row's sha256 and size; raises as ``verify``."""
    try:
        state = path.stat()
        size_fits = state.st_size == entry["bytes"]  # else not read: it may be of any size
        found = _digest(path, state.st_size, state.st_mtime_ns) if size_fits else ""
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})", "a readable file", "check its permissions and its disk") from error
    if found != entry["sha256"]:
        got = f"sha256 {found[:12]}…" if size_fits else f"{state.st_size} bytes"
        raise ModelError(
            f"{path} is damaged or not the published file ({got})",
            f"sha256 {entry['sha256'][:12]}…, {entry['bytes']} bytes",
            "reinstall the plugin, or add the published file again with `changescribe models add FILE`",
        )
    return path


def card(model_id: str) -> ModelCard:
    """The card in the metadata of a model's weights; the weights themselves are not read.

    Raises
    ------
    ModelError
        Unknown, missing or damaged, or a file without a card.
    """
    from safetensors import SafetensorError, safe_open

    from ..models.captioner import ModelCard

    path = verify(model_id)
    try:
        with safe_open(path, "np") as stream:
            card = ModelCard(**json.loads((stream.metadata() or {})["card"]))
        return replace(card, objects=tuple(map(tuple, row(model_id).get("objects", {}).get("kinds", ()))))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} has no readable model card ({error})", "the published weights", "see `changescribe models verify`") from error


def _class_of(model_id: str) -> type[Captioner]:
    return class_named(row(model_id)["class"])


def class_named(named: str) -> type[Captioner]:
    """The captioner of a row's ``class``: "module:Class" under engine.models, or an installed package's "changescribe.architectures:PACKAGE/NAME".

    Raises
    ------
    ModelError
        No package offers it, or what it offers is no captioner.
    """
    module, _, name = named.partition(":")
    if module == EXTERNAL_GROUP:
        return _external(name)
    return getattr(import_module(f"..models.{module}", __package__), name)


def _external(name: str) -> type[Captioner]:
    """A captioner that another package offers as an entry point; only packages that the user has installed have some."""
    from ..models.captioner import Captioner

    offered = list(entry_points(group=EXTERNAL_GROUP, name=name))
    if len(offered) != 1:
        got = f"the architecture {name}, offered by {len(offered)} installed packages"
        raise ModelError(got, "one package that offers it", f"install {name.partition('/')[0]} into the engine's Python ({sys.executable})")
    found = offered[0].load()
    if not isinstance(found, type) or not issubclass(found, Captioner):
        raise ModelError(f"{offered[0].value}, which is no captioner", "a subclass of engine.models.captioner.Captioner", "ask the package's author")
    return found


def weights_mb(model_id: str, device: str) -> int | None:
    """Memory that a model's weights will fill on a device, MB, as far as it says so; loads nothing.

    Raises
    ------
    ModelError
        Unknown, missing or damaged.
    """
    return _class_of(model_id).weights_mb(str(verify(model_id)), device)


def load(model_id: str, device: str = "cpu") -> Captioner:
    """Load a verified model onto a device ("cpu", "cuda", "mps"; ``engine.models.device`` turns "auto" into one).

    Raises
    ------
    ModelError
        Unknown, missing or damaged.
    """
    path = verify(model_id)
    if device == "cpu":
        import_module("..models.device", __package__).keep_freed_memory()
    captioner, masks = _class_of(model_id).from_checkpoint(str(path), device), mask_path(model_id)
    if masks is not None:
        captioner.draw_masks_with(str(masks))
    return captioner
