"""Accelerators, by their data sheets."""

from __future__ import annotations

from typing import NamedTuple

from foolsgold.errors import SettingsError
from foolsgold.plan.constant import Constant


class Device(NamedTuple):
    """One accelerator, by its data sheet.

    Attributes:
        name: as --device takes it.
        data_sheet: where the numbers are from.
        tensor: FLOP/s of its tensor cores in float16, dense: data sheets often give twice as many, "with sparsity".
        float32: FLOP/s outside tensor cores, in which search multiplies, since its result is exact.
        bandwidth: bytes of its memory a second.
        memory: bytes.
        bus: bytes a second from the host, one way.
    """

    name: str
    data_sheet: str
    tensor: float
    float32: float
    bandwidth: float
    memory: float
    bus: float

    def constants(self) -> tuple[Constant, ...]:
        """Its numbers, with their source."""
        source = f"data sheet: {self.data_sheet}"
        return (
            Constant(f"{self.name}, float16 tensor cores, dense", self.tensor, "FLOP/s", source),
            Constant(f"{self.name}, float32", self.float32, "FLOP/s", source),
            Constant(f"{self.name}, memory bandwidth", self.bandwidth, "B/s", source),
            Constant(f"{self.name}, memory", self.memory, "B", source),
            Constant(f"{self.name}, bus from the host, one way", self.bus, "B/s", source),
        )


DEVICES = {
    device.name: device
    for device in (
        Device("t4", "NVIDIA T4", 65e12, 8.1e12, 320e9, 16e9, 16e9),
        Device("v100", "NVIDIA V100, SXM2, 32 GB", 125e12, 15.7e12, 900e9, 32e9, 16e9),
        Device("a10", "NVIDIA A10", 125e12, 31.2e12, 600e9, 24e9, 32e9),
        Device("a100", "NVIDIA A100, SXM, 80 GB", 312e12, 19.5e12, 2_039e9, 80e9, 32e9),
        Device("l4", "NVIDIA L4", 121e12, 30.3e12, 300e9, 24e9, 32e9),
        Device("l40s", "NVIDIA L40S", 362e12, 91.6e12, 864e9, 48e9, 32e9),
        Device("h100", "NVIDIA H100, SXM", 989e12, 67e12, 3_350e9, 80e9, 64e9),
        Device("h200", "NVIDIA H200, SXM", 989e12, 67e12, 4_800e9, 141e9, 64e9),
    )
}


def device_named(name: str) -> Device | None:
    """The accelerator of that name; None for cpu.

    Raises:
        SettingsError: there is none.
    """
    if name == "cpu":
        return None
    if name not in DEVICES:
        raise SettingsError(f"device is {name!r}; it takes one of cpu, {', '.join(DEVICES)}.")
    return DEVICES[name]
