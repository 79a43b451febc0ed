"""One page: a template that escapes, styles and scripts inlined, and a policy that lets nothing else run or load."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

PLOTS = ("vendor/d3.min.js", "vendor/plot.umd.min.js")  # before a script that draws
_JSON_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Page:
    """A template and the scripts that it runs, all files of this package.

    The Content Security Policy in the page names the hash of each script, so that no text that came in by whatever way
    can run, and allows no connection but those of `connect`.

    Attributes:
        template: such as "report.html"; it extends "base.html".
        scripts: in the order in which they run, after "common.js".
        connect: "'none'", or "'self'" for a page that a server of ours serves.
    """

    template: str
    scripts: Sequence[str]
    connect: str = "'none'"

    def render(self, *, data: Any, **context: Any) -> str:
        """The whole page.

        Args:
            data: what scripts read, as `foolsgold.data`; plain values that JSON can hold.
            **context: what the template shows, escaped.
        """
        scripts = [_read(name) for name in ("common.js", *self.scripts)]
        return (
            _templates()
            .get_template(self.template)
            .render(
                policy=self.policy, style=_read("style.css"), scripts=scripts, data=as_embedded_json(data), **context
            )
        )

    @property
    def policy(self) -> str:
        """The Content Security Policy, also for a server's header."""
        hashes = " ".join(f"'sha256-{_hash(_read(name))}'" for name in ("common.js", *self.scripts))
        return (
            f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
            f"connect-src {self.connect}; base-uri 'none'; form-action 'none'"
        )


def as_embedded_json(data: Any) -> str:
    """JSON that may stand in a script element: no tag, comment or entity can begin in it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_JSON_ESCAPES)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("foolsgold.pages", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def _read(name: str) -> str:
    return files("foolsgold.pages").joinpath(name).read_text("utf-8")


def _hash(script: str) -> str:
    return base64.b64encode(sha256(script.encode()).digest()).decode()
