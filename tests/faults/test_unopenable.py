"""A landed file that cannot be opened is one rejected file, read again as soon as it can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.ingestion import ingest
from orchestration.ingestion.landing import LandedFile
from tests.conftest import GOLDEN
from tests.support import nights


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ingest._sum_of

    def refused(file: LandedFile) -> str:
        if file.path.name.startswith("hoso_20230310"):
            raise PermissionError(13, "Permission denied")
        return whole(file)

    def night() -> dict[str, str]:
        tonight = nights.ingested(GOLDEN, tmp_path / "home")
        return {f.source_file: f.status for f in tonight.files if f.source == "dossiers"}

    with monkeypatch.context() as locked:
        locked.setattr(ingest, "_sum_of", refused)
        assert night()["dossiers/hoso_20230310_2300.csv"] == "rejected"
        assert night()["dossiers/hoso_20230630_2300.csv"] == "accepted"
    assert night()["dossiers/hoso_20230310_2300.csv"] == "accepted"
