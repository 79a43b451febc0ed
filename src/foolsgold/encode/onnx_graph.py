"""The ONNX graph of a model's transformer: written once, checked against torch, and kept in the cache folder."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from foolsgold.cache_folder import MODELS, PARTIAL, fingerprint_of, mark_used
from foolsgold.encode.loaded_model import weights_hash
from foolsgold.encode.split_model import agreement, probe_features, torch_body, transformer_in
from foolsgold.file_hash import file_hash
from foolsgold.packages import installed_version

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

GRAPH_FILE, RECORD_FILE = "model.onnx", "record.json"
_LEAST_COSINE = {"float32": 0.9999, "int8": 0.98}  # with torch's vectors, over a few texts
_PACKAGES = ("onnx", "onnxruntime", "onnxscript", "torch", "transformers")
_VERSION = 1  # of what is written here

logger = logging.getLogger(__name__)


class Graph(NamedTuple):
    """A graph's file; or None, and why there is none."""

    path: Path | None
    reason: str | None


def onnx_graph(model: SentenceTransformer, precision: Literal["float32", "int8"], cache: Path) -> Graph:
    """The graph of a model's transformer, from the cache or made now.

    Args:
        model: on the CPU; `why_whole` must be None.
        precision: of its multiplications by weights.
        cache: the cache folder.
    """
    identity = _identity(model, precision)
    entry = cache / MODELS / fingerprint_of(identity)
    about = {"precision": precision, "model": model.config.name_or_path if model.config else None}
    try:
        record = _record(entry)
        if record is None:
            logger.info("writing the model's transformer as an ONNX graph, once")
            entry.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=entry.parent, suffix=PARTIAL, ignore_cleanup_errors=True) as partial:
                record = _write(model, precision, Path(partial))
                _publish(Path(partial), entry)
        mark_used(entry, about)
    except OSError as error:
        return Graph(None, f"its graph could not be written to {entry.parent} ({error.strerror or error})")
    return Graph(None if record["reason"] else entry / GRAPH_FILE, record["reason"])


def _identity(model: SentenceTransformer, precision: str) -> dict[str, Any]:
    """All that decides the graph, and whether it can be made."""
    import torch

    first: Any = model[0]
    return {
        "version": _VERSION,
        "weights": weights_hash(first).hexdigest(),
        "class": f"{type(first.model).__module__}.{type(first.model).__qualname__}",
        "config": first.config.to_json_string(),
        "module": repr(sorted(first.get_config_dict().items(), key=str)),
        "attention": getattr(first.config, "_attn_implementation", None),
        "precision": precision,
        "packages": {name: installed_version(name) for name in _PACKAGES},
        "processor": torch.backends.cpu.get_cpu_capability(),
    }


def _record(entry: Path) -> dict[str, Any] | None:
    """What lies in an entry; None where it is not there, or is not what was written."""
    try:
        record: dict[str, Any] = json.loads((entry / RECORD_FILE).read_bytes())
        whole = all(file_hash(entry / name) == checksum for name, checksum in record["files"].items())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        logger.warning("the ONNX graph in %s is damaged and is made again", entry)
        return None
    return record


def _write(model: SentenceTransformer, precision: str, folder: Path) -> dict[str, Any]:
    """Make a graph in a folder, and the record of it.

    Raises:
        OSError: the folder cannot be written to.
    """
    try:
        reason = _make(model, precision, folder)
    except OSError:
        raise
    except Exception as error:  # of many kinds: what the exporter does not know, or what the graph cannot do
        logger.debug("export failed", exc_info=True)
        reason = (
            f"it cannot be exported ({type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]})"
        )
    if reason:
        for path in folder.iterdir():
            path.unlink()
    record = {"reason": reason, "files": {path.name: file_hash(path) for path in sorted(folder.iterdir())}}
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=2))
    return record


def _make(model: SentenceTransformer, precision: str, folder: Path) -> str | None:
    """Write the graph; the reason why it cannot serve, if there is one."""
    import torch

    from foolsgold.encode.onnx_body import OnnxBody
    from foolsgold.encode.onnx_export import export

    features = probe_features(model)
    path = folder / GRAPH_FILE
    export(transformer_in(model, torch.float32), features, path)
    if precision == "int8" and not _to_int8(path, folder):
        return "it multiplies by no weight matrix"
    cosine = agreement(model, OnnxBody(path, model.dtype or torch.float32), torch_body(model, torch.float32))
    if cosine < _LEAST_COSINE[precision]:
        return f"its ONNX graph gives other vectors than torch (cosine {cosine:.4f})"
    return None


def _to_int8(path: Path, folder: Path) -> bool:
    """Replace the graph by the one in int8."""
    from foolsgold.encode.onnx_int8 import weight_steps, write_int8

    target = folder / f"int8.{GRAPH_FILE}"
    n_done = write_int8(path, target, weight_steps=weight_steps())
    for old in [one for one in folder.iterdir() if not one.name.startswith("int8.")]:
        old.unlink()
    if n_done:
        target.rename(path)
    return n_done > 0


def _publish(partial: Path, entry: Path) -> None:
    """Give the finished folder its name; one that another process has made meanwhile is as good."""
    try:
        os.rename(partial, entry)
    except OSError:
        if not entry.is_dir():
            raise
        if _record(entry) is None:  # damaged, or nothing but a mark
            shutil.rmtree(entry, ignore_errors=True)
            os.rename(partial, entry)
