"""Devices: which one computes, and what this processor can do."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import NamedTuple

import torch

# Parameters of glibc's mallopt (malloc.h).
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8


class Device(NamedTuple):
    """A device that has computed, and why it is not the one that was asked for ("" where it is)."""

    name: str
    note: str


def choose(wanted: str) -> Device:
    """Turn "auto", "cpu", "cuda" or "mps" into a device that passed a small forward pass.

    A GPU that is missing or does not compute gives the CPU and the reason.
    """
    if wanted == "cpu":
        return Device("cpu", "")
    names = [name for name in ("cuda", "mps") if wanted in ("auto", name)]
    reasons = []
    for name in names:
        reason = why_not(name)
        if not reason:
            return Device(name, "")
        # Without a GPU "auto" is the CPU and nothing is amiss; a GPU that is there and fails is worth a word.
        if wanted != "auto" or is_available(name):
            reasons.append(f"{name} cannot be used ({reason}); the CPU computes instead")
    return Device("cpu", "; ".join(reasons))


def is_available(name: str) -> bool:
    """Whether torch sees such a device; it may still fail to compute."""
    if name == "cuda":
        return torch.cuda.is_available()
    if name == "mps":
        return torch.backends.mps.is_available()
    return name == "cpu"


def why_not(name: str) -> str:
    """Prove a device by a small convolution whose result is known; "" or the reason why it fails."""
    if not is_available(name):
        return "this PyTorch finds none; it needs a GPU, its driver and a PyTorch build for it"
    try:
        with torch.inference_mode():
            ones = torch.ones(1, 3, 16, 16, device=name)
            value = float(torch.nn.functional.conv2d(ones, torch.ones(8, 3, 3, 3, device=name)).sum())
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # a driver or build that does not match: torch raises any of these
        return f"{type(error).__name__}: {error}".splitlines()[0]
    expected = 8.0 * 14 * 14 * 27
    return "" if value == expected else f"it computed {value} in place of {expected}"


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def leave_a_core() -> None:
    """Keep one core free for QGIS; on one or two cores that would cost too much."""
    if cores() > 2:
        torch.set_num_threads(min(torch.get_num_threads(), cores() - 1))


@lru_cache(maxsize=1)
def cpu_threads() -> int:
    """Threads that PyTorch computes with. Asked for once: each thread of a program has its own number, and new ones take the last that was set."""
    return torch.get_num_threads()


def free_memory_mb(chosen: torch.device) -> float | None:
    """Memory that a device has free, MB; None where the system does not say."""
    if chosen.type == "cuda":
        return torch.cuda.mem_get_info(chosen)[0] / 1e6
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            kilobytes = {name: value for name, value in (line.split(":", 1) for line in stream)}
        return int(kilobytes["MemAvailable"].split()[0]) / 1e3
    except (OSError, KeyError, ValueError):
        return None


def cpu_has_bf16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (AVX512-BF16 or AMX); without it bf16 is slower than fp32."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def half_precision(kind: str) -> torch.dtype | None:
    """The 16-bit type in which a device ("cpu", "cuda", "mps") computes well, or None: float32.

    bfloat16 first, since it has float32's range. A GPU has to pass a matrix product whose result is known; a CPU must have the type in hardware.
    """
    if kind == "cpu":
        return torch.bfloat16 if cpu_has_bf16() else None
    return _probed(kind) if is_available(kind) else None


@lru_cache(maxsize=4)
def _probed(kind: str) -> torch.dtype | None:
    """The first 16-bit type in which a GPU multiplies two matrices as it should."""
    for dtype in (torch.bfloat16, torch.float16):
        try:
            with torch.inference_mode():
                product = torch.full((16, 16), 3.0, dtype=dtype, device=kind) @ torch.full((16, 16), 2.0, dtype=dtype, device=kind)
            if bool((product.float().cpu() == 96.0).all()) and (kind != "cuda" or dtype != torch.bfloat16 or _multiplies_bf16()):
                return dtype
        except (RuntimeError, TypeError, AssertionError, NotImplementedError):  # the device or its build lacks the type
            continue
    return None


def _multiplies_bf16() -> bool:
    """Whether the GPU has bfloat16 in hardware; older ones emulate it, slower than float16."""
    return torch.cuda.is_bf16_supported(including_emulation=False)


def mixed_precision(device: torch.device, enabled: bool = True) -> AbstractContextManager:
    """Autocast to a device's ``half_precision``; nothing where it has none. For training, bfloat16 alone: float16 would need loss scaling."""
    dtype = half_precision(device.type) if enabled else None
    return torch.autocast(device.type, torch.bfloat16) if dtype == torch.bfloat16 else nullcontext()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run small operations on one thread.

    A decoder's step is hundreds of operations of microseconds each; on several threads each of them waits for the slowest, and where
    other programs use the processor too (QGIS drawing the map) that wait is a time slice. And on another number of threads PyTorch takes
    other routines, which round otherwise.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def keep_freed_memory() -> bool:
    """Have glibc keep freed memory for the next batch instead of returning it to the system; True where it could be set.

    A network's intermediate results are tens of megabytes, which glibc maps and unmaps at each use. Without the page faults scribe-s
    encodes 30 % more pairs a second (86 against 65 on two cores), for about 15 % more peak memory (820 against 690 MB, batches of 16).
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1)) and bool(mallopt(M_ARENA_MAX, 1))
