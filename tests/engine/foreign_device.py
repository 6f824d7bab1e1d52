"""A GPU that is not there: tensors that compute shapes alone, lie on another device, and refuse to be mixed with those on the CPU.

The device is PyTorch's "meta" under ``FakeTensorMode``. A CUDA device would do the same, but a PyTorch built for the CPU cannot even index a tensor
on it.
``Foreign`` notes every float64 that comes to lie there, which Apple's GPUs do not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.overrides import TorchFunctionMode

DEVICE = torch.device("meta")


class Foreign(TorchFunctionMode):
    """Within it copies to and from the device give fake tensors there and here. doubles : what made a float64 there."""

    def __init__(self, fake: FakeTensorMode):
        self.fake = fake
        self.doubles: list[str] = []

    def place(self, tensor: Tensor, device: torch.device = DEVICE, dtype: torch.dtype | None = None) -> Tensor:
        """A fake tensor of the same shape on a device."""
        shape = torch.empty_strided(tensor.shape, tensor.stride(), dtype=dtype or tensor.dtype, device="meta", requires_grad=tensor.requires_grad)
        return FakeTensor(self.fake, shape, device)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.Tensor.cpu:
            func, kwargs = torch.Tensor.to, {"device": torch.device("cpu")}
        if func is torch.Tensor.tolist and not isinstance(args[0], FakeTensor):  # known beforehand, on the CPU
            with unset_fake_temporarily():
                return args[0].detach().tolist()
        device, dtype = _wanted(args[1:], kwargs) if func is torch.Tensor.to else (None, None)
        if device is not None and device != args[0].device:
            found = self.place(args[0], device, dtype)
            if torch.float64 in (args[0].dtype, found.dtype) and args[0].dtype != found.dtype:
                self.doubles.append("a copy that changes the type from or to float64")  # done on the GPU in one of the two directions
        else:
            found = func(*args, **kwargs)
        for tensor in found if isinstance(found, (tuple, list)) else (found,):
            if isinstance(tensor, Tensor) and tensor.device == DEVICE and tensor.dtype == torch.float64:
                self.doubles.append(getattr(func, "__name__", str(func)))
        return found


def _wanted(args, kwargs) -> tuple[torch.device | None, torch.dtype | None]:
    """Device and type of the arguments of ``Tensor.to``."""
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    for value in args:
        if isinstance(value, Tensor):
            return value.device, value.dtype
        if isinstance(value, torch.dtype):
            dtype = value
        elif isinstance(value, (str, torch.device)):
            device = value
    return None if device is None else torch.device(device), dtype


@contextmanager
def foreign() -> Iterator[Foreign]:
    with FakeTensorMode(allow_non_fake_inputs=True) as fake, Foreign(fake) as mode:
        yield mode


def move(module: nn.Module, mode: Foreign) -> nn.Module:
    """All parameters and buffers of a module onto the device that is not there."""
    for part in module.modules():
        for name, value in list(part._parameters.items()):
            if value is not None:
                part._parameters[name] = nn.Parameter(mode.place(value.detach()), requires_grad=value.requires_grad)
        for name, value in list(part._buffers.items()):
            if value is not None:
                part._buffers[name] = mode.place(value)
    return module
