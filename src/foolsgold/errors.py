"""Every error that foolsgold raises on purpose.

FoolsgoldError
├── SettingsError       an argument, flag or combination of them that cannot work
├── CollectionError     a collection that cannot be mined as it is
│   └── BadRowError     one line or row of it
├── VectorError         vectors of the wrong shape, type or content
├── ModelError          a model that cannot be loaded or used
│   └── TextError       one text that it does not take
├── WorkerError         another process that died, or a cluster that did
├── MissingExtraError   an optional package that is not installed
└── OutputError         results that could not be written
"""

from functools import partial


class FoolsgoldError(Exception):
    """The root: catches whatever foolsgold raises on purpose."""

    exit_status = 1


class SettingsError(FoolsgoldError, ValueError):
    """Names the argument, what it got, what it takes, and how to mend it."""

    exit_status = 2


class CollectionError(FoolsgoldError, ValueError):
    """Says which file or argument, what is wrong with it, and how to mend it."""


class BadRowError(CollectionError):
    """Says which file and line, or which item."""


class VectorError(FoolsgoldError, ValueError):
    """Says which vectors, and the first row that is wrong."""


class ModelError(FoolsgoldError, ValueError):
    """Says which model, why it cannot be used, and what else can be given."""


class TextError(ModelError):
    """Says which text, by its place among those that were to be encoded, and why the model does not take it."""

    def __init__(self, problem: str, *, row: int) -> None:
        super().__init__(f"text {row} {problem}")
        self.problem = problem
        self.row = row

    def __reduce__(self) -> tuple[object, ...]:
        return partial(TextError, row=self.row), (self.problem,)  # from one process to another


class WorkerError(FoolsgoldError, RuntimeError):
    """Another process died or failed in a way that nothing foresaw; says how to go on."""


class MissingExtraError(FoolsgoldError, ImportError):
    """Names the option, the extra, and the line that installs it."""


class OutputError(FoolsgoldError, OSError):
    """Says what could not be written, and that earlier output is untouched."""
