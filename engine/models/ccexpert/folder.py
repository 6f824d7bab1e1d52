"""Folders of CCExpert's weights that a user adds: a base, or a whole model in the layout of the authors' release."""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from ...contract.errors import InputError, ModelError
from ..captioner import ModelCard
from .captioner import read_metadata
from .config import QWEN2_7B, SIGLIP, CCExpertConfig
from .prompt import END, END_OF_TEXT, START, TOKENIZER_FILE
from .weights import INDEX_FILE, Base, parts_of, tensors_of, tokenizer_folder, trained_metadata, weight_files

CONFIG_FILE = "config.json"
# Member of that file in a folder that training.ccexpert.export has written: the model's own configuration and its change score's calibration.
OWN = "changescribe"
TOKENIZER_FILES = (TOKENIZER_FILE, "vocab.json", "merges.txt")
SOURCE = "copy the folder of weights that the model was added from"
BATCH = 16  # tiles that a card's memory_mb speaks of


def trained_in(folder: Path) -> Path | None:
    """The trained file in a folder that holds one beside its base, or None."""
    for path in sorted(folder.glob("*.safetensors")):
        with suppress(ModelError):
            read_metadata(path)
            return path
    return None


def is_whole(folder: Path) -> bool:
    """Whether a folder holds a difference module, as the authors' release of CCExpert does.

    Raises
    ------
    ModelError
        No readable weights at all.
    """
    return any(name.startswith("difference.") for name, _ in tensors_of(folder))


def copy_base(folder: Path, target: Path) -> None:
    """Put weights and tokenizer of ``folder`` into ``target``; on one disk they are linked and take no room.

    Raises
    ------
    ModelError
        A folder without weights or without a tokenizer. OSError: the target cannot be written.
    """
    files = [path for part, _ in parts_of(folder) for path in (*weight_files(part), part / CONFIG_FILE, part / INDEX_FILE)]
    files += [tokenizer_folder(folder) / name for name in TOKENIZER_FILES]
    for path in files:
        place = target / path.relative_to(folder)
        if path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(path, place)
    _write_tokenizer(tokenizer_folder(target), folder)


def describe_whole(base: Path, model_id: str, target: Path, bits: int | None = None) -> None:
    """Write the trained file of a whole model: its description and no tensor, since ``base`` has all.

    Raises
    ------
    ModelError
        A config.json that is missing, or neither ours nor that of a Qwen2.
    """
    found, calibration, no_change = _described(base)
    config = replace(found, bits=bits)
    card = ModelCard(model_id, f"CCExpert, {model_id}", memory_mb=batch_mb(config))
    metadata = trained_metadata(config, Base.of(base, SOURCE), card.to_json(), calibration, no_change)
    save_file({}, target, metadata | {"tuned_from": "ccexpert"})


def _link_or_copy(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, part)
    os.replace(part, target)  # a copy cut short never bears the name of the weights


def _write_tokenizer(place: Path, source: Path) -> None:
    """Make the tokenizer.json of a folder that has only the older vocab.json and merges.txt."""
    if (place / TOKENIZER_FILE).is_file():
        return
    need, do = f"{TOKENIZER_FILE}, or vocab.json and merges.txt", "copy them from the download"
    if not (place / "vocab.json").is_file() or not (place / "merges.txt").is_file():
        raise ModelError(f"{source} has no tokenizer", need, do)
    from transformers import Qwen2TokenizerFast

    try:
        tokenizer = Qwen2TokenizerFast(str(place / "vocab.json"), str(place / "merges.txt")).backend_tokenizer
        tokenizer.add_special_tokens([END_OF_TEXT, START, END])  # Qwen2 has them in this order behind its vocabulary
        tokenizer.save(str(place / TOKENIZER_FILE))
    except Exception as error:  # tokenizers raises Exception itself
        raise ModelError(f"the tokenizer of {source} cannot be read ({error})", need, do) from error


def own_id(folder: Path) -> str:
    """The id of a model of the user's: the one that ``changescribe export`` was given, else made of the folder's name."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((folder / CONFIG_FILE).read_text("utf-8"))[OWN]["id"])
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:40]


def batch_mb(config: CCExpertConfig) -> int:
    """Memory beside the weights of a batch of 16, MB: keys and values, and the widest intermediate results, of its prompts in float32."""
    text = config.text
    cached = 2 * text["num_hidden_layers"] * text["hidden_size"] * text["num_key_value_heads"] // text["num_attention_heads"]
    tokens = 2 * config.tokens_per_image + 64
    return BATCH * tokens * 4 * (cached + 4 * text["intermediate_size"]) // 10**6


def _described(folder: Path) -> tuple[CCExpertConfig, dict[str, float], list[str]]:
    """Configuration and calibration by a config.json of ours, or of LLaVA-NeXT, whose vocabulary is that of its embeddings: the file has it wrong."""
    try:
        found = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        if OWN in found:
            own = found[OWN]
            return CCExpertConfig.from_json(own["config"]), dict(own["calibration"]), list(own.get("no_change", ()))
        sizes: dict[str, Any] = {name: found.get(name, default) for name, default in QWEN2_7B.items()} | {"hidden_size": int(found["hidden_size"])}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, InputError) as error:
        raise ModelError(f"{folder / CONFIG_FILE} cannot be read ({error!r})", "the configuration of the weights", "copy the whole folder") from error
    rows = next((tensor.get_shape()[0] for name, tensor in tensors_of(folder) if name == "llm.model.embed_tokens.weight"), None)
    sizes["vocab_size"] = rows or sizes["vocab_size"]
    return CCExpertConfig(SIGLIP, sizes, image_update="released", prompt="code"), {"temperature": 1.0, "bias": 0.0}, []
