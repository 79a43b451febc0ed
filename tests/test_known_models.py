"""A model in a folder is loaded once, and again only when its files have changed."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import cache_with_models, write_jsonl
from foolsgold import MiningSettings, mine, read_pairs

PAIRS = [("what is red?", "a rose is red"), ("who purrs?", "a cat purrs"), ("what is blue?", "the sea is blue")]


@pytest.fixture
def own_model(model_folder: str, tmp_path: Path) -> Path:
    shutil.copytree(model_folder, tmp_path / "model")
    return tmp_path / "model"


def fingerprint(model: Path, out: Path, **changes: Any) -> str:
    """That of the model, as settings.json of a run has it."""
    mine(read_pairs(PAIRS), str(model), MiningSettings(negatives=1, quiet=True, out=str(out), **changes))
    stored: str = json.loads((out / "settings.json").read_text())["encoder"]["fingerprint"]
    return stored


SECOND = """
import sys
from foolsgold import MiningSettings, mine
collection, model, out = sys.argv[1:]
mine(collection, model, MiningSettings(negatives=1, quiet=True, out=out, relative_margin=None))
print({"torch", "sentence_transformers"} & set(sys.modules))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["folder", "offline"])
def test_a_second_run_loads_no_model(name: str, own_model: Path, tmp_path: Path) -> None:
    model = str(own_model) if name == "folder" else "offline"
    folder = tmp_path / "collection"
    folder.mkdir()
    write_jsonl(folder / "corpus.jsonl", [{"_id": f"d{n}", "text": text} for n, (_, text) in enumerate(PAIRS)])
    write_jsonl(folder / "queries.jsonl", [{"_id": f"q{n}", "text": text} for n, (text, _) in enumerate(PAIRS)])
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq0\td0\t1\nq1\td1\t1\nq2\td2\t1\n")
    mine(folder, model, MiningSettings(negatives=1, quiet=True, out=str(tmp_path / "first")))
    command = [sys.executable, "-c", SECOND, str(folder), model, str(tmp_path / "second")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"
    first, second = (json.loads((tmp_path / name / "settings.json").read_text()) for name in ("first", "second"))
    assert second["encoder"] == first["encoder"]
    alone = mine(folder, model, MiningSettings(negatives=1, quiet=True, cache=None, relative_margin=None))
    written = [json.loads(line) for line in (tmp_path / "second" / "train.jsonl").read_text().splitlines()]
    assert written == alone.to_dataset().to_list()


@pytest.mark.slow
def test_changed_weights_of_the_same_size_are_noticed(own_model: Path, tmp_path: Path) -> None:
    before = fingerprint(own_model, tmp_path / "a")
    assert fingerprint(own_model, tmp_path / "b") == before
    weights = own_model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-4:] = bytes(4)
    weights.write_bytes(content)
    assert fingerprint(own_model, tmp_path / "c") != before


def test_another_prompt_is_another_encoder(own_model: Path, tmp_path: Path) -> None:
    assert fingerprint(own_model, tmp_path / "a") != fingerprint(own_model, tmp_path / "b", query_prompt="find ")


@pytest.mark.slow
def test_a_damaged_description_is_made_again(own_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = cache_with_models(tmp_path / "cache")
    before = fingerprint(own_model, tmp_path / "a", cache=str(cache))
    (path,) = cache.glob("encoders/*/description.json")
    whole = path.read_text()
    path.write_text(whole.replace(before, before[::-1]))
    assert fingerprint(own_model, tmp_path / "b", cache=str(cache)) == before
    assert [record.levelno for record in caplog.records if record.name.startswith("foolsgold")] == [logging.WARNING]
    assert path.read_text() == whole


def test_a_model_in_a_folder_that_is_gone_is_not_known(own_model: Path, tmp_path: Path) -> None:
    fingerprint(own_model, tmp_path / "a")
    os.rename(own_model, tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="does not exist"):
        fingerprint(own_model, tmp_path / "b")
