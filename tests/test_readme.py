"""The README's examples and commands, as written."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from foolsgold.cli import command_parser, main
from foolsgold.engine_flags import engine_of

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL)
COMMANDS = [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if block.startswith("foolsgold ")]


def test_the_readme_has_examples() -> None:
    assert (len(EXAMPLES), len(COMMANDS)) == (README.count("```python"), 3)


@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_an_example_prints_what_the_readme_says(code: str, output: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == output


@pytest.mark.parametrize("line", [line for block in COMMANDS[1:] for line in block.splitlines()])
def test_other_commands_are_understood(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, *arguments = shlex.split(line)
    options = command_parser().parse_args(arguments)
    if options.command == "plan":
        assert main(arguments) == 0
        assert "search" in capsys.readouterr().out
    else:
        assert engine_of(options) is not None


@pytest.mark.slow
def test_the_commands(tmp_path: Path) -> None:
    """Minutes: several thousand documents are encoded for real."""
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-euc", COMMANDS[0]], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["python-docs", "mined", "gentler", "mined/train.flagembedding.jsonl"]
    assert run.stderr.count("example 3") == 2
    report = json.loads((tmp_path / "mined" / "report.json").read_text("utf-8"))
    assert report["collection"]["documents"] > 2_000
    assert report["yield_ratio"] > 0.8
    assert 0.2 < report["hardness"] < report["scores"]["positives_of_chosen_pairs"]["p50"]
    gentler = json.loads((tmp_path / "gentler" / "report.json").read_text("utf-8"))
    assert gentler["hardness"] < report["hardness"]
    row = json.loads((tmp_path / "mined" / "train.flagembedding.jsonl").read_text("utf-8").splitlines()[0])
    assert list(row) == ["query", "pos", "neg"]
