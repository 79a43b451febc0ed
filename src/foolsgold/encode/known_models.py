"""Models that need not be loaded to be told apart: what was said of a folder holds while its files are as they were."""

from __future__ import annotations

import json
import logging
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foolsgold.cache_folder import ENCODERS, code_fingerprint, fingerprint_of, mark_used, write_whole
from foolsgold.encode.encode import as_encoder
from foolsgold.encode.identity import describe_encoder
from foolsgold.encode.load_model import OFFLINE, offline_model_folder
from foolsgold.packages import installed_version
from foolsgold.settings import SELECTABLE, MiningSettings

DESCRIPTION_FILE = "description.json"
_PACKAGES = ("onnx", "onnxruntime", "onnxscript", "sentence-transformers", "tokenizers", "torch", "transformers")
_NO_PART = {*SELECTABLE, "cache", "num_workers"} - {"device"}  # settings that have no part in what a model is

logger = logging.getLogger(__name__)


class KnownModel:
    """What was said of a model when it was last loaded; nothing, if it lies in no folder or its files have changed.

    Args:
        cache: the cache folder; None knows nothing.
        encoder: as `as_encoder` takes it; only what names a folder, or is "offline", can be known.
        settings: prompts, precision, device.
        purpose: of the description, if it is not that of `describe_encoder`.
    """

    def __init__(self, cache: Path | None, encoder: Any, settings: MiningSettings, *, purpose: str = "") -> None:
        folder = None if cache is None else _folder(encoder)
        files = None if folder is None else _states(folder)
        self._about = {"model": str(encoder), "folder": str(folder)}
        identity: dict[str, Any] = {
            **self._about,
            "foolsgold": code_fingerprint(),
            "files": files,
            "settings": {name: value for name, value in settings.as_dict().items() if name not in _NO_PART},
            "packages": package_versions(),
            "machine": [platform.node(), os.environ.get("CUDA_VISIBLE_DEVICES")],
        }
        if purpose:
            identity["purpose"] = purpose
        self._entry = None if cache is None or files is None else cache / ENCODERS / fingerprint_of(identity)

    def description(self) -> dict[str, Any] | None:
        """As `describe_encoder` gave it; None where the model must be loaded.

        Raises:
            OutputError: the cache cannot be written to.
        """
        if self._entry is None:
            return None
        try:
            content = json.loads((self._entry / DESCRIPTION_FILE).read_bytes())
            description: dict[str, Any] = content["description"]
            if content["checksum"] != fingerprint_of(description):
                raise ValueError("its checksum is wrong")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError) as error:
            logger.warning("cache: %s is damaged (%s); the model is loaded.", self._entry / DESCRIPTION_FILE, error)
            return None
        mark_used(self._entry, self._about)
        return description

    def keep(self, description: Mapping[str, Any]) -> None:
        """Keep what was said of it now.

        Raises:
            OutputError: the cache cannot be written to.
        """
        if self._entry is None:
            return
        content = {"checksum": fingerprint_of(description), "description": dict(description)}
        mark_used(self._entry, self._about)
        write_whole(self._entry / DESCRIPTION_FILE, lambda file: file.write(json.dumps(content).encode()))


def identify(encoder: Any, settings: MiningSettings, cache: Path | None) -> tuple[Any, dict[str, Any] | None]:
    """An encoder, loaded if it must be to tell which it is, and what `describe_encoder` says of it.

    Args:
        encoder: as `as_encoder` takes it; None: there is none, and nothing to say.
        settings: prompts, precision, device.
        cache: the cache folder, which may know a model already.

    Raises:
        ModelError: it cannot be loaded or used.
        OutputError: the cache cannot be written to.
    """
    if encoder is None:
        return None, None
    known = KnownModel(cache, encoder, settings)
    description = known.description()
    if description is None:
        encoder = as_encoder(encoder, settings)
        description = describe_encoder(encoder, settings)
        known.keep(description)
    return encoder, description


def _folder(encoder: Any) -> Path | None:
    if not isinstance(encoder, (str, Path)):
        return None
    folder = offline_model_folder() if encoder == OFFLINE else Path(encoder).expanduser().absolute()
    return folder if (folder / "config.json").is_file() or (folder / "modules.json").is_file() else None


def _states(folder: Path) -> list[tuple[str, int, int, int]] | None:
    """Changes with the content of the files: name, size, time of the last change, and number on the disk."""
    try:
        files = [(path.relative_to(folder), path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    except OSError:
        return None
    return [(str(name), stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in files]


def package_versions() -> dict[str, str | None]:
    """The versions of the packages that compute vectors; None for one that is not installed."""
    return {name: installed_version(name) for name in _PACKAGES}
