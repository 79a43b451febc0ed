"""The connection to a Ray cluster: joining or starting one, and what it has."""

from __future__ import annotations

import logging
import os
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from foolsgold.cores import n_cores
from foolsgold.errors import MissingExtraError, SettingsError
from foolsgold.scale.ray_errors import REPEATS_WITHOUT_MEMORY, cluster_gone, no_nodes
from foolsgold.settings import MiningSettings
from foolsgold.size import parse_size

CLIENT = "ray://"
LOCAL, AUTO = "local", "auto"
_CLIENT_PORT, _PORT = 10001, 6379  # those that `ray start --head` takes
_CONNECT_SECONDS = 8.0  # for a host to take a connection
_GONE_SECONDS = 20.0  # without an answer of the head node; after 60 Ray itself ends the process, without a word
_NO_NODES_SECONDS = 600.0  # without any node to work on: spot instances come back
_IDLE_MS = "600000"  # before a process ends that has loaded libraries; a second by default
_LEAST_STORE_BYTES = 100_000_000  # of the object store; Ray takes no less than 75 MiB


@dataclass
class Cluster:
    """A Ray cluster that this process is connected to.

    Args:
        address: what messages call it.
        is_ours: whether the connection was made here, and ends here.
        is_local: whether it was started here for this run, so that no other machine belongs to it.
    """

    address: str
    is_ours: bool
    is_local: bool = False
    _answered: float = field(default_factory=time.monotonic)
    _had_nodes: float = field(default_factory=time.monotonic)

    def nodes(self) -> list[dict[str, Any]]:
        """Nodes alive that have CPUs or GPUs to work with, as `ray.nodes()` describes them."""
        alive = [node for node in _library().nodes() if node["Alive"]]
        able = [node for node in alive if node["Resources"].get("CPU", 0) or node["Resources"].get("GPU", 0)]
        return sorted(able, key=lambda node: str(node["NodeID"]))

    @property
    def is_client(self) -> bool:
        """Whether it is spoken to through a Ray client server, from outside."""
        return bool(_library().util.client.ray.is_connected())

    def n_cpus(self) -> int:
        """CPUs of all nodes."""
        return int(sum(node["Resources"].get("CPU", 0) for node in self.nodes()))

    def n_gpus(self) -> float:
        """GPUs of all nodes."""
        return float(sum(node["Resources"].get("GPU", 0) for node in self.nodes()))

    def places(self, n_actors: int, *, gpus: float) -> list[Any]:
        """A scheduling strategy for each of some actors: over the nodes, in proportion to their CPUs."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        cpus = {node["NodeID"]: node["Resources"].get("CPU", 0) for node in self.nodes()}
        cpus = {node: n for node, n in cpus.items() if n}
        if gpus or not cpus:
            return ["SPREAD"] * n_actors  # GPUs are counted by Ray
        taken = dict.fromkeys(cpus, 0)
        places = []
        for _ in range(n_actors):
            node = min(cpus, key=lambda node: (taken[node] + 1) / cpus[node])
            taken[node] += 1
            places.append(NodeAffinitySchedulingStrategy(node, soft=True))
        return places

    def check_gpus(self, wanted: float) -> None:
        """Refuse to wait for GPUs that are not there.

        Raises:
            SettingsError: more are wanted than the cluster has.
        """
        if wanted and wanted > (there := self.n_gpus()):
            raise SettingsError(
                f"{wanted:g} GPUs are asked for, and the Ray cluster at {self.address} has {there:g} (and "
                f"{self.n_cpus()} CPUs). Give --gpus-per-worker 0 for CPUs, a share such as 0.5, or fewer --workers; "
                "or start nodes with GPUs first."
            )

    def check(self) -> None:
        """See whether the cluster is still there; called now and then while waiting.

        Raises:
            WorkerError: its head has not answered for a while, or it has had no nodes for a longer one.
        """
        ray, now = _library(), time.monotonic()
        if not self.is_client:
            if _listens(*_host_and_port(ray.get_runtime_context().gcs_address, _PORT), seconds=2):
                self._answered = time.monotonic()
            elif now - self._answered > _GONE_SECONDS:
                raise cluster_gone(self.address)
            else:
                return
        if self.nodes():
            self._had_nodes = time.monotonic()
        elif now - self._had_nodes > _NO_NODES_SECONDS:
            raise no_nodes(now - self._had_nodes)

    def close(self) -> None:
        """Leave it; Ray ends with it if it was started here."""
        import ray

        if self.is_ours and ray.is_initialized():
            ray.shutdown()


def connect(address: str | None, settings: MiningSettings) -> Cluster:
    """Join a cluster, or start one on this machine; within seconds, or an error says what to check.

    Args:
        address: as RayEngine's. A connection that this process has already is used as it is.
        settings: `memory` bounds the object store of a Ray that is started.

    Raises:
        MissingExtraError: the package ray is not installed.
        SettingsError: no cluster answers there.
    """
    ray = _library()
    if ray.is_initialized():
        return Cluster(address or "of this process", is_ours=False)
    address = _named(address)
    # Ray begins again for ever what its memory monitor ends, and takes no other word on that
    os.environ.setdefault("RAY_task_oom_retries", str(REPEATS_WITHOUT_MEMORY))
    if address == LOCAL:
        os.environ.setdefault("RAY_idle_worker_killing_time_threshold_ms", _IDLE_MS)
        with _quietly():
            ray.init(address=LOCAL, num_cpus=n_cores(), include_dashboard=False, object_store_memory=_store(settings),
                     **_QUIET)  # fmt: skip
        return Cluster("this machine", is_ours=True, is_local=True)
    if address != AUTO:
        _check_reachable(address)
    try:
        with _quietly():
            ray.init(address=address, **_QUIET)
    except ConnectionError as error:
        raise _unreachable(address, error) from error
    except RuntimeError as error:  # another version of Python or Ray
        raise SettingsError(
            f"The Ray cluster at {address} cannot be joined: {' '.join(str(error).split())} Install the same versions "
            "of Python and ray here and there."
        ) from error
    return Cluster(address, is_ours=True)


# what goes wrong arrives as an error, and is said once
_QUIET: dict[str, Any] = {"namespace": "foolsgold", "log_to_driver": False, "logging_level": logging.CRITICAL}


def _library() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            '--engine ray needs the extra `ray`. Install it here and on all nodes: pip install "foolsgold[ray]"'
        ) from error
    return ray


def _named(address: str | None) -> str:
    """RAY_ADDRESS stands for what is left open, as it does for Ray itself."""
    named = os.environ.get("RAY_ADDRESS") or None
    if address is None:
        return named or LOCAL
    return named or AUTO if address == AUTO else address


def _store(settings: MiningSettings) -> int | None:
    if settings.memory is None:
        return None  # Ray's own: 30% of the memory
    return max(_LEAST_STORE_BYTES, parse_size(settings.memory, "memory") // 4)


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice to whoever starts Ray by hand
        yield


def _check_reachable(address: str) -> None:
    host, port = _host_and_port(address.removeprefix(CLIENT), _CLIENT_PORT if address.startswith(CLIENT) else _PORT)
    if not _listens(host, port, seconds=_CONNECT_SECONDS):
        raise _unreachable(address, None)
    if os.environ.get("RAY_USE_TLS", "0").lower() not in ("1", "true") and not _speaks_http2(host, port):
        raise SettingsError(
            f"address is {address}, but what answers there is no Ray: check the port, which is {_PORT} (HOST:{_PORT}) "
            f"or {_CLIENT_PORT} ({CLIENT}HOST:{_CLIENT_PORT}) unless `ray start --head` was told otherwise."
        )


def _speaks_http2(host: str, port: int) -> bool:
    """Whether a gRPC server is there, such as Ray's: Ray itself waits minutes for the word of any other."""
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS_FRAME)  # RFC 9113, section 3.4
            return connection.recv(9, socket.MSG_WAITALL)[3:4] == _SETTINGS_FRAME[3:4]
    except OSError:
        return False


