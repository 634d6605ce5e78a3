"""How pages of a release are made, whatever they show: one style, one way from template to file, nothing from afar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

# What could end a script or open a comment in one; the text stays the same JSON.
_IN_SCRIPTS = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def environment(folder: Path) -> Environment:
    """The templates of a folder, which may include those of this one (`base.css`); what they are given is text."""
    return Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def in_script(data: Any) -> Markup:
    """Data as JSON that may stand inside a script of a page."""
    return Markup(json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPTS))
