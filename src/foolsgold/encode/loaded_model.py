"""What all kinds of loaded models share: a hash of their weights, and what is said where memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from foolsgold.errors import ModelError

if TYPE_CHECKING:
    from torch import device, nn


def weights_state(model: nn.Module) -> tuple[tuple[int, int], ...]:
    """Changes with every update of a weight in place, and with its replacement; far quicker than a hash."""
    tensors = (tensor for _, tensor in sorted(model.state_dict(keep_vars=True).items()))
    return tuple((tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version) for tensor in tensors)


def weights_hash(model: nn.Module) -> blake2b:
    """A hash of names, types, shapes and values of all weights, to which more can be added."""
    digest = blake2b(digest_size=16)
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(_bytes_of(tensor))
    return digest


@contextmanager
def enough_memory(argument: str, place: device, batch_size: int) -> Iterator[None]:
    """Work whose want of memory is raised as a ModelError that says which batch size to try."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{argument}: {place} has too little memory for batches of {batch_size} texts. "
            f"Lower --batch-size (batch_size) to {max(1, batch_size // 2)} or less."
        ) from error


def _bytes_of(tensor: Any) -> memoryview:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy())
