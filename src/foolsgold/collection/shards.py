"""A folder of shards: many files of one kind, read as if they were one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foolsgold.collection.places import FilePath
from foolsgold.collection.rows import BadRow, Rows
from foolsgold.errors import SettingsError

_ROWS_A_SHARD = 2**40  # a row's number is its shard's times this, and its number there


def shards_of(folder: FilePath, argument: str, endings: Sequence[str]) -> list[FilePath]:
    """The files of a folder, by name, numbers in it by size: part-2 before part-10.

    Names that begin with a dot or an underscore, as Spark writes them, are left out.

    Raises:
        SettingsError: there is none, or something else lies among them.
    """
    there = sorted((path for path in folder.iterdir() if not path.name.startswith((".", "_"))), key=_in_order)
    shards = [path for path in there if _ending(path, endings)]
    if not shards:
        found = ", ".join(path.name for path in there[:5]) or "nothing"
        raise SettingsError(f"{argument}: the folder {folder} has no shards ({', '.join(endings)}); it has {found}.")
    wanted = _ending(shards[0], endings)
    for path in there:
        if _ending(path, endings) != wanted or (isinstance(path, Path) and path.is_dir()):
            raise SettingsError(
                f"{argument}: the folder {folder} holds {path.name}; it takes shards alone, files that all end in "
                f"{wanted}. Move it away, or let its name begin with _ to have it left out."
            )
    return shards


def as_one(name: str, shards: Sequence[Rows]) -> Rows:
    """The rows of all shards, in turn; in messages each has its place in its own file."""

    def place(number: int) -> str:
        shard, within = divmod(number, _ROWS_A_SHARD)
        return shards[shard].place(within)

    return Rows(name, place, _Joined(shards))


def number_in(shard: int, number: int) -> int:
    """The number that a row of a shard has among those of all."""
    return shard * _ROWS_A_SHARD + number


@dataclass(frozen=True)
class _Joined:
    shards: Sequence[Rows]

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
        for shard, rows in enumerate(self.shards):
            for number, record in rows.rows:
                yield number_in(shard, number), record


def _ending(path: FilePath, endings: Sequence[str]) -> str | None:
    return next((ending for ending in endings if path.name.endswith(ending)), None)


def _in_order(path: FilePath) -> tuple[list[str | int], str]:
    parts = re.split(r"(\d+)", path.name)  # every other one is a number
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], path.name
