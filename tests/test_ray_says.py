"""What people read of Ray's own words."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stdout

from foolsgold.scale.ray_says import RaySays

DIED = "\x1b[33m(raylet)\x1b[0m A worker died or was killed while executing a task. To …"
MEMORY = (
    "\x1b[33m(raylet)\x1b[0m Task handle failed due to oom. … killed due to the node running low on memory.\n more\n"
)
NODE = "(raylet, ip=10.0.0.2) The node with node id: de14 and address: 10.0.0.2 has been marked dead because …"
RETRY = "\x1b[33m(raylet)\x1b[0m Task Held.call failed. There are 8 retries remaining, so the task will be retried."


def said(*lines: str) -> list[str]:
    stderr = io.StringIO()
    with redirect_stdout(RaySays(stderr)):
        for line in lines:
            print(line)  # noqa: T201 - as Ray does
    return stderr.getvalue().splitlines()


def test_each_kind_of_loss_is_one_line_said_once() -> None:
    died, memory, node = said(DIED, RETRY, MEMORY, DIED, NODE, MEMORY)
    assert died == "Ray: a worker died; what it had begun is done again."
    assert memory.startswith("Ray: a worker was ended since its node has too little memory") and "--workers" in memory
    assert node == "Ray: a node was lost; what it had begun is done again."


def test_what_others_print_goes_on_as_it_is() -> None:
    assert said("loading", DIED, "", "(a model) of 3 parts")[2:] == ["", "(a model) of 3 parts"]
    assert said("loading")[0] == "loading"


BELOW = """
import os, sys
from foolsgold.scale.ray_says import ray_in_short
with ray_in_short():
    os.write(2, b"[2026-11-24 05:21:04,563 E 22091 22091] core_worker.cc:2465: Actor with class name: \\n")
    os.write(2, b"[2026-11-24 05:21:04,563 E 22091 22091] (raylet) node_manager.cc:12: Lease\\n")
    os.write(2, b"of a library\\n")
    print("of Python", file=sys.stderr)
    print("printed")
print("result")
print("after", file=sys.stderr)
"""


def test_what_the_cpp_part_of_ray_logs_does_not_get_to_stderr() -> None:
    done = subprocess.run([sys.executable, "-c", BELOW], capture_output=True, text=True, timeout=60)
    assert done.stdout == "result\n"
    assert sorted(done.stderr.splitlines()) == ["after", "of Python", "of a library", "printed"]
