"""Alerts by real servers on this machine: what arrives, and what is said when nothing can."""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from orchestration.alerts import try_out
from orchestration.alerts.channels import Delivery, channels, deliver
from orchestration.alerts.messages import LISTED, Alert, texts, trial
from orchestration.errors import UsageError
from orchestration.lake.counting import Loss
from orchestration.settings import PROJECT_DIR, Alerts, Settings
from tests.support.servers import (
    PASSWORD,
    USER,
    certificate,
    closed_port,
    mail_server,
    silent_server,
    web_server,
)

SCHEMA = Draft202012Validator(
    json.loads((PROJECT_DIR / "docs/alerts.schema.json").read_text("utf-8")), format_checker=FormatChecker()
)
AT = "2023-07-31T18:00:00.000+00:00"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def mail(files: tuple[Path, Path], tmp_path: Path) -> Alerts:
    """Settings of mail to this machine; the port is still to be given."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    return Alerts(
        smtp_host="localhost", smtp_user=USER, smtp_password_file=secret, mail_from="cchc@tinh.example",
        mail_to=("a@tinh.example", "b@tinh.example"), ca_file=files[0], seconds=5,
    )  # fmt: skip


def an_alert(kind: str = "blocked", *lines: str) -> Alert:
    return Alert(kind, frozenset(lines), lines, "/srv/cchc", "2023-07-31", AT, "000001_2023-07-31", "/srv/review.html")


def delivered(settings: Alerts, *alerts: Alert) -> list[Delivery]:
    return deliver([(way, alerts) for way in channels(settings)], settings.seconds)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_goes_out_encrypted(tls: str, mail: Alerts, files: tuple[Path, Path]) -> None:
    with mail_server(files, is_tls=tls == "tls") as server:
        settings = replace(mail, smtp_port=server.port, smtp_tls=tls)
        found = delivered(
            settings, an_alert("blocked", "Tệp dossiers/hồ sơ.csv: quá nhiều dòng bị loại"), an_alert("late", "x")
        )
    assert [(d.kind, d.sent, d.said) for d in found] == [("blocked", True, ""), ("late", True, "")]
    assert server.were_encrypted == [True, True]
    message, _ = server.messages
    assert message["Subject"] == "[CCHC] Chưa công bố số liệu ngày 31/07/2023: 1 phép kiểm tra chặn công bố"
    assert (message["From"], message["To"]) == ("cchc@tinh.example", "a@tinh.example, b@tinh.example")
    assert message["Auto-Submitted"] == "auto-generated" and message["Message-ID"].endswith("@tinh.example>")
    text = message.get_content()
    assert "- Tệp dossiers/hồ sơ.csv: quá nhiều dòng bị loại" in text and "Việc cần làm:\r\n1. " in text.replace(
        "\n", "\r\n"
    )
    assert "Trang rà soát: /srv/review.html" in text and "docs/alerts.md, mục blocked" in text
    assert not [line for line in server.said if PASSWORD in line]


@pytest.mark.parametrize("is_secure", [False, True], ids=["http", "https"])
def test_a_webhook_is_given_what_the_schema_says(is_secure: bool, files: tuple[Path, Path]) -> None:
    with web_server(files if is_secure else None) as server:
        found = delivered(Alerts(webhook_url=server.url, ca_file=files[0], seconds=5), an_alert("late", "a", "b"))
    assert [(d.sent, d.said) for d in found] == [(True, "")]
    [given], [headers] = server.given, server.headers
    SCHEMA.validate(given)
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert (
        given["lines"] == ["a", "b"] and given["subject"] == "[CCHC] 2 nguồn dữ liệu gửi trễ, tính đến ngày 31/07/2023"
    )
    again, other = an_alert("late", "b", "a").values(), an_alert("late", "a").values()
    assert given["id"] == again["id"] != other["id"]


def test_a_file_gets_a_line_each(tmp_path: Path) -> None:
    settings = Alerts(file=tmp_path / "alerts.jsonl")
    assert delivered(settings, an_alert("well", "a\nb")) == delivered(settings, an_alert("well", "c"))
    lines = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text("utf-8").splitlines()]
    assert [line["lines"] for line in lines] == [["a\nb"], ["c"]]
    assert not stat.S_IMODE((tmp_path / "alerts.jsonl").stat().st_mode) & 0o027


@pytest.mark.parametrize("kind", sorted(texts().kinds))
def test_each_kind_says_what_to_do_and_keeps_to_the_schema(kind: str) -> None:
    alert = an_alert(kind, *(f"line {n}" for n in range(LISTED + 2)))
    SCHEMA.validate(alert.values())
    assert "{" not in alert.subject + alert.text and "… và 2 mục nữa" in alert.text
    assert kind in SCHEMA.schema["properties"]["kind"]["enum"]
    page = (PROJECT_DIR / "docs/alerts.md").read_text("utf-8")
    assert f"\n### `{kind}`\n" in page
    section = page.split(f"\n### `{kind}`\n")[1].split("\n#")[0]
    assert all(word in section for word in ("**Means**", "**Look**", "**Do**"))


def test_words_of_all_that_blocks_are_declared() -> None:
    code = (PROJECT_DIR / "orchestration/lake/counting.py").read_text("utf-8")
    kinds = set(re.findall(rf'{Loss.__name__}\("(\w+)"', code))
    assert kinds and set(texts().blocking_files) == kinds | {"rejected_rows"}


class Wrong:
    """What can go wrong, each with the settings that lead there and what is said of it."""

    @staticmethod
    def nobody_listens(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        return replace(mail, smtp_port=closed_port()), "Connection refused"

    @staticmethod
    def mail_hangs(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        return replace(mail, smtp_port=stack.enter_context(silent_server()), seconds=1), "no answer"

    @staticmethod
    def no_encryption(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        server = stack.enter_context(mail_server(files, has_starttls=False))
        return replace(mail, smtp_port=server.port), "STARTTLS extension not supported by server."

    @staticmethod
    def unknown_certificate(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        server = stack.enter_context(mail_server(files, is_tls=True))
        settings = replace(mail, smtp_port=server.port, smtp_tls="tls", ca_file=None)
        return settings, "the server's certificate is not believed: self-signed certificate"

    @staticmethod
    def wrong_password(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        mail.smtp_password_file.write_text("another secret")
        server = stack.enter_context(mail_server(files))
        return replace(mail, smtp_port=server.port), "the server answered 535 (SMTPAuthenticationError)"

    @staticmethod
    def no_password(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        mail.smtp_password_file.unlink()
        server = stack.enter_context(mail_server(files))
        return replace(mail, smtp_port=server.port), "password: No such file or directory"

    @staticmethod
    def everyone_refused(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        server = stack.enter_context(mail_server(files, refused=mail.mail_to))
        return replace(mail, smtp_port=server.port), "the server refused every recipient"

    @staticmethod
    def mail_not_taken(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        server = stack.enter_context(mail_server(files, refuses_data=True))
        return replace(mail, smtp_port=server.port), "the server answered 554 (SMTPDataError)"

    @staticmethod
    def webhook_fails(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        return Alerts(webhook_url=stack.enter_context(web_server(status=500)).url), "the server answered 500"

    @staticmethod
    def webhook_leads_elsewhere(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        return Alerts(webhook_url=stack.enter_context(web_server(status=302)).url), "the server answered 302"

    @staticmethod
    def webhook_hangs(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        port = stack.enter_context(silent_server())
        return Alerts(webhook_url=f"http://127.0.0.1:{port}/?token=s3cret", seconds=1), "no answer"

    @staticmethod
    def webhook_is_not_there(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        return Alerts(webhook_url=f"http://127.0.0.1:{closed_port()}/?token=s3cret"), "Connection refused"

    @staticmethod
    def webhook_of_another(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        url = stack.enter_context(web_server(files)).url
        return Alerts(webhook_url=url), "the server's certificate is not believed: self-signed certificate"

    @staticmethod
    def no_folder(mail: Alerts, files: Any, stack: ExitStack) -> tuple[Alerts, str]:
        return Alerts(file=mail.smtp_password_file.parent / "gone" / "alerts.jsonl"), "No such file or directory"


@pytest.mark.parametrize("wrong", [name for name in vars(Wrong) if not name.startswith("_")])
def test_what_goes_wrong_is_said_soon_and_without_secrets(wrong: str, mail: Alerts, files: tuple[Path, Path]) -> None:
    with ExitStack() as stack:
        settings, said = getattr(Wrong, wrong)(mail, files, stack)
        started = time.monotonic()
        [found] = delivered(settings, an_alert("failed", "x"))
        took = time.monotonic() - started
    assert not found.sent and said in found.said
    assert took < min(settings.seconds, 5) + 1
    assert not [s for s in (PASSWORD, "another secret", "s3cret", "@tinh.example", USER + " ") if s in found.said]


def test_one_channel_that_hangs_holds_up_no_other(mail: Alerts, tmp_path: Path) -> None:
    with silent_server() as port:
        settings = replace(mail, smtp_port=port, seconds=1, file=tmp_path / "alerts.jsonl")
        started = time.monotonic()
        found = delivered(settings, an_alert("failed", "x"), an_alert("late", "y"))
    assert time.monotonic() - started < 2
    assert [(d.channel, d.kind, d.sent) for d in found] == [
        ("mail", "failed", False), ("mail", "late", False), ("file", "failed", True), ("file", "late", True)
    ]  # fmt: skip


def test_a_recipient_who_is_refused_is_named_by_number_alone(mail: Alerts, files: tuple[Path, Path]) -> None:
    with mail_server(files, refused=("b@tinh.example",)) as server:
        [found] = delivered(replace(mail, smtp_port=server.port), an_alert("failed", "x"))
    assert (found.sent, found.said, len(server.messages)) == (True, "1 of 2 recipients were refused", 1)


def test_the_trial_reaches_every_channel(mail: Alerts, files: tuple[Path, Path], tmp_path: Path) -> None:
    with mail_server(files) as server, web_server(status=500) as web:
        alerts = replace(mail, smtp_port=server.port, webhook_url=web.url, file=tmp_path / "alerts.jsonl")
        tried = try_out(Settings(None, None, alerts=alerts))
    assert tried == [("mail", True, "sent"), ("webhook", False, "the server answered 500"), ("file", True, "sent")]
    assert server.messages[0]["Subject"] == "[CCHC] Tin thử"
    with pytest.raises(UsageError, match="CCHC_ALERT_FILE"):
        try_out(Settings(None, None))


# --- settings


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def test_where_alerts_go_is_read_from_the_environment(elsewhere: Path) -> None:
    env = {
        "CCHC_ALERT_SMTP_HOST": "mail.tinh.example", "CCHC_ALERT_SMTP_TLS": "tls", "CCHC_ALERT_FROM": "a@b",
        "CCHC_ALERT_TO": "c@d, e@f", "CCHC_ALERT_WEBHOOK_URL": "https://x/y", "CCHC_ALERT_FILE": "alerts.jsonl",
    }  # fmt: skip
    read = Settings.load(env=env).alerts
    assert (read.smtp_port, read.mail_to, read.file) == (465, ("c@d", "e@f"), elsewhere / "alerts.jsonl")
    assert [way.name for way in channels(read)] == ["mail", "webhook", "file"]
    assert Settings.load(env={}).alerts == Alerts() and not channels(Alerts())
    assert Settings.load(env=env | {"CCHC_ALERT_SMTP_TLS": "starttls"}).alerts.smtp_port == 587


@pytest.mark.parametrize(
    ("env", "match"),
    [
        ({"CCHC_ALERT_SMTP_TLS": "none"}, "CCHC_ALERT_SMTP_TLS"),
        ({"CCHC_ALERT_SMTP_HOST": "x"}, "mail needs CCHC_ALERT_FROM and CCHC_ALERT_TO, too"),
        ({"CCHC_ALERT_TO": "a@b", "CCHC_ALERT_FROM": "a@b"}, "mail needs CCHC_ALERT_SMTP_HOST, too"),
        ({"CCHC_ALERT_SMTP_HOST": "x", "CCHC_ALERT_FROM": "a@b", "CCHC_ALERT_TO": "a@b, nobody"}, "CCHC_ALERT_TO"),
        ({"CCHC_ALERT_SMTP_HOST": "x", "CCHC_ALERT_TO": "a@b", "CCHC_ALERT_FROM": "a@b\nBcc: c@d"}, "CCHC_ALERT_FROM"),
        ({"CCHC_ALERT_SMTP_USER": "x"}, "CCHC_ALERT_SMTP_PASSWORD_FILE"),
        ({"CCHC_ALERT_WEBHOOK_URL": "file:///etc/passwd"}, "CCHC_ALERT_WEBHOOK_URL"),
        ({"CCHC_ALERT_SECONDS": "soon"}, "CCHC_ALERT_SECONDS"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused(env: dict[str, str], match: str, elsewhere: Path) -> None:
    with pytest.raises(UsageError, match=match):
        Settings.load(env=env)


def test_the_trial_is_a_message_like_any_other() -> None:
    SCHEMA.validate(trial("", AT, "2023-07-31", "mail").values())
