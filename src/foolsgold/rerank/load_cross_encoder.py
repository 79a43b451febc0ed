"""Loads a CrossEncoder from a folder or from the hub, and refuses models that do not score pairs with one number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from foolsgold.encode.load_model import ModelRole, check_device, loading, locate
from foolsgold.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_ROLE = ModelRole(
    argument="cross_encoder",
    owner="cross-encoder",
    takes="a reranker: a folder saved by CrossEncoder.save_pretrained, a hub id, or in Python a loaded CrossEncoder",
    example="cross-encoder/ms-marco-MiniLM-L6-v2",
    without_hub="a folder with a saved model (--cross-encoder PATH)",
)
_HEADS = ("ForSequenceClassification", "ForCausalLM")  # sentence-transformers reads a reranker's logit from either


def load_cross_encoder(name: str, *, device: str | None = None, trust_remote_code: bool = False) -> CrossEncoder:
    """Load a CrossEncoder with one output by hub id or folder.

    Raises:
        ModelError: no such folder or model, a hub that cannot be reached, a model that wants to run its own code, a
            bi-encoder or another model without a trained head, or one with several outputs.
        SettingsError: no such device.
    """
    import torch
    from sentence_transformers import CrossEncoder

    check_device(device)
    location, local = locate(name, _ROLE)
    with loading(name, _ROLE):
        _check_head(location, name, trust_remote_code, local)
        model: CrossEncoder = CrossEncoder(
            location, device=device, trust_remote_code=trust_remote_code, local_files_only=local,
            activation_fn=torch.nn.Identity(),  # given, none is looked up by the name that the model's files give
        )  # fmt: skip
    check_outputs(model, name)
    return model


def check_outputs(model: CrossEncoder, name: str) -> None:
    """Whether a model gives one number a pair.

    Raises:
        ModelError: it gives several, as one for natural language inference does.
    """
    if model.num_labels != 1:
        raise ModelError(
            f"cross_encoder: {name} has {model.num_labels} outputs a pair, as a classifier has; relevance is one. "
            f"Give {_ROLE.takes}."
        )


def _check_head(location: str, name: str, trust_remote_code: bool, local_files_only: bool) -> None:
    """Without this, sentence-transformers would put a random head on a bi-encoder, and score pairs with it."""
    if (family := _family(location, local_files_only)) is not None:
        what = None if family == "CrossEncoder" else f"a {family}, which encodes texts one by one"
    else:
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(
            location, trust_remote_code=trust_remote_code, local_files_only=local_files_only
        )
        found = ", ".join(config.architectures or ()) or "a model of no known architecture"
        what = None if found.endswith(_HEADS) else f"{found}, which has no trained head for a score"
    if what is not None:
        raise ModelError(f"cross_encoder: {name} is {what}. Give {_ROLE.takes}.")


def _family(location: str, local_files_only: bool) -> str | None:
    """Which class of sentence-transformers saved it; None where that is not known."""
    from sentence_transformers.util import load_file_path

    if load_file_path(location, "modules.json", local_files_only=local_files_only) is None:
        return None
    file = load_file_path(location, "config_sentence_transformers.json", local_files_only=local_files_only)
    config = {} if file is None else json.loads(Path(file).read_text("utf-8"))
    return str(config.get("model_type", "SentenceTransformer"))  # as old ones say nothing
