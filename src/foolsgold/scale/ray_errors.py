"""Errors between processes of Ray: those of foolsgold as themselves, others as a WorkerError that says how to go on."""

from __future__ import annotations

import os
import pickle
import platform
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foolsgold.cache_folder import code_fingerprint
from foolsgold.errors import FoolsgoldError, SettingsError, WorkerError

REPEATS = 8  # of a call whose process dies: a lost node is no reason to stop, a call that kills each process is
REPEATS_WITHOUT_MEMORY = 4  # Ray waits longer before each, since another process may have taken the memory
_KEPT = "Run the same command again: what was finished is kept."
_LESS = (
    "Give each worker less: fewer documents (more --workers, on more nodes), or smaller blocks (--memory, such as "
    "--memory 4GB, is what one worker may use)."
)


class LostError(WorkerError):
    """The result of a call was lost with its node; the call can be made again."""


def name_of(call: Any) -> str:
    """What a message calls it."""
    return getattr(call, "__qualname__", type(call).__qualname__)


def answer(fingerprint: str, stage: str, call: Callable[..., Any], *args: Any) -> Any:
    """On a worker: call, and raise only what the driver can read.

    Args:
        fingerprint: of the driver's code.
        stage: what an error calls the call.
        call: and its arguments.
        args: of it.

    Raises:
        FoolsgoldError: of the call; WorkerError for any other error of it.
        SettingsError: this node runs another version of foolsgold.
    """
    check_code(fingerprint)
    try:
        return call(*args)
    except FoolsgoldError as error:
        raise _sendable(error, stage) from None
    except Exception as error:
        raise _unforeseen(error, stage) from None


def check_code(fingerprint: str) -> None:
    """Refuse work where the package differs from the driver's: a node that joined after the run began."""
    if code_fingerprint() != fingerprint:
        raise SettingsError(
            f"Node {platform.node()} has another version of foolsgold, in {Path(__file__).parents[1]}, than the one "
            f"that started the run. Install the same one on all nodes: one image, or one wheel. {_KEPT}"
        )


def on_driver(error: BaseException, stage: str) -> Exception:
    """What to raise for an error of Ray: the error of foolsgold that it carries, or a WorkerError."""
    from ray import exceptions as ray_errors

    cause = getattr(error, "cause", None)
    if isinstance(cause, FoolsgoldError):
        return cause
    if isinstance(error, ray_errors.OutOfMemoryError) or "memory monitor" in str(error):
        return WorkerError(f"{stage}: its node ran out of memory {REPEATS_WITHOUT_MEMORY + 1} times. {_LESS} {_KEPT}")
    lost = (ray_errors.ObjectLostError, ray_errors.NodeDiedError)
    if isinstance(error, lost):
        return LostError(f"{stage}: a node was lost, and its results with it ({_first_line(error)}). {_KEPT}")
    if isinstance(error, (ray_errors.WorkerCrashedError, ray_errors.RayActorError)):
        return died_each_time(stage, because=f" ({_first_line(error)})")
    if "No module named 'foolsgold" in str(error):
        return SettingsError(NOT_INSTALLED.format(node="A node of the cluster"))
    if isinstance(error, (ray_errors.ActorUnschedulableError, ray_errors.TaskUnschedulableError)):
        return SettingsError(f"{stage}: no node of the Ray cluster can run it ({_first_line(error)}).")
    return WorkerError(f"{stage} failed on the Ray cluster: {type(error).__name__}: {_first_line(error)}. {_KEPT}")


NOT_INSTALLED = (
    "{node} has no foolsgold. Install the same version on all nodes, in the same Python: use one image for all, or "
    'start the job with a runtime environment: ray job submit --runtime-env-json \'{{"pip": ["foolsgold[ray]"]}}\' …'
)


def died_each_time(stage: str, *, because: str = "") -> WorkerError:
    """For a call that kills whatever process it runs in."""
    return WorkerError(
        f"{stage}: its process died each time, {REPEATS + 1} times in all: killed, or out of memory{because}. {_LESS} "
        f"{_KEPT}"
    )


def cluster_gone(address: str) -> WorkerError:
    """For a cluster that was there, and is no longer."""
    return WorkerError(f"The Ray cluster at {address} is gone: its head node does not answer. {_KEPT}")


def no_nodes(seconds: float) -> WorkerError:
    """For a cluster whose head alone is left."""
    return WorkerError(
        f"The Ray cluster has had no node with CPUs for {seconds:,.0f} seconds. Start some (ray start --address …), or "
        f"let its autoscaler do so. {_KEPT}"
    )


def _sendable(error: FoolsgoldError, stage: str) -> FoolsgoldError:
    try:
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    except Exception:
        pass
    return WorkerError(f"{stage} failed: {type(error).__name__}: {error}")


def _unforeseen(error: Exception, stage: str) -> WorkerError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return WorkerError(
        f"{stage} failed on node {platform.node()} (process {os.getpid()}): {type(error).__name__}: {error} ({where})"
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