_SETTINGS_FRAME = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # length, type, flags, stream


def _unreachable(address: str, error: Exception | None) -> SettingsError:
    if address == AUTO:
        return SettingsError(
            "address is auto, but no Ray cluster is running here. Start one with `ray start --head`, name one "
            "(--address ray://HOST:10001), or take --address local."
        )
    if error is None:
        return SettingsError(
            f"address is {address}, but nothing answers there: check host, port and firewall, and that "
            "`ray start --head` runs there."
        )
    port = f"its port, which is {_CLIENT_PORT if address.startswith(CLIENT) else _PORT} unless it was told otherwise"
    token = "the token, if it asks for one (RAY_AUTH_MODE=token, with RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH)"
    if address.startswith(CLIENT):
        return SettingsError(
            f"address is {address}: no Ray client server takes this process in. Check {port}, and {token}."
        )
    return SettingsError(
        f"address is {address}: no Ray cluster takes this process in. Check {port}, {token}, and that this machine is "
        f"one of its nodes (ray start --address HOST:{_PORT}); from outside, take {CLIENT}HOST:{_CLIENT_PORT}."
    )


def _host_and_port(address: str, port: int) -> tuple[str, int]:
    host, colon, given = address.rpartition(":")
    return (host.strip("[]"), int(given)) if colon else (address, port)


def _listens(host: str, port: int, *, seconds: float) -> bool:
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError:
        return False
    return True
