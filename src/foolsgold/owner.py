"""Who made a folder that ends with its run: a later run tells one that is in use from one that a killed run left."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from contextlib import suppress
from pathlib import Path

import psutil

from foolsgold.cache_folder import RUN_PREFIX

OWNER_FILE = "owner"
_FORGOTTEN_SECONDS = 7 * 86_400  # of a run on another host, which cannot be asked whether it lives


def mark_owned(folder: Path) -> None:
    """Note that a folder is this process's, by host, id and start: an id alone comes back, above all in containers."""
    owner = json.dumps([platform.node(), os.getpid(), psutil.Process().create_time()])
    (folder / OWNER_FILE).write_text(owner, encoding="utf-8")


def is_abandoned(folder: Path) -> bool:
    """Whether the process that made the folder ran on this host and has ended."""
    try:
        host, pid, started = json.loads((folder / OWNER_FILE).read_text(encoding="utf-8"))
        if host != platform.node():
            return False
        return bool(abs(psutil.Process(int(pid)).create_time() - float(started)) > 1)
    except psutil.NoSuchProcess:
        return True
    except (OSError, ValueError, TypeError, psutil.Error):
        return False


def remove_abandoned_runs(cache: Path) -> None:
    """Remove what killed runs left in the cache for themselves alone: of this host, and of others after a week."""
    for folder in cache.glob(f"{RUN_PREFIX}*"):
        with suppress(OSError):
            if not folder.is_symlink() and (is_abandoned(folder) or _is_forgotten(folder)):
                shutil.rmtree(folder, ignore_errors=True)


def _is_forgotten(folder: Path) -> bool:
    """Whether nothing in it was written for a week, by a host that is not this one."""
    with suppress(OSError, ValueError, TypeError, KeyError, IndexError):
        if json.loads((folder / OWNER_FILE).read_text(encoding="utf-8"))[0] == platform.node():
            return False  # it lives
    last = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    return time.time() - last > _FORGOTTEN_SECONDS
