"""The cost model: what is linear, what grows, a case by hand, what does not fit, and where its constants come from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foolsgold.cli import main
from foolsgold.errors import SettingsError
from foolsgold.plan import DEVICES, Machine, RunPlan, Stage, constant, parse_count, plan_run
from foolsgold.plan.table import plan_lines

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ISSUE = "--documents 100M --queries 5M --dim 768 --model-parameters 110M --device h100 --workers 16".split()
SIZES: dict[str, Any] = {
    "documents": 10_000_000, "queries": 500_000, "dim": 768, "model_parameters": 86_000_000,
    "tokens_per_document": 150, "tokens_per_query": 16, "bytes_per_document": 700, "depth": 100, "negatives": 4,
}  # fmt: skip


def plan_of(device: str = "h100", workers: int = 4, memory_bytes: float = 1e12, network_gbit: float = 10.0,
            **changes: Any) -> RunPlan:  # fmt: skip
    machine = Machine.of_device(device, memory_bytes=memory_bytes, network_gbit=network_gbit)
    return plan_run(**{**SIZES, **changes}, machine=machine, workers=workers)


def stage_of(plan: RunPlan, name: str) -> Stage:
    return next(stage for stage in plan.stages if stage.name == name)


@pytest.mark.parametrize(
    ("text", "count"),
    [("100M", 100_000_000), ("5m", 5_000_000), ("1.5B", 1_500_000_000), ("20K", 20_000), ("20,000", 20_000), (7, 7)],
)
def test_counts_are_read_as_people_write_them(text: str | int, count: int) -> None:
    assert parse_count(text, "documents") == count


@pytest.mark.parametrize("text", ["", "many", "-5", "1.5", "10G", "1e6", "nan", "5 M B", 1.5])
def test_what_is_no_count_is_said(text: Any) -> None:
    with pytest.raises(SettingsError, match=r"documents is .*; it takes a whole number, with K, M or B"):
        parse_count(text, "documents")


def test_a_case_by_hand() -> None:
    """One h100; 100,000 queries with a million documents of 1,000 dimensions.

    Encoding: 2 x 100M parameters x (1M x 150 + 100,000 x 10 tokens = 151M) = 3.02e16 FLOP, at 40% of 989 TFLOP/s:
    76.34 s. Search: 1e11 scores; 2 x 1e11 x 1,000 = 2e14 FLOP at 80% of 67 TFLOP/s are 3.731 s, and 11 bytes a score at
    3.35 TB/s are 0.328 s. Vectors on the device: 1M x 4,000 bytes.
    """
    plan = plan_of(workers=1, documents=1_000_000, queries=100_000, dim=1_000, model_parameters=100_000_000,
                   tokens_per_query=10)  # fmt: skip
    assert stage_of(plan, "encode").seconds_by["GPU"] == pytest.approx(76.34, rel=1e-3)
    assert stage_of(plan, "search").seconds_by["GPU"] == pytest.approx(3.731 + 0.328, rel=1e-3)
    assert plan.device_bytes == 4_000_000_000
    assert stage_of(plan, "encode").disk_bytes == 1_100_000 * 4_000
    assert plan.seconds == sum(plan.seconds_by_stage().values())


def test_what_is_fetched_by_hand() -> None:
    """Two workers: half of 100 candidates and a positive of 1,000 + 6 queries lie on the other one."""
    plan = plan_of(workers=2, queries=1_000, dim=100)
    each = 400 + 700 + 700 * constant.WORD_BYTES.value + 88
    assert stage_of(plan, "choose").network_bytes == pytest.approx(2_000 * 101 * each / 2)


@pytest.mark.parametrize("device", ["cpu", "h100"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_more_work_never_takes_less(device: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SIZES)))
    size = data.draw(st.integers(max(1, SIZES[name] // 100), SIZES[name] * 100))
    more = data.draw(st.integers(size, size * 20))
    workers = data.draw(st.integers(1, 64))
    if name == "documents":
        size, more = max(size, 100), max(more, 100)
    less, plan = (plan_of(device, workers, **{name: value}) for value in (size, more))
    for before, after in zip(less.stages, plan.stages, strict=True):
        assert after.seconds >= before.seconds * (1 - 1e-12), after.name
    for attribute in ("driver_bytes", "disk_bytes", "network_bytes", "worker_bytes", "device_bytes"):
        if attribute not in ("worker_bytes", "device_bytes") or not plan.notes:
            assert getattr(plan, attribute) >= getattr(less, attribute) * (1 - 1e-12), attribute


@pytest.mark.parametrize("device", ["cpu", *DEVICES])
def test_more_workers_take_no_longer(device: str) -> None:
    seconds = [plan_of(device, workers).seconds for workers in (2, 4, 16, 64)]
    assert seconds == sorted(seconds, reverse=True)
    share = [plan_of(device, workers, memory_bytes=1e15).worker_bytes for workers in (2, 4, 16, 64)]
    assert share == sorted(share, reverse=True)


def test_a_faster_network_or_device_takes_no_longer() -> None:
    by_network = [plan_of(network_gbit=gbit).seconds for gbit in (1, 10, 100)]
    assert by_network == sorted(by_network, reverse=True)
    assert plan_of("h100").seconds < plan_of("a100").seconds < plan_of("t4").seconds


@pytest.mark.parametrize(
    ("stage", "resource", "changes", "times"),
    [
        ("encode", "GPU", {"model_parameters": 2 * 86_000_000}, 2),
        ("encode", "GPU", {"tokens_per_document": 300, "tokens_per_query": 32}, 2),
        ("search", "GPU", {"documents": 20_000_000}, 2),
        ("search", "GPU", {"queries": 2 * 500_000}, 2),
        ("read", "processor", {"bytes_per_document": 2_100}, 3),
        ("index", "processor", {"documents": 30_000_000}, 3),
        ("choose", "processor", {"depth": 200}, 2),
    ],
)
def test_what_is_linear(stage: str, resource: str, changes: dict[str, int], times: float) -> None:
    before, after = (stage_of(plan, stage).seconds_by[resource] for plan in (plan_of(), plan_of(**changes)))
    assert after == pytest.approx(times * before)


@pytest.mark.parametrize("stage", ["encode", "search", "index", "choose"])
def test_work_is_shared_by_workers(stage: str) -> None:
    before, after = (stage_of(plan_of("cpu", workers), stage).seconds_by["processor"] for workers in (2, 6))
    assert before == pytest.approx(3 * after)


def test_one_worker_needs_no_network() -> None:
    assert all(stage.seconds_by.get("network", 0) == 0 for stage in plan_of(workers=1).stages)


def test_given_vectors_are_not_encoded() -> None:
    assert "encode" not in plan_of(model_parameters=0).seconds_by_stage()


def test_half_the_bytes_in_float16() -> None:
    assert plan_of(vector_type="float16").device_bytes == plan_of().device_bytes / 2


def test_vectors_that_a_device_cannot_hold_are_copied_for_each_sweep() -> None:
    """50M x 768 x 4 bytes a worker are 153.6 GB, of which 0.6 x 80 GB may be on the device: 13 workers for 614.4 GB."""
    plan = plan_of(documents=200_000_000)
    assert stage_of(plan, "search").seconds_by["bus"] > 0
    assert "153.6" not in plan.notes[0]
    assert plan.notes[0].startswith("vectors of a share, 154 GB, are more than the 48 GB of device memory")
    assert plan.notes[0].endswith("With 13 workers they stay there.")
    assert not plan_of(documents=200_000_000, workers=13).notes


def test_vectors_that_memory_cannot_hold_are_mapped() -> None:
    plan = plan_of("cpu", memory_bytes=16e9)  # 7.7 GB a worker, beside words, hubs and the process
    assert not plan.notes
    mapped = plan_of("cpu", memory_bytes=8e9)
    assert "mapped from disk" in mapped.notes[0]
    assert mapped.worker_bytes < 8e9
    disk = [stage_of(one, "search").seconds_by["disk"] for one in (plan, mapped)]
    assert disk[0] < disk[1]
    workers = int(mapped.notes[0].split(" With ")[1].split()[0])
    assert not plan_of("cpu", workers=workers, memory_bytes=8e9).notes
    assert plan_of("cpu", workers=workers - 1, memory_bytes=8e9).notes


def test_words_that_do_not_fit_are_said_with_what_helps() -> None:
    plan = plan_of("cpu", memory_bytes=2e9)
    assert plan.notes[0].startswith("does not fit: words and hubs")
    workers = int(plan.notes[0].split("Take ")[1].split()[0])
    assert not any("does not fit" in note for note in plan_of("cpu", workers=workers, memory_bytes=2e9).notes)
    assert "Give workers more (--memory)." in plan_of("cpu", memory_bytes=1e9).notes[0]


def test_a_driver_without_room_is_told() -> None:
    plan = plan_of(documents=2_000_000_000, workers=200, memory_bytes=64e9)
    assert any(note.startswith("the driver needs ") for note in plan.notes)
    assert plan.driver_bytes >= 2e9 * constant.DRIVER_BYTES.value


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--documents", "lots"], "documents is 'lots'; it takes a whole number"),
        (["--documents", "0"], "documents is 0; it takes a whole number from 1 on"),
        (["--dim", "0"], "dim is 0"),
        (["--depth", "0"], "depth is 0"),
        (["--workers", "0"], "workers is 0; it takes a whole number from 1"),
        (["--workers", "10", "--documents", "5"], "workers is 10, more than the 5 documents"),
        (["--cores", "0"], "cores is 0"),
        (["--network", "0"], "network is 0.0; it takes Gbit/s above 0"),
        (["--network", "nan"], "network"),
        (["--memory", "much"], "memory is 'much'; it takes a number with a unit"),
        (["--memory", "0"], "memory_bytes is 0"),
        (["--utilisation", "1.5"], "utilisation is 1.5; it takes a share"),
    ],
)
def test_bad_input_is_named(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *ISSUE, *flags]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("foolsgold plan: error: ")
    assert message in shown.err
    assert not shown.out


def test_names_that_are_not_there_are_named() -> None:
    with pytest.raises(SettingsError, match="device is 'b100'; it takes one of cpu, t4"):
        Machine.of_device("b100")
    with pytest.raises(SettingsError, match="plan_run takes no tokens; it takes documents, queries"):
        plan_run(10, 10, 4, tokens=3)
    with pytest.raises(SettingsError, match="documents is 1000000.0; it takes a whole number"):
        plan_run(1e6, 10, 4)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="vector_type is 'int8'"):
        plan_run(10, 10, 4, vector_type="int8")


def test_the_command_of_the_issue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *ISSUE]) == 0
    shown = capsys.readouterr().out
    plan = plan_run(100_000_000, 5_000_000, 768, model_parameters=110_000_000, workers=16,
                    machine=Machine.of_device("h100"))  # fmt: skip
    assert shown == f"{plan}\n"
    assert f"{plan.dominant.name} dominates" in shown
    for words in ("memory of the driver", "device memory a worker", "disk a worker", "network", "in sum"):
        assert words in shown


@pytest.mark.parametrize("device", ["cpu", "h100"])
@pytest.mark.parametrize("scale", [1, 10**9])
def test_the_table_names_every_constant_and_fits(device: str, scale: int) -> None:
    plan = plan_run(4 * scale, 3 * scale, 4096, model_parameters=7 * 10**9, workers=1 + scale // 10**7,
                    machine=Machine.of_device(device))  # fmt: skip
    lines = list(plan_lines(plan))
    assert max(map(len, lines)) <= 120
    text = " ".join(" ".join(lines).split())
    for stage in plan.stages:
        for one in stage.constants:
            assert one in plan.constants
            assert f"{one} ({one.source})" in text


@pytest.mark.parametrize("device", ["cpu", "h100"])
def test_json_holds_the_same_numbers(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *ISSUE, "--device", device, "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    plan = plan_run(100_000_000, 5_000_000, 768, model_parameters=110_000_000, workers=16,
                    machine=Machine.of_device(device))  # fmt: skip
    assert {stage["name"]: stage["seconds"] for stage in read["stages"]} == plan.seconds_by_stage()
    assert read["total"]["seconds"] == plan.seconds
    assert read["workload"]["documents"] == 100_000_000
    named = {one["name"] for one in read["constants"]}
    assert all(set(stage["constants"]) <= named for stage in read["stages"])
    assert all(one["source"] for one in read["constants"])


def _measured() -> dict[str, float]:
    """What the constants say they are, by the files that they name."""
    rates = json.loads((BENCHMARKS / "plan" / "results.json").read_text("utf-8"))
    speed = json.loads((BENCHMARKS / "speed" / "results.json").read_text("utf-8"))
    median, encoding = rates["median"], speed["encoding"]["result"]
    choosing = [run for run in speed["choosing"]["result"]["runs"] if run["n_queries"] == 100_000]
    of_jsonl = sorted(run["seconds"] for run in choosing if run["who"] == "foolsgold" and run["file_type"] == "jsonl")
    alone = sorted(run["seconds"] for run in choosing if run["who"] == "bytes alone" and run["file_type"] == "jsonl")
    n_bytes = next(run["n_bytes"] for run in choosing if run["who"] == "bytes alone" and run["file_type"] == "jsonl")
    alone_seconds = next(row for row in speed["search"]["result"]["table"] if row["way"] == "multiplication alone")[
        "seconds"
    ]
    n_tokens = encoding["documents"] * encoding["mean_tokens"]
    encode_seconds = sorted(encoding["ways"]["foolsgold, float32"]["seconds"])[1]
    rates_of = ("prepare", "hubs", "read", "tokenize", "words", "hear", "hear_value", "hear_byte", "start",
                "driver", "driver_bytes")  # fmt: skip
    growth = next(row for row in speed["growth"]["result"]["table"] if row["n_documents"] == 1_000_000)
    flops = 2 * growth["n_documents"] * growth["n_queries"] * speed["growth"]["result"]["dimensions"]
    return {
        **{name: median[name] for name in rates_of},
        "multiply": 2 * 100_000 * 20_000 * 384 / alone_seconds / speed["search"]["machine"]["cores"],
        "search": flops / growth["seconds"] / speed["growth"]["machine"]["cores"],
        "encode": 2 * constant.MINILM_PARAMETERS * n_tokens / encode_seconds / encoding["machine"]["cores"],
        "choose": of_jsonl[1] * speed["choosing"]["machine"]["cores"] / (100_000 * 100),
        "disk": n_bytes / alone[1],
        "token_bytes": rates["texts"]["token_bytes"],
        "word_bytes": rates["texts"]["word_bytes"],
    }


def test_measured_constants_are_what_the_benchmarks_say() -> None:
    measured = _measured()
    others = {"start": constant.START, "driver": constant.DRIVER, "disk": constant.DISK,
              "multiply": constant.MULTIPLY, "driver_bytes": constant.DRIVER_BYTES,
              "token_bytes": constant.TOKEN_BYTES, "word_bytes": constant.WORD_BYTES}  # fmt: skip
    for name, one in {**constant.MEASURED_CORE._asdict(), **others}.items():
        assert one.source.startswith("measured: benchmarks/"), name
        assert one.value == pytest.approx(measured[name], rel=0.05), name


def test_planning_imports_nothing_heavy() -> None:
    code = "import sys; from foolsgold.plan import plan_run; str(plan_run(10, 10, 4)); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "torch", "pyarrow", "psutil", "ray"} & set(loaded)


@pytest.mark.slow
def test_this_machine_measured_predicts_its_search() -> None:
    """A wide bar, for machines with other work."""
    import time

    import numpy as np

    from foolsgold import exact_topk
    from foolsgold.cores import n_cores

    machine = Machine.measured(start_seconds=0)
    assert machine.cores == n_cores()
    assert all(one.value > 0 for one in machine.core)
    rng = np.random.default_rng(1)
    documents, queries = (rng.standard_normal((n, 384), np.float32) for n in (50_000, 10_000))
    started = time.perf_counter()
    exact_topk(queries, documents, 100)
    seconds = time.perf_counter() - started
    predicted = machine.search_seconds(50_000 * 10_000, 384)
    assert seconds / 3 < predicted < seconds * 3
    assert "measured here" in str(plan_run(50_000, 10_000, 384, machine=machine))
