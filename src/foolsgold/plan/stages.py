"""The stages of a run on workers, each as a function of the workload, the machine and the number of workers.

The way of the data is that of docs/scale.md: workers read and encode, each holds a share of the corpus for search, and
what a query's candidates need is fetched from the holders. The driver has ids and hashes, never texts or vectors.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from foolsgold.plan import constant
from foolsgold.plan.machine import Machine
from foolsgold.plan.stage import Stage
from foolsgold.plan.workload import Workload


class Job(NamedTuple):
    """A workload on some workers."""

    work: Workload
    machine: Machine
    workers: int

    @property
    def cores(self) -> int:
        """In sum."""
        return self.workers * self.machine.cores

    @property
    def network(self) -> float:
        """Bytes a second of each connection; one worker is on the driver's machine, and has its data there."""
        return math.inf if self.workers == 1 else self.machine.network

    @property
    def share(self) -> float:
        """Documents that each worker holds."""
        return self.work.documents / self.workers

    @property
    def heard(self) -> float:
        """Queries, those that calibration needs twice."""
        return self.work.queries + min(self.work.queries, constant.PILOT_QUERIES.value)

    @property
    def driver_bytes(self) -> float:
        """Memory of the driver, from the end of reading on."""
        per_query = constant.QUERY_DRIVER_BYTES.value + self.work.query_bytes
        return self.work.documents * constant.DRIVER_BYTES.value + self.work.queries * per_query

    @property
    def vector_share(self) -> float:
        """Bytes of vectors that each worker holds."""
        return self.share * self.work.vector_bytes

    @property
    def index_share(self) -> float:
        """Bytes of words and hubs that each worker holds."""
        return self.share * (self.work.word_bytes + constant.HUB_BYTES.value)

    @property
    def fits_device(self) -> bool:
        """Whether a worker's vectors stay on its device."""
        return self.machine.device is None or self.vector_share <= self.machine.device_bytes

    @property
    def free_bytes(self) -> float:
        """Of a worker's memory, beside the process with its blocks, and words and hubs."""
        return self.machine.memory_bytes - constant.PROCESS_BYTES.value - self.index_share

    @property
    def fits_memory(self) -> bool:
        """Whether a worker's vectors stay in memory, where a device does not hold them."""
        return self.vector_share <= self.free_bytes

    @property
    def on_device(self) -> bool:
        """Whether the device holds the vectors, and the host need not."""
        return self.machine.device is not None and self.fits_device

    @property
    def has_copy(self) -> bool:
        """Whether a processor's 8-bit copy of the vectors, two bytes a value, fits beside them."""
        return self.machine.device is None and self.vector_share + self._copy_bytes <= self.free_bytes

    @property
    def held_bytes(self) -> float:
        """Host memory of each worker while it searches; vectors that do not fit are mapped, and not counted."""
        vectors = 0.0 if self.on_device or not self.fits_memory else self.vector_share
        copy = self._copy_bytes if self.has_copy else 0.0
        return constant.PROCESS_BYTES.value + self.index_share + vectors + copy

    @property
    def _copy_bytes(self) -> float:
        return 2 * self.share * self.work.dim


def start(job: Job) -> Stage:
    """Processes start and load libraries."""
    return Stage("start", {"start": job.machine.start.value}, constant.PROCESS_BYTES.value,
                 constants=(job.machine.start, constant.PROCESS_BYTES))  # fmt: skip


def read(job: Job) -> Stage:
    """Files to pieces, by workers; ids and hashes to the driver, which puts the collection together."""
    work, machine = job.work, job.machine
    to_driver = work.documents * constant.DRIVER_BYTES.value
    seconds = {
        "processor": work.text_bytes / (machine.core.read.value * job.cores),
        "network": max(work.text_bytes / job.workers, to_driver) / job.network,
        "disk": 2 * work.text_bytes / (machine.disk.value * job.workers),  # read, and written as pieces
        "driver": work.documents / machine.driver.value,
    }
    used = (machine.core.read, machine.driver, machine.disk, constant.TOKEN_BYTES, constant.DRIVER_BYTES,
            constant.QUERY_DRIVER_BYTES, constant.NETWORK_SHARE)  # fmt: skip
    return Stage("read", seconds, constant.PROCESS_BYTES.value, 0, job.driver_bytes, work.text_bytes,
                 work.text_bytes + to_driver, used)  # fmt: skip


