"""Great Expectations' Data Docs as pages that open from the file system, offline, with no row's content.

Its site builder and renderers make them. `docs_pages/` is the view that the site is configured with.
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.quality.reviewed import Suite

_SITE = "Kiểm tra chất lượng dữ liệu"
_PAGES = "orchestration.quality.docs_pages"
_KEPT_RESULT = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent")


def write_docs(context: Any, judged: list[tuple[Suite, Any]], docs_dir: Path, notices: Sequence[str] = ()) -> Path:
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
    context.add_data_docs_site(_SITE, _site(judged, docs_dir, notices))
    with _every_page():
        context.build_data_docs()
    shutil.rmtree(docs_dir / "static")  # pictures and fonts, which our pages do without
    return docs_dir / "index.html"


def _site(judged: list[tuple[Suite, Any]], docs_dir: Path, notices: Sequence[str]) -> dict[str, Any]:
    """What GX builds: a page a suite, a page a result, an index, all through our view."""
    titles = {suite.name: suite.title for suite, _ in judged}
    view = {"module_name": _PAGES, "class_name": "OfflinePageView", "titles": titles, "site_title": _SITE}
    view["notices"] = list(notices)
    rules = {"module_name": _PAGES, "class_name": "SuitePageRenderer"}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(docs_dir.absolute()),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "view": view},
        "site_section_builders": {
            "expectations": {"class_name": "DefaultSiteSectionBuilder", "renderer": rules, "view": view},
            "validations": {"class_name": "DefaultSiteSectionBuilder", "view": view},
            "profiling": "None",
        },
    }


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
