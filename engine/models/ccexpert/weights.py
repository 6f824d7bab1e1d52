"""Weights of CCExpert: a base folder of the parts that others have published, and one small file of what was trained for change.

Nothing is fetched: what is missing is named together with the folder that it belongs into.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ...contract.errors import ModelError
from ...registry.installed import user_models_dir
from ...registry.weights import pack, unpack
from ..device import cpu_has_bf16, half_precision
from .config import CCExpertConfig
from .names import own_name, tower_name
from .net import CCExpertNet
from .prompt import TOKENIZER_FILE
from .quantised import BYTES, quantise

INDEX_FILE = "model.safetensors.index.json"
# A base either has everything in one folder, or tower and language model in these two.
VISION, TEXT = "vision", "text"
WHOLE = 2**31  # parameters; from here on float32 on a CPU would take more memory than most have
PARTS = {"vision": "vision tower", "projector": "projector", "difference": "difference module", "llm": "language model"}
# One of the language model and one of each tower; small, and different in any two models.
MARKS = (
    "llm.model.norm.weight",
    "vision.vision_model.encoder.layers.0.layer_norm1.weight",
    "vision.encoder.layer.0.norm1.weight",
)
# transformers' LLaVA-OneVision adds rows behind the language model's own for tokens that CCExpert never has.
VOCABULARY = ("llm.model.embed_tokens.weight", "llm.lm_head.weight")
LORA = (".lora_A.", ".lora_B.")


@dataclass(frozen=True)
class Base:
    """The base folder that a trained file needs.

    folder : its name. files : of each file in it about how many bytes; other tools write other headers. source : how to get the files.
    marks : the first values of some parameters, by which another model of the same sizes is told.
    """

    folder: str
    files: dict[str, int]
    source: str
    marks: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, source: str) -> Base:
        """The base that a folder on this machine is."""
        files = [path for part, _ in parts_of(folder) for path in weight_files(part)] + [tokenizer_folder(folder) / TOKENIZER_FILE]
        sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
        return cls(folder.name, sizes, source, {name: _first(tensor) for name, tensor in tensors_of(folder) if name in MARKS})

    def find(self, beside: Path) -> Path:
        """The folder, next to the trained file or among the user's models.

        Raises
        ------
        ModelError
            Files that are missing, where they belong and how to get them.
        """
        places = (beside / self.folder, user_models_dir() / self.folder)
        place = next((place for place in places if place.is_dir()), places[-1])
        missing = [name for name in self.files if not (place / name).is_file()]
        if missing:
            raise ModelError(
                f"{place} lacks {', '.join(missing)}",
                ", ".join(f"{name} (about {size:,} bytes)" for name, size in self.files.items()),
                f"{self.source}; then put the files into {place}, by hand or with `changescribe models add FOLDER`",
            )
        return place

    def verify(self, net: CCExpertNet, place: Path) -> None:
        """Raises ModelError where the weights that ``net`` has from ``place`` are those of another model."""
        for name, values in self.marks.items():
            found = _first(net.get_parameter(name))
            if not torch.allclose(torch.tensor(found), torch.tensor(values), rtol=0.02, atol=1e-4):  # what a save in half precision rounds
                raise ModelError(f"{place} holds another model ({name} begins with {found[0]:.4g}, not {values[0]:.4g})", self.source, "replace it")


def weights_dtype(device: str, parameters: int) -> torch.dtype:
    """What a model of so many parameters computes in."""
    if device != "cpu":
        return half_precision(device) or torch.float32
    return torch.bfloat16 if parameters >= WHOLE or cpu_has_bf16() else torch.float32


def count_parameters(config: CCExpertConfig) -> int:
    """Of the whole model; allocates nothing."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in CCExpertNet(config).parameters())


def weights_bytes(config: CCExpertConfig, device: str) -> int:
    """Memory that the weights fill on a device; allocates nothing."""
    with torch.device("meta"):
        net = CCExpertNet(config)
    total = sum(parameter.numel() for parameter in net.parameters())
    linear = sum(layer.weight.numel() for layer in net.llm.model.modules() if isinstance(layer, nn.Linear)) if config.bits is not None else 0
    return round((total - linear) * weights_dtype(device, total).itemsize + linear * BYTES.get(config.bits or 0, 0))