def encode(job: Job) -> Stage:
    """Texts to vectors in the cache, in chunks that any worker takes."""
    work, machine = job.work, job.machine
    n_bytes = (work.documents + work.queries) * work.vector_bytes
    moved = n_bytes + work.text_bytes + work.queries * work.query_bytes
    seconds = {
        machine.encoder: machine.encode_seconds(2 * work.model_parameters * work.tokens / job.workers),
        "network": moved / job.workers / job.network,
        "disk": n_bytes / (machine.disk.value * job.workers),
    }
    used: tuple[constant.Constant, ...] = (machine.core.encode,)
    if machine.device is not None:
        seconds["processor"] = work.tokens / (machine.core.tokenize.value * job.cores)
        used = (machine.core.tokenize, machine.utilisation)
    of_model = 0.0 if machine.device is None else 2.0 * work.model_parameters
    return Stage("encode", seconds, constant.PROCESS_BYTES.value, of_model, job.driver_bytes,
                 n_bytes, moved, used)  # fmt: skip


def index(job: Job) -> Stage:
    """Each worker loads its share: vectors, words for BM25, hubs."""
    work, machine = job.work, job.machine
    core = machine.core
    prepared = work.documents * work.dim / core.prepare.value if machine.device is None else 0.0
    hubs = 2 * work.documents * min(work.queries, constant.HUB_QUERIES.value) * work.dim / core.hubs.value
    loaded = work.documents * work.vector_bytes + work.text_bytes
    seconds = {
        "processor": (prepared + hubs + work.text_bytes / core.words.value) / job.cores,
        "network": loaded / job.workers / job.network,
        "disk": loaded / (machine.disk.value * job.workers),
    }
    if job.on_device:
        seconds["bus"] = machine.copy_seconds(job.vector_share)
    used: tuple[constant.Constant, ...] = (
        core.words,
        core.hubs,
        constant.WORD_BYTES,
        constant.HUB_BYTES,
        constant.HUB_QUERIES,
    )
    used += (core.prepare,) if machine.device is None else (constant.DEVICE_SHARE, constant.BUS)
    on_device = job.vector_share if job.on_device else 0.0
    return Stage("index", seconds, job.held_bytes, on_device, job.driver_bytes, 0, loaded, used)


def search(job: Job) -> Stage:
    """Every block of queries goes to every worker; the best of all are merged, and kept in the cache."""
    work, machine = job.work, job.machine
    searching = machine.search_seconds(work.queries * job.share, work.dim)
    queries = job.workers * work.queries * work.vector_bytes
    found = work.queries * work.candidates * constant.FOUND_BYTES.value * job.workers
    kept = work.queries * work.candidates * constant.STORED_BYTES.value
    sweeps = -(-work.queries // constant.SWEEP_QUERIES.value)
    seconds = {
        machine.encoder: searching,
        "network": (queries + found) / job.workers / job.network,
        "disk": kept / (machine.disk.value * job.workers),
    }
    if not job.fits_device:
        seconds["bus"] = sweeps * machine.copy_seconds(job.vector_share)
    if not job.on_device and not job.fits_memory:
        seconds["disk"] += sweeps * job.vector_share / machine.disk.value
    used: tuple[constant.Constant, ...] = (machine.core.search,)
    if machine.device is not None:
        used = (constant.MULTIPLIED, constant.LOOKED_AT)
    used += (constant.SWEEP_QUERIES, constant.FOUND_BYTES, constant.STORED_BYTES)
    on_device = job.vector_share if job.on_device else 0.0
    return Stage("search", seconds, job.held_bytes, on_device, job.driver_bytes, kept, queries + found, used)


def choose(job: Job) -> Stage:
    """The documents that a block's candidates name are fetched, the witnesses heard, negatives chosen and rendered."""
    work, machine = job.work, job.machine
    core = machine.core
    heard = job.heard * work.candidates * core.hear_seconds(work.dim, work.bytes_per_document or 0)
    chosen = work.queries * work.candidates * core.choose.value
    each = work.vector_bytes + (work.bytes_per_document or 0) + work.word_bytes + constant.HUB_BYTES.value
    elsewhere = (job.workers - 1) / job.workers
    fetched = job.heard * (work.candidates + 1) * each * elsewhere  # at most: no document is named twice
    seconds = {
        "processor": (heard + chosen) / job.cores,
        "network": fetched / job.workers / job.network,
    }
    used = (core.hear, core.hear_value, core.hear_byte, core.choose, constant.PILOT_QUERIES)
    return Stage("choose", seconds, job.held_bytes, 0, job.driver_bytes, 0, fetched, used)


def export(job: Job) -> Stage:
    """Rendered rows go to the driver, which writes them in order."""
    work, machine = job.work, job.machine
    texts = work.query_bytes + (work.negatives + 1) * (work.bytes_per_document or 0)
    n_bytes = work.queries * (work.candidates * constant.STORED_BYTES.value + texts)
    seconds = {"driver's network": n_bytes / job.network, "driver's disk": n_bytes / machine.disk.value}
    return Stage("export", seconds, job.held_bytes, 0, job.driver_bytes, n_bytes, n_bytes, (machine.disk,))
