"""The view of Data Docs: our templates before those of Great Expectations, its own words in Vietnamese.

GX's templates load a dozen libraries and pictures from the internet. The ones that do, or that need a script, stand
here anew; all others are GX's. Imported by GX alone, by name, when the site is built.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from great_expectations.render import RenderedDocumentContent, TextContent
from great_expectations.render.renderer import ExpectationSuitePageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

_VIETNAMESE = {
    "Asset Name": "Nội dung kiểm tra",
    "Batch ID": "Khung dữ liệu",
    "Batch Markers": "Dấu của khung dữ liệu",
    "Batch Spec": "Dữ liệu được kiểm tra",
    "Data Docs": "Báo cáo",
    "Data asset:": "Nội dung:",
    "Evaluated Expectations": "Số quy tắc đã kiểm tra",
    "Expectation": "Quy tắc",
    "Expectation Suite": "Bộ quy tắc",
    "Expectation Suite Name": "Bộ quy tắc",
    "Expectation Suite:": "Bộ quy tắc:",
    "Expectation Suites": "Bộ quy tắc",
    "Failed": "Không đạt",
    "Great Expectations Version": "Phiên bản Great Expectations",
    "Info": "Thông tin",
    "Notes": "Ghi chú",
    "Observed Value": "Kết quả",
    "Run Name": "Lần chạy",
    "Run Time": "Thời điểm",
    "Show more info...": "Thông tin thêm…",
    "Statistics": "Tổng hợp",
    "Status": "Trạng thái",
    "Status:": "Trạng thái:",
    "Succeeded": "Đạt",
    "Success Percent": "Tỷ lệ đạt",
    "Successful Expectations": "Số quy tắc đạt",
    "Table-Level Expectations": "Quy tắc trên cả bảng",
    "Unsuccessful Expectations": "Số quy tắc không đạt",
    "Validation Results": "Kết quả kiểm tra",
}
# What GX ends a share with.
_ENDINGS = {"% unexpected": "% sai", "% not null": "% có giá trị", "% null": "% trống"}
# How far below the site's index a page lies, by who rendered it.
_DEPTH = {"SiteIndexPageRenderer": 0, "ExpectationSuitePageRenderer": 1, "ValidationResultsPageRenderer": 4}


class OfflinePageView(DefaultJinjaPageView):
    """Any page of the site. `titles` gives the title of each suite, `notices` what every page bears."""

    def __init__(self, titles: dict[str, str], site_title: str, notices: list[str]) -> None:
        super().__init__()
        assert self.env.loader is not None
        self.env.loader = ChoiceLoader([FileSystemLoader(Path(__file__).parent), self.env.loader])
        self.titles = titles
        self.site_title = site_title
        self.notices = notices

    def render(self, document: RenderedDocumentContent, template: str | None = None, **kwargs: Any) -> str:
        self._validate_document(document)
        content: Any = document.to_json_dict()
        title = self.titles.get(content.get("expectation_suite_name") or "", self.site_title)
        home = "../" * _DEPTH[content["renderer_type"]] + "index.html"
        words = _VIETNAMESE | self.titles | {"Overview": title}
        page = self._get_template(template or self._template)
        return page.render(_translated(content, words), title=title, home=home, notices=self.notices, **kwargs)


class SuitePageRenderer(ExpectationSuitePageRenderer):
    """A suite's page, without the English sentence in which GX counts its rules."""

    @classmethod
    def _render_expectation_suite_notes(cls, expectations: Any) -> TextContent:
        notes = super()._render_expectation_suite_notes(expectations)
        notes.text = notes.text[1:]
        return notes


def _translated(content: Any, words: dict[str, str]) -> Any:
    """What was rendered, with each text that is one of `words` in its translation."""
    if isinstance(content, dict):
        return {key: _translated(value, words) for key, value in content.items()}
    if isinstance(content, list):
        return [_translated(value, words) for value in content]
    if not isinstance(content, str):
        return content
    ending = next((e for e in _ENDINGS if content.endswith(e)), "")
    return content.removesuffix(ending) + _ENDINGS[ending] if ending else words.get(content, content)