def build(config: CCExpertConfig, dtype: torch.dtype = torch.float32, device: str = "cpu") -> CCExpertNet:
    """A network whose weights hold whatever the memory held: drawing two billion random numbers only to overwrite them takes minutes."""
    from transformers.modeling_utils import no_init_weights

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with no_init_weights(), torch.device(device):
            net = CCExpertNet(config).eval()
        net.llm.tie_weights()  # left out without an initialisation
        return net
    finally:
        torch.set_default_dtype(before)


def parts_of(folder: Path) -> list[tuple[Path, Callable[[str], str]]]:
    """Folders of weights in a base, and how their tensors are called by us."""
    if (folder / VISION).is_dir() or (folder / TEXT).is_dir():
        return [(folder / VISION, tower_name), (folder / TEXT, own_name)]
    return [(folder, own_name)]


def tokenizer_folder(base: Path) -> Path:
    return base / TEXT if (base / TEXT).is_dir() else base


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder, all shards of an index.

    Raises
    ------
    ModelError
        None, or shards missing.
    """
    need = f"model.safetensors, or the shards that {INDEX_FILE} lists"
    if (folder / INDEX_FILE).is_file():
        try:
            names = sorted(set(json.loads((folder / INDEX_FILE).read_text("utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError, OSError) as error:
            raise ModelError(f"{folder / INDEX_FILE} cannot be read ({error!r})", need, "copy it again") from error
    else:
        names = [path.name for path in sorted(folder.glob("*.safetensors"))]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing or not names:
        pickled = " and only pickled weights, which can run any code when loaded" if not names and list(folder.glob("*.bin")) else ""
        raise ModelError(f"{folder} has no {', '.join(missing) or 'safetensors file'}{pickled}", need, f"copy the missing files into {folder}")
    return [folder / name for name in names]


def tensors_of(folder: Path) -> Iterator[tuple[str, Any]]:
    """Our names of all tensors of a base, each with safetensors' slice of it, which reads nothing before it is asked.

    Raises
    ------
    ModelError
        No weights, or unreadable ones.
    """
    for part, called in parts_of(folder):
        for path in weight_files(part):
            with _opened(path) as stream:
                for name in stream.keys():  # noqa: SIM118 (no mapping)
                    yield called(name), stream.get_slice(name)


def load_base(net: CCExpertNet, folder: Path) -> set[str]:
    """Copy all of a base's weights that the network has a place for, whatever of the known layouts they are in.

    Layers of the tower after the last level, its pooling head and a second copy of tied embeddings have no place.

    Returns
    -------
    names of the parameters that were filled

    Raises
    ------
    ModelError
        No weights, unreadable ones, or of another size.
    """
    own, filled = _parameters(net), set()
    for name, tensor in tensors_of(folder):
        if name in own:
            rows = own[name].shape[0] if name in VOCABULARY else None
            _copy(own[name], tensor[:rows], f"{name} of {folder}")
            filled.add(name)
    return filled


def verify_filled(net: CCExpertNet, filled: Collection[str], base: Path, parts: Collection[str] = tuple(PARTS)) -> None:
    """Raises ModelError where one of ``parts`` has a weight that is not among the ``filled`` and would stay what the memory held."""
    missing = [name for name, _ in net.named_parameters() if name not in filled and name.split(".")[0] in parts]
    if missing:
        wanted = ", ".join(PARTS[part] for part in parts)
        raise ModelError(f"{base} lacks {len(missing)} weights, among them {missing[0]}", wanted, "copy the whole folder again")


def trained_state(net: CCExpertNet) -> dict[str, Tensor]:
    """What training for change makes: difference module, projector and LoRA adapters, also where peft has put them into ``net.llm``."""
    return {
        name.replace(".default.", "."): parameter.detach()
        for name, parameter in net.named_parameters()
        if name.startswith(("difference.", "projector.")) or any(mark in name for mark in LORA)
    }


def load_trained(net: CCExpertNet, state: Mapping[str, Tensor]) -> set[str]:
    """Copy what ``trained_state`` has given.

    Adapters go into peft's layers where ``net`` has such; else they are merged, W + alpha / rank · B A, and cost nothing from then on.

    Returns
    -------
    names of the parameters that were filled, without the merged ones
    """
    own, filled = _parameters(net), set()
    for name, tensor in state.items():
        layered = name.replace(".lora_A.", ".lora_A.default.").replace(".lora_B.", ".lora_B.default.")
        if layered in own:
            _copy(own[layered], tensor, name)
            filled.add(layered)
        elif ".lora_A." in name:
            _merge(net, own, name.split(".lora_A.")[0], tensor, state[name.replace(".lora_A.", ".lora_B.")])
        elif ".lora_B." not in name:
            raise ModelError(f"the weight {name}", "one of the difference module, the projector or an adapter", "use the version it belongs to")
    return filled


def _parameters(net: CCExpertNet) -> dict[str, nn.Parameter]:
    """Parameters by the names that they have without peft."""
    return {name.replace(".base_layer.", "."): parameter for name, parameter in net.named_parameters()}


def _merge(net: CCExpertNet, own: Mapping[str, nn.Parameter], layer: str, a: Tensor, b: Tensor) -> None:
    if net.config.lora is None or f"{layer}.weight" not in own:
        raise ModelError(f"an adapter of {layer}", "a configuration with lora, and such a layer", "use the configuration that it was trained with")
    weight = own[f"{layer}.weight"]
    product = net.config.lora.alpha / net.config.lora.rank * b.float() @ a.float()
    with torch.no_grad():
        weight.add_(product.to(weight.device, weight.dtype))


def save_trained(
    path: Path, state: Mapping[str, Tensor], config: CCExpertConfig, base: Base, card: Mapping[str, Any], calibration: Mapping[str, float]
) -> None:
    """Write a ``trained_state`` packed (``engine.registry.weights``), with all that ``CCExpertCaptioner`` needs beside the base."""
    metadata = trained_metadata(config, base, card, calibration)
    save_file({name: tensor.cpu() for name, tensor in pack(state).items()}, path, metadata=metadata)


def trained_metadata(
    config: CCExpertConfig, base: Base, card: Mapping[str, Any], calibration: Mapping[str, float], no_change: Sequence[str] = ()
) -> dict[str, str]:
    """The metadata of a trained file, which ``captioner.read_metadata`` reads. no_change : sentences for no change, where they are not LEVIR-CC's."""
    members: dict[str, Any] = {"config": config.to_json(), "base": vars(base), "card": dict(card), "calibration": dict(calibration)}
    members |= {"no_change": list(no_change)} if no_change else {}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in members.items()}


def load_net(config: CCExpertConfig, base: Path, trained: Mapping[str, Tensor], device: str = "cpu") -> CCExpertNet:
    """The network of a base folder and packed trained weights.

    Raises
    ------
    ModelError
        Weights missing, unreadable or of other sizes.
    """
    # What is quantised must never be on the device as a whole.
    net = build(config, weights_dtype(device, count_parameters(config)), device if config.bits is None else "cpu")
    filled = load_base(net, base) | load_trained(net, unpack(trained))
    verify_filled(net, filled, base)
    if config.bits is not None:
        quantise(net.llm.model, config.bits)
    return net.to(device)


def _copy(parameter: nn.Parameter, tensor: Tensor, where: str) -> None:
    if parameter.shape != tensor.shape:
        raise ModelError(f"{where} of shape {tuple(tensor.shape)}", f"{tuple(parameter.shape)}", "use the weights that the configuration belongs to")
    with torch.no_grad():
        parameter.copy_(tensor)


def _first(values: Any) -> list[float]:
    """The first values of a tensor of one dimension."""
    return values[:8].tolist()


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, "pt")
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read ({error})", "a whole safetensors file", "copy it again") from error
