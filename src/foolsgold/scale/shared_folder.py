"""Whether all workers see a folder: it may lie on the disk of one machine alone."""

from __future__ import annotations

import platform
import uuid
from contextlib import suppress
from pathlib import Path

from foolsgold.errors import OutputError, SettingsError
from foolsgold.scale.pool import Pool


def check_shared(pool: Pool, folder: Path, argument: str, flag: str) -> None:
    """Leave a file in a folder, which every worker must find, and remove it.

    Args:
        pool: its workers are asked.
        folder: it is made if it is not there.
        argument: what messages call it.
        flag: what names another.

    Raises:
        SettingsError: a worker does not find it.
        OutputError: the file cannot be written.
    """
    token = folder / f".{uuid.uuid4().hex}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        token.write_bytes(b"")
    except OSError as error:
        raise OutputError(f"{argument}: {folder} cannot be written to ({error.strerror or error}).") from error
    try:
        actors = pool.actors(_Looking, [()] * pool.n_workers)
        seen = [pool.get(answer) for answer in [actor.call("sees", token) for actor in actors]]
        for actor in actors:
            actor.stop()
    finally:
        with suppress(OSError):
            token.unlink()
    blind = sorted({host for host, sees in seen if not sees})
    if blind:
        raise SettingsError(
            f"{argument}: {folder} on {platform.node()} is not there for the workers on {', '.join(blind)}. Give a "
            f"folder of a file system that all of them mount, under the same name ({flag})."
        )


class _Looking:
    """Looks for a file where its worker is."""

    def sees(self, path: Path) -> tuple[str, bool]:
        """The host, and whether it is there; listed first, since a network file system may remember that it was not."""
        with suppress(OSError):
            list(path.parent.iterdir())
        return platform.node(), path.exists()
