"""Sizes, prompts and presets of CCExpert (arXiv 2411.11360)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...contract.errors import InputError

# Where the two images' tokens go in a prompt; both are replaced by ``tokens_per_image`` placeholders.
IMAGE_MARKS = ("<image1>", "<image2>")
QUESTION = "What difference happened from Image1 to Image2?"
# The paper's words, and those of the released inference script.
PROMPTS = {
    "paper": "This is Image1 <image1>. This is Image2 <image2>. {question}",
    "code": "This is the Image1 <image1>. This is the second Image2 <image2>.\n{question}",
}
BITS = (4, 8)
IMAGE_UPDATES = ("paper", "released")
TOWERS = ("siglip_vision_model", "dinov2")


@dataclass(frozen=True)
class LoraSizes:
    """Low-rank adapters of the language model (Hu et al. 2021): W + alpha / rank · B A on the linear layers called so."""

    rank: int
    alpha: float
    targets: tuple[str, ...]


@dataclass(frozen=True)
class CCExpertConfig:
    """All of a CCExpert; saved in the weights' metadata.

    vision : of transformers' configuration of the tower, with its ``model_type``. text : of transformers' ``Qwen2Config``.
    levels : the tower's layers, counted from 1, whose outputs the difference module takes; layers after the last one are not built.
    heads, mlp, change_layers : of the difference module.
    image_update : the last step of a change-aware layer, see ``difference.ChangeAwareLayer``.
    level_pool : side to which the tower's grid of tokens is averaged before the difference module; None leaves it.
    pool : side to which each image's grid of tokens is averaged before the projector; None leaves it.
    prompt : key of ``PROMPTS``. lora : adapters of the language model; None for none.
    bits : 4 or 8, for the language model's matrices quantised by bitsandbytes as they are loaded; None for none.
    image_px, mean, std : how the tower wants its pixels (side, and of values 0..1).
    max_new_tokens : length of the longest answer.
    """

    vision: dict[str, Any]
    text: dict[str, Any]
    levels: tuple[int, ...] = (17, 20, 23, 26)
    heads: int = 9
    mlp: int = 4608
    change_layers: int = 2
    image_update: str = "paper"
    level_pool: int | None = None
    pool: int | None = None
    prompt: str = "paper"
    lora: LoraSizes | None = None
    bits: int | None = None
    image_px: int = 384
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    max_new_tokens: int = 64

    def __post_init__(self):
        for name, known in (("prompt", tuple(PROMPTS)), ("image_update", IMAGE_UPDATES)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} {getattr(self, name)!r}", "one of " + ", ".join(known), "correct the configuration")
        if self.vision.get("model_type") not in TOWERS:
            raise InputError(f"vision tower {self.vision.get('model_type')!r}", "one of " + ", ".join(TOWERS), "correct the configuration")
        if self.width % self.heads or self.width % 4:
            raise InputError(f"a tower {self.width} wide with {self.heads} heads", "a multiple of the heads and of 4", "correct the configuration")
        if self.bits not in (None, *BITS):
            raise InputError(f"weights of {self.bits} bits", "4 or 8, or none for unquantised ones", "correct the configuration")
        if not self.levels or list(self.levels) != sorted(set(self.levels)) or self.levels[0] < 1:
            raise InputError(f"levels {self.levels}", "layers of the tower, ascending from 1", "correct the configuration")
        for name, largest in (("level_pool", self.tower_side), ("pool", self.side)):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= largest:
                raise InputError(f"{name} {value} of a grid of {largest}", f"1 to {largest}", "correct the configuration")

    @property
    def width(self) -> int:
        """Channels of the vision tower and of the difference module."""
        return self.vision["hidden_size"]

    @property
    def tower_side(self) -> int:
        """Tokens along one side of an image as the tower gives them."""
        return self.image_px // self.vision["patch_size"]

    @property
    def side(self) -> int:
        """Tokens along one side of an image in the difference module."""
        return self.level_pool or self.tower_side

    @property
    def tokens_per_image(self) -> int:
        """Tokens of an image that the language model reads."""
        return (self.pool or self.side) ** 2

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> CCExpertConfig:
        """The inverse of ``to_json``, after JSON has made lists of tuples.

        Raises
        ------
        InputError
            Sizes that do not fit. TypeError: unknown members.
        """
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}
        if values.get("lora") is not None:
            lora = values["lora"]
            values["lora"] = LoraSizes(lora["rank"], lora["alpha"], tuple(lora["targets"]))
        return cls(**values)


IMAGENET: dict[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
# SigLIP-so400m-patch14-384 as LLaVA-OneVision has it: 26 of 27 layers, no pooling head.
SIGLIP: dict[str, Any] = {
    "model_type": "siglip_vision_model",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 26,
    "num_attention_heads": 16,
    "image_size": 384,
    "patch_size": 14,
    "vision_use_head": False,
}
DINOV2_SMALL: dict[str, Any] = {
    "model_type": "dinov2",
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "image_size": 518,
    "patch_size": 14,
}
QWEN2_HALF_B: dict[str, Any] = {
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "max_position_embeddings": 32768,
    "rope_theta": 1000000.0,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
}
QWEN2_7B = QWEN2_HALF_B | {
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "tie_word_embeddings": False,
}
_TINY_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 56, "patch_size": 14}
_TINY_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 512,
}

# "ccexpert-0.5b" and "ccexpert-7b" are the published sizes; "ccexpert-small" is ours; "ccexpert-tiny" is for tests.
PRESETS = {
    "ccexpert-0.5b": CCExpertConfig(SIGLIP, QWEN2_HALF_B),
    "ccexpert-7b": CCExpertConfig(SIGLIP, QWEN2_7B),
    "ccexpert-small": CCExpertConfig(
        DINOV2_SMALL, QWEN2_HALF_B, levels=(5, 7, 9), heads=6, mlp=1536, level_pool=8, pool=4, image_px=224, max_new_tokens=40, **IMAGENET
    ),
    "ccexpert-tiny": CCExpertConfig(
        SIGLIP | _TINY_VISION, QWEN2_HALF_B | _TINY_TEXT, levels=(1, 2, 3, 4), heads=2, mlp=64, image_px=56, max_new_tokens=12
    ),
}
