"""The models there are: resources/models.json, one row a model, and the user's own added files.

Ids are permanent. Weights are safetensors checked by sha256; nothing is fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ModelError

if TYPE_CHECKING:
    from .captioner import Captioner, ModelCard

RESOURCES = Path(__file__).resolve().parent.parent / "resources"


def user_models_dir() -> Path:
    """Folder of weights that a user added (CHANGESCRIBE_MODELS, else ~/.local/share/changescribe/models or its like)."""
    if os.environ.get("CHANGESCRIBE_MODELS"):
        return Path(os.environ["CHANGESCRIBE_MODELS"])
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "changescribe" / "models"


def rows() -> list[dict]:
    """Rows of resources/models.json: id, name, class ("module:Class" under engine.models), file, sha256, licence, paper, trained_on, metrics."""
    return json.loads((RESOURCES / "models.json").read_text("utf-8"))["models"]


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


def weights_path(model_id: str) -> Path:
    """Path of a model's weights, bundled or added.

    Raises
    ------
    ModelError
        The file is not there.
    """
    entry = row(model_id)
    for folder in (RESOURCES / "weights", user_models_dir()):
        path = folder / entry["file"]
        if path.is_file():
            return path
    raise ModelError(
        f"no weights of {model_id!r}", f"the file {entry['file']}", f"put it into {user_models_dir()} with `changescribe models add FILE`"
    )


def sha256_of(path: os.PathLike) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def verify(model_id: str) -> Path:
    """Path of a model's weights after checking the sha256 of its row.

    Raises
    ------
    ModelError
        Missing or damaged file.
    """
    entry, path = row(model_id), weights_path(model_id)
    found = sha256_of(path)
    if found != entry["sha256"]:
        raise ModelError(
            f"{path} is damaged or not the published file (sha256 {found[:12]}…)",
            f"sha256 {entry['sha256'][:12]}…",
            "reinstall the plugin, or add the published file again with `changescribe models add FILE`",
        )
    return path


def card(model_id: str) -> ModelCard:
    """The card in the metadata of a model's weights; the weights themselves are not read.

    Raises
    ------
    ModelError
        Unknown or missing, or a file without a card.
    """
    from safetensors import SafetensorError, safe_open

    from .captioner import ModelCard

    path = weights_path(model_id)
    try:
        with safe_open(path, "np") as stream:
            return ModelCard(**json.loads((stream.metadata() or {})["card"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} has no readable model card ({error})", "the published weights", "see `changescribe models verify`") from error


def load(model_id: str, device: str = "cpu") -> Captioner:
    """Load a verified model onto a device ("cpu", "cuda", "mps"; ``engine.device`` turns "auto" into one).

    Raises
    ------
    ModelError
        Unknown, missing or damaged.
    """
    path = verify(model_id)
    module, _, name = row(model_id)["class"].partition(":")
    captioner_class = getattr(import_module(f"{__package__}.models.{module}"), name)
    if device == "cpu":
        import_module(f"{__package__}.device").keep_freed_memory()
    return captioner_class.from_checkpoint(str(path), device)
