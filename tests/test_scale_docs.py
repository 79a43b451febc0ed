"""docs/scale.md: its table of growth is what its commands print, and its commands and files are whole."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from foolsgold.cli import main
from foolsgold.plan.units import show_bytes, show_count, show_seconds

PAGE = (Path(__file__).parents[1] / "docs" / "scale.md").read_text("utf-8")
GROWTH = PAGE.split("### Growth to a billion documents")[1]
COMMANDS = [shlex.split(line)[1:] for line in GROWTH.split("```sh\n")[1].split("```")[0].splitlines()]
HEAD = ("documents", "queries", "workers", "encode", "index", "search", "choose", "rest", "total",
        "memory a worker", "device memory", "driver", "disk", "network", "longest")  # fmt: skip


def growth_row(plan: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table, of what --json prints."""
    seconds = {stage["name"]: stage["seconds"] for stage in plan["stages"]}
    apart = {name: seconds.pop(name) for name in ("encode", "index", "search", "choose")}
    work, total, worker = plan["workload"], plan["total"], plan["worker"]
    longest = next(stage for stage in plan["stages"] if stage["name"] == total["dominant"])
    device = f"{worker['cores']} cores" if worker["device"] == "cpu" else worker["device"]
    return (
        show_count(work["documents"]), show_count(work["queries"]), f"{plan['workers']} × {device}",
        *map(show_seconds, apart.values()), show_seconds(sum(seconds.values())), show_seconds(total["seconds"]),
        show_bytes(total["worker_bytes"]), show_bytes(total["device_bytes"]), show_bytes(total["driver_bytes"]),
        show_bytes(total["disk_bytes"]), show_bytes(total["network_bytes"]),
        f"{longest['name']} ({longest['bound_by']})",
    )  # fmt: skip


def table_rows(text: str) -> list[tuple[str, ...]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def test_the_growth_table_is_what_its_commands_print(capsys: pytest.CaptureFixture[str]) -> None:
    rows = []
    for command in COMMANDS:
        assert main([*command, "--json"]) == 0
        rows.append(growth_row(json.loads(capsys.readouterr().out)))
    head, _, *shown = table_rows(GROWTH.split("The commands, in the order of the rows")[0])
    assert head == HEAD
    assert shown == rows
    assert [row[0] for row in shown] == ["1M", "10M", "100M", "1B"]


def test_nothing_of_the_table_fails_to_fit(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert main(command) == 0
        assert "does not fit" not in capsys.readouterr().out


def test_every_shell_command_of_foolsgold_is_one() -> None:
    from foolsgold.cli import command_parser

    text = PAGE.replace("\\\n", " ")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("foolsgold ")]
    assert len(commands) > len(COMMANDS)
    has_engines = "--engine" in {flag for action in command_parser()._actions[-1].choices["mine"]._actions  # type: ignore[index, call-overload, union-attr]
                                 for flag in action.option_strings}  # fmt: skip
    for command in commands:
        if "--engine" not in command or has_engines:
            command_parser().parse_args(command)


def test_the_yaml_is_a_ray_job() -> None:
    yaml = pytest.importorskip("yaml")
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    job = yaml.safe_load(text)
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    images = [group["template"]["spec"]["containers"][0]["image"]
              for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]  # fmt: skip
    assert len(set(images)) == 1
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[:2] == ["foolsgold", "mine"]
    replicas = sum(group["replicas"] for group in cluster["workerGroupSpecs"])
    assert words[words.index("--workers") + 1] == str(replicas)
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        mounts = {mount["mountPath"] for mount in group["template"]["spec"]["containers"][0]["volumeMounts"]}
        assert all(any(words[words.index(flag) + 1].startswith(mount) for mount in mounts)
                   for flag in ("--cache", "--out", "--model"))  # fmt: skip


def test_links_within_the_page_lead_somewhere() -> None:
    anchors = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
               for title in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)}  # fmt: skip
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
