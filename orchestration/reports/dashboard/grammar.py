"""The script that draws the charts: Vega, Vega-Lite and Vega-Embed as one, from the installed package."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.metadata import version

from orchestration.files import write_text
from orchestration.settings import PROJECT_DIR


def script() -> str:
    """The script as text.

    Bundling it takes a second of CPU, so that it is kept beside what dbt parsed (`target/`, which may be deleted at any
    time), one file a version of the package, wherever the project may be written.
    """
    kept = PROJECT_DIR / "target" / f"vega-{version('vl-convert-python')}.js"
    with suppress(OSError):
        return kept.read_text("utf-8")
    import vl_convert

    made = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub lacks the default
    made = made.replace("</script", "<\\/script")
    if os.access(kept.parent if kept.parent.exists() else PROJECT_DIR, os.W_OK):
        with suppress(OSError):
            kept.parent.mkdir(exist_ok=True)
            write_text(kept, made)
    return made
