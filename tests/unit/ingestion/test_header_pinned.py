"""Which row is the header, of several sheets and rows, and what a rejection names (docs/landing-contract.md 1)."""

from __future__ import annotations

import pytest

from orchestration.ingestion.decode import Loader, RejectedFile, Sheet
from orchestration.ingestion.header import accepted_names, find, find_keys, match
from orchestration.sources import Column, Source, all_sources

DOSSIERS = all_sources()["dossiers"]
REGISTRY = all_sources()["civil_registrations"]
NAMES = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận"]
LAYOUT = ["so", "quyenSo", "noiDangKy", "nksNgaySinh", "ngayDangKy"]


def sheet(*head: list[str], name: str = "s", broken: RejectedFile | None = None) -> Sheet:
    return Sheet(name, [list(row) for row in head], Loader(), broken)


def rejected(*sheets: Sheet, source: Source = DOSSIERS) -> tuple[str, str]:
    with pytest.raises(RejectedFile) as caught:
        find(list(sheets), source)
    return caught.value.reason_code, str(caught.value)


def test_the_first_row_of_the_first_sheet_that_has_all() -> None:
    titles, part = ["BÁO CÁO"], ["Mã hồ sơ", "Ghi chú"]
    first, second = sheet(titles, part, name="first"), sheet(titles, [], NAMES, ["1", "2", "3", "4"], name="second")
    found, header = find([first, second, sheet(NAMES, name="third")], DOSSIERS)
    assert (found.name, header.row, header.width, header.has_numbering) == ("second", 3, 4, True)
    assert header.found["status"] == [("Trạng thái", 2)]
    assert find([sheet(NAMES)], DOSSIERS)[1].has_numbering is False


@pytest.mark.parametrize(
    ("row", "is_numbering"),
    [
        (["(1)", "(2)", "(3)", "(4)"], True), (["( 1 )", "", "(3) = (4) + (5)", "12"], True), (["=(1)+(2)", "1", "", ""], True),
        (["(1)", "(2)", "x", "4"], False), (["1.5", "2", "3", "4"], False), (["", "-", "", ""], False), ([], False), (["(1", "2"], False),
    ],
)  # fmt: skip
def test_the_row_of_numbers_under_the_header(row: list[str], is_numbering: bool) -> None:
    assert find([sheet(NAMES, row, ["(1)"])], DOSSIERS)[1].has_numbering is is_numbering


def test_what_lacks_is_named_from_the_best_row() -> None:
    code, text = rejected(sheet(["Mã hồ sơ"], ["Mã hồ sơ", "Mã TTHC", "Kênh"], ["Mã hồ sơ", "Trạng thái"]))
    assert code == "missing_column" and "column status is lacking" in text
    code, text = rejected(sheet(["Mã hồ sơ", "Kênh"]), sheet(["Trạng thái", "Mã TTHC"]))
    assert code == "missing_column" and "column procedure_code, status is lacking" in text


def test_one_known_name_is_no_header() -> None:
    for head in ([], [["BÁO CÁO"]], [["Mã hồ sơ"], ["Ghi chú"]]):
        assert rejected(sheet(*head))[0] == "no_header"


def test_a_file_that_ends_early_says_so() -> None:
    cut = RejectedFile("truncated", "the file ends early")
    assert rejected(sheet(["BÁO CÁO"], broken=cut)) == ("truncated", "the file ends early")
    assert rejected(sheet(["BÁO CÁO"]), sheet(["Mã hồ sơ"], broken=cut))[0] == "truncated"
    assert rejected(sheet(NAMES, broken=cut))[0] == "truncated"
    assert rejected(sheet(["Mã hồ sơ", "Kênh"], broken=cut))[0] == "missing_column"


def test_a_name_that_stands_twice() -> None:
    code, text = rejected(sheet([*NAMES, "trang thai"]))
    assert code == "duplicate_header" and "'Trạng thái'" in text
    # In a row that is no header nothing is said of it.
    assert find([sheet(["Mã hồ sơ", "Mã hồ sơ"], NAMES)], DOSSIERS)[1].row == 2
    # Two names of one column, and unknown ones, may stand side by side.
    assert find([sheet([*NAMES, "Số hồ sơ", "x", "x"])], DOSSIERS)[1].width == 7


def test_joined_names_count_together() -> None:
    """A registration code is joined of three columns; a layout of its own needs no commune code."""
    header = find([sheet(LAYOUT)], REGISTRY)[1]
    assert header.missing(REGISTRY) == []
    assert header.texts == {*LAYOUT[:4], "NgayDangKy"}
    assert not header.requires(REGISTRY.column("commune_code")) and header.requires(REGISTRY.column("event_date"))
    assert "registration_code is lacking" in rejected(sheet(LAYOUT[1:]), source=REGISTRY)[1]
    plain = ["Mã đăng ký", "Loại việc", "Ngày sự kiện", "Ngày đăng ký"]
    assert "column commune_code is lacking" in rejected(sheet(plain), source=REGISTRY)[1]
    assert find([sheet([*plain, "Mã xã"])], REGISTRY)[1].missing(REGISTRY) == []


def test_best_name_first_wherever_it_stands() -> None:
    found, unknown, twice = match(["Số hồ sơ", "dossier_code", "Mã hồ sơ"], DOSSIERS)
    assert found["dossier_code"] == [("dossier_code", 1), ("Mã hồ sơ", 2), ("Số hồ sơ", 0)]
    assert (unknown, twice) == ([], [])


def test_keys_of_nested_lists_count_in_json_alone() -> None:
    fee = DOSSIERS.column("fee_amount")
    key = fee.json_rule.key
    assert key in accepted_names(fee, is_json=True) and key not in accepted_names(fee)
    assert accepted_names(Column(name="a", kind="text", names=("b",))) == ["a", "b"]
    assert match([key], DOSSIERS)[0] == {}
    assert "fee_amount" not in find([sheet([*NAMES, key])], DOSSIERS)[1].found
    assert find_keys([key], DOSSIERS, has_records=False).found == {"fee_amount": [(key, 0)]}


def test_keys_of_json_records() -> None:
    nested = DOSSIERS.nested[0].key
    keys = ["MaHoSo", "maHoSo", "MaTTHC", "TrangThaiHoSo", "NgayTiepNhan", "GhiChu", nested, nested.upper()]
    header = find_keys(keys, DOSSIERS, has_records=True)
    assert (header.row, header.width, header.unknown, header.has_numbering) == (0, 8, ["GhiChu"], False)
    assert header.found["dossier_code"] == [("MaHoSo", 0), ("MaHoSo", 1)]
    with pytest.raises(RejectedFile, match="column procedure_code, status") as caught:
        find_keys(["MaHoSo"], DOSSIERS, has_records=True)
    assert caught.value.reason_code == "missing_column"
    assert find_keys(["MaHoSo"], DOSSIERS, has_records=False).width == 1
