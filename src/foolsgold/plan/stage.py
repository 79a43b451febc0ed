"""One stage of a planned run."""

from __future__ import annotations

from typing import Any, NamedTuple

from foolsgold.plan.constant import Constant


class Stage(NamedTuple):
    """What a stage takes.

    Attributes:
        name: of the stage.
        seconds_by: seconds by what takes them, side by side: the stage takes as long as the longest.
        worker_bytes: host memory of each worker while it runs.
        device_bytes: memory of each worker's device.
        driver_bytes: memory of the driver.
        disk_bytes: written, in sum.
        network_bytes: sent, in sum.
        constants: that these numbers rest on.
    """

    name: str
    seconds_by: dict[str, float]
    worker_bytes: float = 0.0
    device_bytes: float = 0.0
    driver_bytes: float = 0.0
    disk_bytes: float = 0.0
    network_bytes: float = 0.0
    constants: tuple[Constant, ...] = ()

    @property
    def seconds(self) -> float:
        """As long as the slowest of what runs side by side."""
        return max(self.seconds_by.values())

    @property
    def bound_by(self) -> str:
        """What takes longest."""
        return max(self.seconds_by, key=self.seconds_by.__getitem__)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, constants apart."""
        return {**self._asdict(), "constants": [one.name for one in self.constants], "seconds": self.seconds,
                "bound_by": self.bound_by}  # fmt: skip
