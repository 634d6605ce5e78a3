"""The bill of materials lists exactly what the lock pins."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from orchestration.settings import PROJECT_DIR


def test_it_lists_the_lock() -> None:
    lock = PROJECT_DIR / "requirements.lock"
    made = subprocess.run(
        [sys.executable, "-m", "tools.sbom", lock], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    ).stdout
    bill = json.loads(made)
    assert bill["bomFormat"] == "CycloneDX" and bill["specVersion"] == "1.6"
    lines = lock.read_text("utf-8").splitlines()
    pinned = sorted(line.split()[0] for line in lines if re.match(r"\S+==", line))
    assert sorted(f"{c['name']}=={c['version']}" for c in bill["components"]) == pinned and len(pinned) > 100
    hashes = [p["value"] for c in bill["components"] for p in c["properties"] if p["name"] == "cchc:sha256"]
    assert sorted(hashes) == sorted(re.findall(r"--hash=sha256:(\w+)", "\n".join(lines)))
    assert all(c["purl"] == f"pkg:pypi/{c['name']}@{c['version']}" for c in bill["components"])
    assert "://" not in made.replace(bill["$schema"], ""), "an address of a registry"
