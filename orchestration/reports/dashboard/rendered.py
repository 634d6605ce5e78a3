"""The dashboard as HTML: one file with its figures, its style and its scripts, and nothing from the network."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from orchestration.reports.dashboard.grammar import script
from orchestration.reports.layout import environment

# From 5 on it takes thrice the time for a tenth of the size.
LEVEL = 4


def rendered(content: Mapping[str, Any]) -> str:
    """The page's text."""
    template = environment(Path(__file__).parent).get_template("page.j2")
    return template.render(content=content, data=packed(content), script=Markup(script()))


def packed(content: Mapping[str, Any]) -> str:
    """Data as the page holds it: JSON, deflated, in base 64. Figures of many periods are a quarter of their text so."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return b64encode(zlib.compress(text.encode(), LEVEL)).decode("ascii")
