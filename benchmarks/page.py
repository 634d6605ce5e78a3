"""Ratios over commits, from all that benches have kept: `python -m benchmarks.page [FILE.html]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import altair as alt
import pandas as pd

RESULTS = Path(__file__).parent / "results"


def kept() -> pd.DataFrame:
    """One row per work and bench: its ratio to its goal, 1 being the goal itself."""
    rows = []
    for path in sorted(RESULTS.glob("*.json")):
        bench = json.loads(path.read_text("utf-8"))
        rows += [
            {
                "at": bench["at"], "commit": bench["commit"], "dossiers": f"{bench['dossiers']:,}",
                "work": work["name"], "median": work["median"],
                "goal": work["goal"], "ratio": work["ratio"],
                "of the goal": (work["ratio"] if work["peer"] else work["median"]) / work["goal"],
            }
            for work in bench["works"]
            if work["goal"] and (work["ratio"] or not work["peer"])
        ]  # fmt: skip
    return pd.DataFrame(rows)


def page(rows: pd.DataFrame) -> alt.Chart:
    lines = (
        alt.Chart(rows)
        .mark_line(point=True)
        .encode(
            x=alt.X("at:T", title=None),
            y=alt.Y("of the goal:Q", title="of the goal", scale=alt.Scale(type="log")),
            color=alt.Color("dossiers:N"),
            tooltip=["commit:N", "work:N", "dossiers:N", "median:Q", "ratio:Q", "goal:Q", "of the goal:Q"],
        )
        .properties(width=280, height=140)
    )
    goal = alt.Chart(pd.DataFrame({"y": [1]})).mark_rule(strokeDash=[4, 4]).encode(y="y")
    return alt.layer(goal, lines, data=rows).facet("work:N", columns=3)


if __name__ == "__main__":
    if (rows := kept()).empty:
        sys.exit("no bench with a goal is kept yet: run `make bench` first")
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / "index.html"
    page(rows).save(to, inline=True)
    print(f"drawn in {to}")
