"""Versions on all nodes of a Ray cluster, compared before any work."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from foolsgold.errors import SettingsError
from foolsgold.scale.ray_errors import NOT_INSTALLED

logger = logging.getLogger(__name__)

COMPARED = ("ray", "numpy", "pyarrow", "torch", "sentence-transformers", "onnxruntime")  # decide last digits
_SECONDS = 120.0  # for a node to start a process and answer; a cold disk takes its time


def check_versions(nodes: Sequence[Mapping[str, Any]]) -> None:
    """Ask every node which versions it has.

    Args:
        nodes: of `ray.nodes()`, those alive.

    Raises:
        SettingsError: a node has no foolsgold, or another one, or another Python.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = _ask()(COMPARED)
    ask = ray.remote(num_cpus=0, max_retries=2)(_ask())
    asked = {
        ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(COMPARED): (
            f"Node {node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        )
        for node in nodes
    }
    answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=_SECONDS)
    for ref in answered:
        try:
            there = ray.get(ref)
        except ray.exceptions.RayError:
            continue  # it has left meanwhile
        compare(here, there, node=asked[ref])
    for ref in set(asked) - set(answered):
        logger.warning("%s did not say within %.0f seconds which versions it has.", asked[ref], _SECONDS)


def compare(here: Mapping[str, str | None], there: Mapping[str, str | None], *, node: str) -> None:
    """Refuse what would make other results or fail, and warn of what may round otherwise.

    Raises:
        SettingsError: as `check_versions`.
    """
    if there["foolsgold"] is None:
        raise SettingsError(NOT_INSTALLED.format(node=node))
    if there["python"] != here["python"]:
        raise SettingsError(
            f"{node} runs Python {there['python']}, and this process {here['python']}. Give all the same: one image."
        )
    if there["code"] != here["code"]:
        versions = f"{there['foolsgold']} there, {here['foolsgold']} here"
        same = " (of the same number, but not the same code)" if there["foolsgold"] == here["foolsgold"] else ""
        raise SettingsError(
            f"{node} has another version of foolsgold: {versions}{same}, in {there['folder']}. Install the same one on "
            "all nodes: one image, or one wheel."
        )
    others = [f"{name} {there[name]} there, {here[name]} here" for name in COMPARED if there[name] != here[name]]
    if others:
        logger.warning(
            "%s has other versions: %s. Vectors and scores may differ in their last digits.", node, "; ".join(others)
        )


def _ask() -> Any:
    """A function that is sent as a whole, to nodes that may have no foolsgold."""

    def versions(names: tuple[str, ...]) -> dict[str, str | None]:
        import platform
        from importlib import metadata

        def version(name: str) -> str | None:
            try:
                return metadata.version(name)
            except metadata.PackageNotFoundError:
                return None

        found: dict[str, str | None] = {name: version(name) for name in names}
        found |= {"python": ".".join(platform.python_version_tuple()[:2]), "foolsgold": None}
        try:
            import foolsgold
            from foolsgold.cache_folder import code_fingerprint
            from foolsgold.version import __version__
        except ImportError:
            return found
        return found | {"foolsgold": __version__, "code": code_fingerprint(), "folder": foolsgold.__path__[0]}

    return versions
