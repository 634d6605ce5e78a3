"""Great Expectations' Data Docs as pages that open from the file system, offline, with no row's content.

GX's templates load a dozen libraries and pictures from the internet and have no switch for it. What the
pages use of them is a few styles and one table script: those stand in `docs_assets/` and replace the links.
"""

from __future__ import annotations

import html
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.quality.reviewed import Suite

_ASSETS = Path(__file__).parent / "docs_assets"
_SITE = "Kiểm tra chất lượng dữ liệu"
_KEPT_RESULT = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent")

_REMOVED = re.compile(
    r"<script src=\"https?://[^>]*></script>\s*"
    r"|<link [^>]*href=\"https?://[^>]*>\s*"
    r"|<link rel=\"shortcut icon\"[^>]*>\s*"
    r"|<img\s[^>]*src=\"https?://[^>]*>"
    r"|<footer>.*?</footer>"
    r"|background: url\('https?://[^;]*;",
    re.DOTALL,
)
# GX writes its own words in English only; those that stand alone in an element or a table's column.
_VIETNAMESE = {
    "Actions": "Thao tác",
    "Asset Name": "Nội dung kiểm tra",
    "Batch ID": "Khung dữ liệu",
    "Data Docs": "Báo cáo",
    "Evaluated Expectations": "Số quy tắc đã kiểm tra",
    "Expectation": "Quy tắc",
    "Evaluates whether a batch of data matches expectations.": "Dữ liệu có đúng với các quy tắc không.",
    "Expectation Suite": "Bộ quy tắc",
    "Expectation Suite:": "Bộ quy tắc:",
    "Expectation Suites": "Bộ quy tắc",
    "Expectation Validation Result": "Kết quả kiểm tra",
    "Failed Only": "Chỉ quy tắc không đạt",
    "Home": "Trang đầu",
    "Info": "Thông tin",
    "Observed Value": "Kết quả",
    "Overview": "Tổng quan",
    "Run Name": "Lần chạy",
    "Run Time": "Thời điểm (UTC)",
    "Show All": "Tất cả",
    "Show more info...": "Thông tin thêm…",
    "Statistics": "Tổng hợp",
    "Status": "Trạng thái",
    "Status:": "Trạng thái:",
    "Success Percent": "Tỷ lệ đạt",
    "Successful Expectations": "Số quy tắc đạt",
    "Table of Contents": "Mục lục",
    "Table-Level Expectations": "Quy tắc trên cả bảng",
    "Unsuccessful Expectations": "Số quy tắc không đạt",
    "Validation Filter:": "Lọc kết quả:",
    "Validation Results": "Kết quả kiểm tra",
}
_WORDS = re.compile(
    r"((?:>|'title': ')\s*)("
    + "|".join(re.escape(words) for words in sorted(_VIETNAMESE, key=len, reverse=True))
    + r")(\s*(?:<|'))"
)
_OVERVIEW = re.compile(r"(<h5 [^>]*>\s*)Overview(\s*</h5>)")
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_OUTSIDE_LINK = re.compile(r"<a [^>]*href=\"https?://[^>]*>(.*?)</a>", re.DOTALL)


def write_docs(context: Any, judged: list[tuple[Suite, Any]], docs_dir: Path) -> Path:
    """Builds the site for suites already validated in `context`, and returns its index.

    Replaces a former site; other files of the folder (`verdict.json`) stay. Raises what kept a page from being written.
    """
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    docs_dir.mkdir(parents=True, exist_ok=True)
    for folder in ("expectations", "validations", "static"):
        shutil.rmtree(docs_dir / folder, ignore_errors=True)
    run = RunIdentifier(run_name="nightly", run_time=datetime.now(UTC))
    for suite, outcome in judged:
        for item in outcome.results:
            _strip(item)
        outcome.meta["run_id"] = run
        outcome.meta["batch_spec"] = {"data_asset_name": suite.title}
        key = ValidationResultIdentifier(
            expectation_suite_identifier=ExpectationSuiteIdentifier(suite.name),
            run_id=run,
            batch_identifier=suite.frame,
        )
        context.validation_results_store.set(key, outcome)
    for site in list(context.variables.data_docs_sites):
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        _SITE,
        {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(docs_dir.absolute()),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    with _every_page():
        context.build_data_docs()
    shutil.rmtree(docs_dir / "static", ignore_errors=True)
    shutil.copytree(_ASSETS, docs_dir / "static")
    index = docs_dir / "index.html"
    _make_readable(index, docs_dir, _SITE)
    for suite, _ in judged:
        pages = docs_dir.glob(f"validations/{suite.name}/**/*.html")
        for page in [docs_dir / "expectations" / f"{suite.name}.html", *pages]:
            _make_readable(page, docs_dir, suite.title)
    return index


@contextmanager
def _every_page() -> Iterator[None]:
    """Great Expectations goes on without a page that it cannot write and only logs why: raises that."""
    log = logging.getLogger("great_expectations.render.renderer.site_builder")
    heard = _Heard()
    log.addHandler(heard)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(heard)
        log.propagate = True
    if heard.errors:
        raise heard.errors[0]


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if error := sys.exc_info()[1]:
            self.errors.append(error)


def _strip(item: Any) -> None:
    """Keeps the counts. Cells are no matter for a page, and a traceback quotes them."""
    kept = {name: item.result[name] for name in _KEPT_RESULT if name in item.result}
    observed = item.result.get("observed_value")
    if isinstance(observed, (int, float)):
        kept["observed_value"] = observed
    item.result = kept
    item.exception_info = _without_traceback(item.exception_info)


def _without_traceback(info: Any) -> Any:
    if not isinstance(info, dict):
        return info
    hidden = {"exception_traceback": "", "exception_message": "the check could not be computed"}
    if info.get("raised_exception"):
        return info | hidden
    return {key: _without_traceback(value) for key, value in info.items()}


def _make_readable(page: Path, docs_dir: Path, title: str) -> None:
    """Offline, titled, and in Vietnamese where GX has words of its own."""
    static = os.path.relpath(docs_dir / "static", page.parent).replace(os.sep, "/")
    title = html.escape(title)
    head = (
        f"<title>{title}</title>"
        f'<link rel="stylesheet" href="{static}/page.css"><script src="{static}/page.js"></script></head>'
    )
    text = _REMOVED.sub("", page.read_text(encoding="utf-8"))
    text = _OUTSIDE_LINK.sub(r"\1", _TITLE.sub("", text))
    text = _OVERVIEW.sub(lambda found: found[1] + title + found[2], text)
    text = _WORDS.sub(lambda found: found[1] + _VIETNAMESE[found[2]] + found[3], text)
    text = text.replace("<html>", '<html lang="vi">', 1).replace("</head>", head, 1)
    page.write_text(text, encoding="utf-8")
