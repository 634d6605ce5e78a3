"""Which header cell names which column (contract, section 1), for every name of every declared source."""

from __future__ import annotations

import unicodedata

import pytest

from orchestration.ingestion.decode import RejectedFile
from orchestration.ingestion.header import match
from orchestration.sources import all_sources
from tests.support import declared
from tests.support.cells import fold

DOSSIERS = all_sources()["dossiers"]


def test_every_source_of_the_contract_is_declared() -> None:
    assert set(all_sources()) == set(declared.SOURCES)


@pytest.mark.parametrize("source", sorted(all_sources()))
def test_names_are_accepted_however_written(source: str) -> None:
    for column in declared.SOURCES[source]:
        for name in column.names:
            for spelled in (
                name, name.upper(), f"  {name.replace(' ', '  ')}\n", unicodedata.normalize("NFD", name), fold(name),
                name.replace(" ", "\u00a0"), f"\ufeff{name}",
            ):  # fmt: skip
                found, unknown, twice = match([spelled], all_sources()[source])
                assert (list(found), unknown, twice) == ([column.name], [], []), (source, spelled)


def test_order_unknown_and_twice() -> None:
    found, unknown, twice = match(["Số hồ sơ", "Ghi chú", "Mã hồ sơ", "GHI CHÚ", "", "Trạng thái", "trang thai"], DOSSIERS)
    assert [name for name, _ in found["dossier_code"]] == ["Mã hồ sơ", "Số hồ sơ"]
    assert unknown == ["Ghi chú", "GHI CHÚ"]
    assert twice == ["Trạng thái"]


def test_a_rejection_is_one_sentence() -> None:
    error = RejectedFile("missing_column", "the required column status is lacking")
    assert (error.reason_code, str(error)) == ("missing_column", "the required column status is lacking")
