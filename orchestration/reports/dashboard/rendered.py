"""The dashboard as HTML: one file with its figures, its style and its scripts, and nothing from the network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from orchestration.reports.dashboard.grammar import script
from orchestration.reports.layout import environment, in_script


def rendered(content: Mapping[str, Any]) -> str:
    """The page's text."""
    template = environment(Path(__file__).parent).get_template("page.j2")
    return template.render(content=content, data=in_script(content), script=Markup(script()))
