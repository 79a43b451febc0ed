"""What one worker can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foolsgold.errors import SettingsError
from foolsgold.plan.constant import (
    BUS,
    DEVICE_SHARE,
    DISK,
    DRIVER,
    LOOKED_AT,
    MEASURED_CORE,
    MULTIPLIED,
    NETWORK_SHARE,
    START,
    UTILISATION,
    Constant,
    CoreRates,
)
from foolsgold.plan.device import Device, device_named

if TYPE_CHECKING:
    from foolsgold.plan.measure import MeasureSizes

_BITS = 8
_GIGA = 1e9
_LOOPBACK_GBIT = 80.0  # workers on one machine hand data on through its memory


@dataclass(frozen=True)
class Machine:
    """What one worker can do; without a device its cores encode and search.

    Attributes:
        cores: of each worker.
        device: its accelerator.
        memory_bytes: of the host, of each worker.
        network_gbit: Gbit/s of each worker's, and of the driver's, connection.
        core: what a core does.
        disk: bytes a second, of each worker.
        start: seconds until the engine's workers have started.
        driver: documents a second.
        utilisation: share of the tensor cores' peak that encoding reaches.
    """

    cores: int = 8
    device: Device | None = None
    memory_bytes: float = 64e9
    network_gbit: float = 10.0
    core: CoreRates = field(default=MEASURED_CORE, repr=False)
    disk: Constant = field(default=DISK, repr=False)
    start: Constant = field(default=START, repr=False)
    driver: Constant = field(default=DRIVER, repr=False)
    utilisation: Constant = field(default=UTILISATION, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.cores, bool) or not isinstance(self.cores, int) or self.cores < 1:
            raise SettingsError(f"cores is {self.cores!r}; it takes a whole number from 1 on.")
        for name in ("memory_bytes", "network_gbit"):
            if not 0 < getattr(self, name) < float("inf"):
                raise SettingsError(f"{name} is {getattr(self, name)}; it takes a number above 0.")
        if not 0 < self.utilisation.value <= 1:
            raise SettingsError(f"utilisation is {self.utilisation.value}; it takes a share above 0, up to 1.")

    @classmethod
    def of_device(
        cls, name: str, *, cores: int = 8, memory_bytes: float = 64e9, network_gbit: float = 10.0,
        utilisation: float | None = None,
    ) -> Machine:  # fmt: skip
        """A worker with an accelerator by its data sheet, or "cpu"; cores as measured in benchmarks.

        Raises:
            SettingsError: no such device, or a value out of its range.
        """
        reached = UTILISATION
        if utilisation is not None:
            reached = UTILISATION._replace(value=utilisation, source="as given: --utilisation")
        return cls(cores, device_named(name), memory_bytes, network_gbit, utilisation=reached)

    @classmethod
    def measured(
        cls, *, cores: int | None = None, start_seconds: float | None = None, single_process: bool = False,
        sizes: MeasureSizes | None = None,
    ) -> Machine:  # fmt: skip
        """This machine, by its own rates, which takes about three seconds to find out.

        Args:
            cores: of each worker; None is all that this process may use.
            start_seconds: until workers have started; None is what the benchmark took.
            single_process: rates of one process with all its threads, as the local engine runs, not all of which are
                busy all the time; else rates of as many tasks as there are cores, by processor time.
            sizes: how much is measured; with more than the default it takes longer, and is nearer to a large run.
        """
        import psutil

        from foolsgold.cores import n_cores
        from foolsgold.plan.measure import CoreClock, driver_rate, rates_of_core

        threaded = CoreClock(n_cores())
        clock = threaded if single_process else CoreClock()
        start = START if start_seconds is None else START._replace(value=start_seconds, source="as given")
        return cls(
            cores or n_cores(), None, float(psutil.virtual_memory().total), network_gbit=_LOOPBACK_GBIT,
            core=rates_of_core(clock, threaded, sizes), start=start, driver=driver_rate(CoreClock(1)),
        )  # fmt: skip

    @property
    def name(self) -> str:
        """As --device takes it."""
        return "cpu" if self.device is None else self.device.name

    @property
    def encoder(self) -> str:
        """What encodes and searches."""
        return "processor" if self.device is None else "GPU"

    @property
    def network(self) -> float:
        """Bytes a second of each worker's connection, as far as it is reached."""
        return self.network_gbit * _GIGA / _BITS * NETWORK_SHARE.value

    @property
    def device_bytes(self) -> float:
        """Device memory that vectors may take."""
        return 0.0 if self.device is None else DEVICE_SHARE.value * self.device.memory

    def encode_seconds(self, flops: float) -> float:
        """Of the model's forward passes."""
        if self.device is None:
            return flops / (self.core.encode.value * self.cores)
        return flops / (self.device.tensor * self.utilisation.value)

    def search_seconds(self, products: float, dim: int) -> float:
        """Of all scores of queries with documents, and of looking at them."""
        if self.device is None:
            return 2 * products * dim / (self.core.search.value * self.cores)
        multiplied = 2 * products * dim / (self.device.float32 * MULTIPLIED.value)
        return multiplied + products * LOOKED_AT.value / self.device.bandwidth

    def copy_seconds(self, n_bytes: float) -> float:
        """From the host to the device."""
        return 0.0 if self.device is None else n_bytes / (self.device.bus * BUS.value)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "device": self.name, "cores": self.cores, "memory_bytes": self.memory_bytes,
            "network_gbit": self.network_gbit, "utilisation": self.utilisation.value,
        }  # fmt: skip
