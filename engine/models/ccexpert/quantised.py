"""The language model's matrices in 4 or 8 bits, where bitsandbytes is installed (Dettmers et al. 2022, 2023)."""

from __future__ import annotations

import sys
from typing import Any

from torch import nn

from ...contract.errors import InputError

# Of a matrix's element with its share of the scales: one of 4 bytes for 64 elements, one of 2 for each row.
BYTES = {4: 0.5 + 4 / 64, 8: 1.0}


def quantise(llm: nn.Module, bits: int) -> None:
    """Replace the linear layers of ``llm``; their values are quantised when the module is next moved to a device.

    Raises
    ------
    InputError
        bitsandbytes is not installed, or not for this machine.
    """
    bnb = _bitsandbytes(bits)
    for module in list(llm.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(module, name, _quantised(bnb, layer, bits))


def _quantised(bnb: Any, layer: nn.Linear, bits: int) -> nn.Module:
    sizes, weight = (layer.in_features, layer.out_features, layer.bias is not None), layer.weight.data
    if bits == 4:
        made = bnb.nn.Linear4bit(*sizes, compute_dtype=weight.dtype, quant_type="nf4", device="meta")
        made.weight = bnb.nn.Params4bit(weight, requires_grad=False, quant_type="nf4", module=made)
    else:
        made = bnb.nn.Linear8bitLt(*sizes, has_fp16_weights=False, threshold=6.0, device="meta")
        made.weight = bnb.nn.Int8Params(weight, requires_grad=False, has_fp16_weights=False)
    made.bias = layer.bias
    return made


def _bitsandbytes(bits: int) -> Any:
    try:
        import bitsandbytes
    except (ImportError, OSError, RuntimeError) as error:  # a library of CUDA's that does not load raises any of these
        do = f"{sys.executable} -m pip install bitsandbytes, or add the folder again without --bits"
        raise InputError(f"weights of {bits} bits without bitsandbytes ({error})", "the package bitsandbytes", do) from error
    return bitsandbytes
