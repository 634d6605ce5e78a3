"""Which header cell names which column (docs/landing-contract.md 1), for every name of every declared source."""

from __future__ import annotations

import unicodedata

import pytest

from orchestration.ingestion.decode import Loader, RejectedFile, Sheet
from orchestration.ingestion.header import find, find_keys, match
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
    found, unknown, twice = match(
        ["Số hồ sơ", "Ghi chú", "Mã hồ sơ", "GHI CHÚ", "", "Trạng thái", "trang thai"], DOSSIERS
    )
    assert [name for name, _ in found["dossier_code"]] == ["Mã hồ sơ", "Số hồ sơ"]
    assert unknown == ["Ghi chú", "GHI CHÚ"]
    assert twice == ["Trạng thái"]


def test_unknown_headers_are_listed_without_what_they_may_tell() -> None:
    """A row in the header's place, control characters, a text without end, thousands of columns."""
    known = ["dossier_code", "procedure_code", "status"]
    odd = [
        "097111222333",
        "Số  097 111\u200b 222\n333 cũ",
        "\x1b[31mGhi\x07 chú",
        "+84 90 123 4567",
        "x" * 500,
        "Năm 2023",
    ]
    _, header = find([Sheet("", [known + odd], Loader())], DOSSIERS)
    assert header.unknown == ["*********", "Số ********* cũ", "[31mGhi chú", "+*********", "x" * 79 + "…", "Năm 2023"]
    _, header = find([Sheet("", [known + [f"Cột {n}" for n in range(1500)]], Loader())], DOSSIERS)
    assert header.unknown == [*[f"Cột {n}" for n in range(50)], "… and 1450 more"]
    keys = find_keys([*known, "Số 097.111.222.333", "DanhSachHoSoBoSung"], DOSSIERS, has_records=True)
    assert keys.unknown == ["Số *********"]


def test_a_header_that_stands_twice_is_quoted_by_its_accepted_name() -> None:
    with pytest.raises(RejectedFile, match="the header 'Trạng thái' stands twice"):
        find(
            [Sheet("", [["dossier_code", "procedure_code", "TRANG\x0b THAI", "trạng\u200b thái"]], Loader())], DOSSIERS
        )


def test_a_rejection_is_one_sentence() -> None:
    error = RejectedFile("missing_column", "the required column status is lacking")
    assert (error.reason_code, str(error)) == ("missing_column", "the required column status is lacking")
