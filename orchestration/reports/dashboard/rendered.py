"""The dashboard as HTML: one file with its figures, its style and its scripts, and nothing from the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestration.reports.dashboard.grammar import script

# What could end a script or open a comment in one; the text stays the same JSON.
_IN_SCRIPTS = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def rendered(content: Mapping[str, Any]) -> str:
    """The page's text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPTS)
    return environment.get_template("page.j2").render(content=content, data=Markup(data), script=Markup(script()))
