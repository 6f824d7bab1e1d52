"""Backward pass of depthwise convolutions with frozen kernels, as forward convolutions.

oneDNN's bf16 backward of a 5×5 depthwise convolution takes about 30 times its forward on a CPU (seen on AVX512-BF16: 120 ms against
3 ms at 32×672×16×16) and eats most of a training step. With the kernels frozen the gradient of the input is all that is needed,
and that is a convolution with the flipped kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.models.efficientnet import SameConv


class _FrozenDepthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight.to(x.dtype), bias.to(x.dtype), stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx, grad: Tensor):
        (weight,) = ctx.saved_tensors
        bias_grad = grad.sum((0, 2, 3), dtype=torch.float32)
        if ctx.stride > 1:  # the forward's skipped positions get zeros
            n, c, h, w = grad.shape
            spread = grad.new_zeros(n, c, (h - 1) * ctx.stride + 1, (w - 1) * ctx.stride + 1).contiguous(memory_format=torch.channels_last)
            spread[:, :, :: ctx.stride, :: ctx.stride] = grad
            grad = spread
        padding = weight.shape[-1] - 1 - ctx.padding
        x_grad = F.conv2d(grad, weight.flip(2, 3).to(grad.dtype), padding=padding, groups=len(weight))
        return x_grad, None, bias_grad, None, None


class FrozenDepthwise(SameConv):
    """SameConv's depthwise form with a frozen kernel and a trained bias."""

    def forward(self, x: Tensor) -> Tensor:
        if self.same_pad:
            x = F.pad(x, self.same_pad)
        return _FrozenDepthwise.apply(x, self.weight, self.bias, self.stride[0], self.padding[0])


def freeze_depthwise(encoder: nn.Module) -> None:
    """Freeze every depthwise kernel and take the fast backward pass; weights and names stay as they are."""
    for module in encoder.modules():
        if isinstance(module, SameConv) and module.groups > 1:
            module.weight.requires_grad_(False)
            module.__class__ = FrozenDepthwise
