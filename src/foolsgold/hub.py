"""Training data on the hub: parquet files and a dataset card, in one commit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from foolsgold.collection import Collection
from foolsgold.errors import FoolsgoldError, OutputError, SettingsError
from foolsgold.export import TrainingFile, TrainingRows
from foolsgold.keys import NO_KEY, checked_secret, without_secret
from foolsgold.report.dataset_card import PushedData
from foolsgold.settings import MiningSettings

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_SHARD_BYTES = 500 * 10**6
_FOOTER_BYTES = 2**18  # read at once
_SPLIT = re.compile(r"\w+(\.\w+)*")
_SHARD = re.compile(r"data/(\w+(?:\.\w+)*)-\d{5}-of-\d{5}\.parquet")
_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN, to a token that may write"


def push(
    rows: Iterable[TrainingRows],
    collection: Collection,
    settings: MiningSettings,
    card: Callable[[PushedData], str],
    *,
    repo_id: str,
    split: str,
    private: bool | None,
    token: str | None,
    language: str | list[str] | None,
) -> str:
    """Write training data as parquet and push it with its card; the split's files from before are replaced.

    Args:
        rows: the negatives.
        collection: whose texts they are.
        settings: the format; its file type is parquet.
        card: makes the card.
        repo_id: owner and name, or a name among the user's own.
        split: such as "train".
        private: whether a new dataset is private; None is the owner's default.
        token: None is that of the login.
        language: of the texts.

    Returns:
        The dataset's address.

    Raises:
        SettingsError: a name or a token that cannot be, or other columns than the dataset's other splits have.
        OutputError: nobody is logged in, the hub cannot be reached, or does not take it; nothing was changed there,
            except that a new dataset may have been made.
    """
    from huggingface_hub import HfApi

    _check_names(repo_id, split)
    secret = _secret(token)
    api = HfApi(token=secret if token else None, library_name="foolsgold")
    with _said(repo_id, secret):
        api.whoami()  # before the work
    with TemporaryDirectory(prefix="foolsgold-") as folder:
        shards, n_left_out = _write_shards(rows, collection, settings, Path(folder))
        n_rows = sum(pq.read_metadata(shard).num_rows for shard in shards)
        columns = pq.read_schema(shards[0]).names
        data = PushedData(repo_id, settings.format, columns, n_rows, split, language=language,
                          given_left_out=n_left_out)  # fmt: skip
        with _said(repo_id, secret), _progress(settings.quiet):
            return _publish(api, data, shards, card, private=private)


def _publish(
    api: HfApi, data: PushedData, shards: list[Path], card: Callable[[PushedData], str], *, private: bool | None
) -> str:
    made = api.create_repo(data.repo_id, repo_type="dataset", private=private, exist_ok=True)
    files = api.list_repo_files(made.repo_id, repo_type="dataset")
    others = {found[1]: file for file in files if (found := _SHARD.fullmatch(file)) and found[1] != data.split}
    data = replace(data, repo_id=made.repo_id, splits=sorted({*others, data.split}))
    _check_columns(api, data, others)
    _commit(api, data, shards, card(data), files)
    return str(made)


def _check_columns(api: HfApi, data: PushedData, others: Mapping[str, str]) -> None:
    """Refuse rows of another form than those of the other splits, of each a file: `load_dataset` takes only one."""
    for split, file in sorted(others.items())[:1]:
        columns = _columns_of(api, data.repo_id, file)
        if columns != list(data.columns):
            raise SettingsError(
                f"push: split {data.split!r} is to have the columns {', '.join(data.columns)}, but split {split!r} of "
                f"{data.repo_id} has {', '.join(columns)}, and a dataset can be loaded in one form only. Push to "
                f"another dataset, or with the format and settings that {split!r} was pushed with."
            )


def _columns_of(api: HfApi, repo_id: str, file: str) -> list[str]:
    """Of a parquet file on the hub, of which only the end is read."""
    from huggingface_hub import HfFileSystem

    hub = HfFileSystem(endpoint=api.endpoint, token=api.token, skip_instance_cache=True)
    with hub.open(f"datasets/{repo_id}/{file}", "rb", block_size=_FOOTER_BYTES) as shard:
        return list(pq.read_schema(shard).names)


def _commit(api: HfApi, data: PushedData, shards: list[Path], card: str, files: list[str]) -> None:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    names = [f"data/{data.split}-{n:05d}-of-{len(shards):05d}.parquet" for n in range(len(shards))]
    earlier = [name for name in files if (found := _SHARD.fullmatch(name)) and found[1] == data.split]
    operations: list[Any] = [CommitOperationAdd("README.md", card.encode())]
    operations += [CommitOperationAdd(name, str(shard)) for name, shard in zip(names, shards, strict=True)]
    operations += [CommitOperationDelete(name) for name in earlier if name not in names]
    message = f"{data.n_rows:,} rows with hard negatives, split {data.split}"
    api.create_commit(data.repo_id, operations, commit_message=message, repo_type="dataset")


def _write_shards(
    rows: Iterable[TrainingRows], collection: Collection, settings: MiningSettings, folder: Path
) -> tuple[list[Path], int]:
    """Files of about half a gigabyte, one where there are no rows; and the number of given negatives left out."""
    waiting, shards, n_left_out = iter(rows), list[Path](), 0
    more: TrainingRows | None = next(waiting, None)
    while more is not None or not shards:
        shards.append(folder / f"{len(shards)}.parquet")
        with TrainingFile(shards[-1], collection, settings) as file:
            for block in chain([] if more is None else [more], waiting):
                file.write(block)
                if shards[-1].stat().st_size > _SHARD_BYTES:
                    break
        n_left_out += file.n_given_left_out
        more = next(waiting, None)
    return shards, n_left_out


def _secret(token: str | None) -> str | None:
    """The token that the hub gets: the one given, or that of the login."""
    from huggingface_hub import get_token

    return checked_secret(token or get_token(), SettingsError(f"push: the hub token {NO_KEY}"))


def _check_names(repo_id: str, split: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise SettingsError(
            f"repo_id is {repo_id!r}; it takes owner/name, such as 'me/medical-negatives' ({_first_line(error)})."
        ) from error
    if not _SPLIT.fullmatch(split):
        raise SettingsError(f"split is {split!r}; it takes a name of letters, digits and _, such as 'train'.")


@contextmanager
def _said(repo_id: str, secret: str | None) -> Iterator[None]:
    """What goes wrong at the hub, in our words, without the token."""
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    try:
        yield
    except FoolsgoldError:
        raise
    except LocalTokenNotFoundError as error:
        raise OutputError(f"push: nobody is logged in at the hub. {_LOG_IN}.") from error
    except OfflineModeIsEnabled as error:
        raise OutputError("push: HF_HUB_OFFLINE forbids to ask the hub. Unset it.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise OutputError(
                f"push: the hub does not let this login write {repo_id} (HTTP {status}). {_LOG_IN} there."
            ) from error
        raise OutputError(f"push: the hub does not take {repo_id} ({_first_line(error, secret)}).") from error
    except (OSError, RuntimeError, ValueError) as error:  # of an upload, and what the hub's library makes of others
        reason = _first_line(error.__cause__ if isinstance(error.__cause__, Exception) else error, secret)
        raise OutputError(
            f"push: {_first_line(error, secret)} ({reason}). Nothing of it was committed: try again."
        ) from error
    except Exception as error:  # the HTTP client's own errors, whose class depends on the hub library's version
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests", "urllib3")):
            raise
        raise OutputError(
            f"push: the hub cannot be reached ({_first_line(error, secret)}). Try again later."
        ) from error


@contextmanager
def _progress(quiet: bool) -> Iterator[None]:
    """The library's progress bars, or for a while none."""
    from huggingface_hub import utils as hub_utils

    bars: Any = hub_utils
    if not quiet or bars.are_progress_bars_disabled():
        yield
        return
    bars.disable_progress_bars()
    try:
        yield
    finally:
        bars.enable_progress_bars()


def _first_line(error: Exception, secret: str | None = None) -> str:
    text = without_secret(str(error).strip(), secret) or type(error).__name__
    return text.splitlines()[0].rstrip(".:")
