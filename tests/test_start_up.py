from __future__ import annotations

import subprocess
import sys
from time import perf_counter

import pytest

HELP = ("-m", "foolsgold.cli", "--help")
IMPORT = ("-c", "import foolsgold")


def run(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("arguments", [HELP, IMPORT])
def test_it_starts_in_less_than_a_third_of_a_second(arguments: tuple[str, ...]) -> None:
    seconds = []
    for _ in range(5):  # the best of five: the machine may be busy
        start = perf_counter()
        run(*arguments)
        seconds.append(perf_counter() - start)
    assert min(seconds) < 0.3


@pytest.mark.parametrize(
    "code",
    [
        "import foolsgold",
        "from foolsgold.cli import main\ntry:\n    main(['mine', '--help'])\nexcept SystemExit:\n    pass",
    ],
)
def test_what_is_heavy_is_imported_when_it_is_needed(code: str) -> None:
    loaded = run("-c", f"{code}\nimport sys; print('LOADED', *sys.modules)").split("LOADED")[1].split()
    assert not {"torch", "sentence_transformers", "pyarrow", "numpy", "tqdm", "scipy"} & set(loaded)


def test_public_names_are_there_however_they_are_asked_for() -> None:
    run("-c", "from foolsgold import *; read_beir, mine, MiningSettings, SimpleMiner")
    run("-c", "import foolsgold; assert set(foolsgold.__all__) <= set(dir(foolsgold))")
    missing = "import foolsgold\ntry:\n    foolsgold.mein\nexcept AttributeError as error:\n    print(error)"
    assert run("-c", missing) == "module 'foolsgold' has no attribute 'mein'\n"


@pytest.mark.parametrize("first", ["import foolsgold.{0}", "from foolsgold.{0} import {0}", "foolsgold.{0}"])
def test_a_function_is_not_hidden_by_the_module_of_its_name(first: str) -> None:
    names = ("calibrate", "compare", "export_negatives", "mine")
    lines = [f"{first}; print(type(foolsgold.{{0}}).__name__)".format(name) for name in names]
    assert run("-c", "\n".join(["import foolsgold", *lines])) == "function\n" * len(names)
