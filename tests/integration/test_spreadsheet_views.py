"""Schema bao_cao: the published tables under Vietnamese names, row for row and figure for figure."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.publishing import views
from orchestration.publishing.views import View, name_of, term
from orchestration.reports.review.declared import texts
from orchestration.sources import all_sources


@pytest.fixture(scope="module")
def made(home: Path) -> list[View]:
    with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as con:
        return views.views(con.table("marts.data_dictionary"))


@pytest.mark.parametrize(
    ("description", "said", "name"),
    [
        ("Code of the agency (mã đơn vị).", "mã đơn vị", "ma_don_vi"),
        ("How: direct (kênh thực hiện: trực tiếp, trực tuyến).", "kênh thực hiện", "kenh_thuc_hien"),
        ("Kind (xã) or town (thị xã) (loại đơn vị hành chính).", "loại đơn vị hành chính", "loai_don_vi_hanh_chinh"),
        ("Number (số, ký hiệu văn bản).", "số, ký hiệu văn bản", "so_ky_hieu_van_ban"),
    ],
)
def test_a_name_is_the_term_that_closes_the_description(description: str, said: str, name: str) -> None:
    assert (term(description), name_of(description)) == (said, name)


def test_names_are_typed_without_quotes_and_stand_once(release: duckdb.DuckDBPyConnection, made: list[View]) -> None:
    [(reserved,)] = release.execute(
        "select list(keyword_name) from duckdb_keywords() where keyword_category = 'reserved'"
    ).fetchall()
    assert len(made) >= 25
    for view in made:
        names = [column.name for column in view.columns]
        assert len(set(names)) == len(names), view.name
        for name in [view.name, *names]:
            assert name.isascii() and name.isidentifier() and name == name.lower() and name not in reserved, name
            release.execute(f"select {', '.join(names)} from bao_cao.{view.name} limit 0")


def test_no_join_adds_or_drops_a_row(release: duckdb.DuckDBPyConnection, made: list[View]) -> None:
    counted = {}
    for view in made:
        where = f"where {view.declared.where}" if view.declared.where else ""
        [(shown, published)] = release.execute(
            f"select (select count(*) from bao_cao.{view.name}), (select count(*) from marts.{view.declared.of} {where})"
        ).fetchall()
        counted[view.name] = (shown, published)
    assert {name: both for name, both in counted.items() if both[0] != both[1]} == {}
    assert sum(shown > 0 for shown, _ in counted.values()) >= 12


def test_every_code_is_shown_by_its_word(release: duckdb.DuckDBPyConnection, made: list[View]) -> None:
    """As many rows bear the word as the code, and no code is left."""
    seen = 0
    for view in made:
        where = f"where {view.declared.where}" if view.declared.where else ""
        for column in view.columns:
            if not column.words or column.table != view.declared.of:
                continue
            shown = dict(
                release.execute(f"select {column.name}, count(*) from bao_cao.{view.name} group by all").fetchall()
            )
            codes = release.execute(
                f"select {column.shows}, count(*) from marts.{column.table} {where} group by all"
            ).fetchall()
            assert shown == {column.words[code] if code is not None else None: n for code, n in codes}, view.name
            seen += len(codes)
    assert seen > 40


def test_figures_are_those_of_kpi_values(release: duckdb.DuckDBPyConnection) -> None:
    differ = "from (select {} from {}) except all (select {} from {}) limit 1"
    published = ("kpi_code, period_start, period_end, numerator, denominator, value", "marts.kpi_values")
    shown = "ma_chi_tieu, tu_ngay, den_ngay, tu_so, mau_so, gia_tri"
    for view, where in (("chi_tieu", ""), ("chi_tieu_toan_tinh", " where scope_type = 'province'")):
        ours, theirs = (shown, f"bao_cao.{view}"), (published[0], published[1] + where)
        assert release.execute(differ.format(*ours, *theirs)).fetchall() == []
        assert release.execute(differ.format(*theirs, *ours)).fetchall() == []
    rate = release.execute(
        "select ten_don_vi, gia_tri from bao_cao.chi_tieu_don_vi where ma_chi_tieu = 'on_time_rate' and loai_ky = 'Năm' "
        "and ma_pham_vi = 'H99.01' and tu_ngay = date '2023-01-01'"
    ).fetchall()
    expected = release.execute(
        "select agency_name, value from marts.kpi_values join marts.dim_agency on agency_code = scope_code and is_current "
        "where kpi_code = 'on_time_rate' and period_type = 'year' and scope_code = 'H99.01' and scope_type = 'agency' "
        "and period_start = date '2023-01-01'"
    ).fetchall()
    assert rate == expected and len(rate) == 1 and 0 < rate[0][1] < 1


def test_no_pseudonym_is_shown(made: list[View]) -> None:
    shown = {column.shows for view in made for column in view.columns}
    pseudonyms = {c.stored_name for s in all_sources().values() for c in s.identities}
    assert not shown & pseudonyms and "applicant_key" in pseudonyms
    assert {column.personal_data_class for view in made for column in view.columns} <= {"none", "free_text"}


def test_the_dictionary_and_the_comments_say_what_a_column_is(
    release: duckdb.DuckDBPyConnection, made: list[View]
) -> None:
    told = release.execute(
        "select table_name, column_name, description from marts.data_dictionary where table_schema = 'bao_cao'"
    ).fetchall()
    commented = release.execute(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'bao_cao'"
    ).fetchall()
    assert sorted(told) == sorted(commented) and len(told) == sum(len(view.columns) for view in made)
    titles = dict(
        release.execute("select view_name, comment from duckdb_views() where schema_name = 'bao_cao'").fetchall()
    )
    assert titles == {view.name: view.declared.title for view in made}


def test_they_answer_in_a_file_of_another_name(home: Path, tmp_path: Path) -> None:
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "bản sao.duckdb")
    with duckdb.connect() as con:
        con.execute(f"attach '{tmp_path}/bản sao.duckdb' as khac (read_only)")
        [(dossiers, open_ones)] = con.execute(
            "select (select count(*) from khac.bao_cao.ho_so), (select count(*) from khac.bao_cao.ho_so_dang_giai_quyet)"
        ).fetchall()
    assert dossiers == 15 and 0 < open_ones < 15


def test_a_code_has_one_word_in_the_house() -> None:
    """The review page's, in capitals."""
    words = views.declared().words
    for ours, theirs in (
        ("bucket", texts().buckets),
        ("timeliness", texts().timeliness),
        ("reason_code@restatements", texts().restatements),
        ("scope_type", texts().scopes),
        ("status@scorecard_values", texts().scores),
    ):
        said = {code: word.casefold() for code, word in theirs.items()}
        assert {str(code): word.casefold() for code, word in words[ours].items()} == said, ours


def test_words_are_those_that_exports_bear() -> None:
    """Where a declared source accepts words for a code, the view shows one of them; each code has a word."""
    words, tied = views.declared().words, 0
    for source in all_sources().values():
        for column in source.columns:
            shown = words.get(f"{column.name}@fct_{source.table}") or words.get(
                {"status": "status_code"}.get(column.name, column.name)
            )
            if column.kind != "list" or not shown:
                continue
            for code, accepted in column.values.items():
                names = {name.casefold() for name in accepted if " " in name or not name.isascii()}
                if names:
                    word = shown[int(code) if code.isdigit() else code]
                    assert word.casefold() in names or any(word.casefold().startswith(n) for n in names), (
                        source.source,
                        code,
                    )
                    tied += 1
    assert tied > 30
