"""The ways on which an alert leaves: by mail, to a webhook, into a file. None is waited for longer than is allowed."""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from threading import Thread
from typing import Any, Protocol
from urllib.error import HTTPError, URLError

from orchestration.alerts.messages import Alert
from orchestration.errors import told
from orchestration.settings import Alerts


class Channel(Protocol):
    """One way out. `send` gives what is amiss though the alert went out, and raises when it did not."""

    name: str

    def send(self, alert: Alert) -> str: ...


@dataclass(frozen=True)
class Delivery:
    """How one alert fared on one channel: whether it went out, and what is amiss, if anything."""

    channel: str
    kind: str
    sent: bool
    said: str = ""


def channels(settings: Alerts) -> list[Channel]:
    """Those that are set."""
    every: tuple[tuple[object, type[Mail] | type[Webhook] | type[Lines]], ...] = (
        (settings.smtp_host, Mail),
        (settings.webhook_url, Webhook),
        (settings.file, Lines),
    )
    return [way(settings) for given, way in every if given]


def deliver(due: Sequence[tuple[Channel, Sequence[Alert]]], seconds: float) -> list[Delivery]:
    """Send on all channels at once, each alert in turn. What has no answer after so many seconds counts as not sent:
    a name that nobody resolves and a server that trickles are bounded by no timeout of a socket.
    """
    found: dict[tuple[str, str], Delivery] = {}

    def send(channel: Channel, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            try:
                delivery = Delivery(channel.name, alert.kind, True, channel.send(alert))
            except Exception as error:
                delivery = Delivery(channel.name, alert.kind, False, why(error))
            found[channel.name, alert.kind] = delivery

    threads = [Thread(target=send, args=one, name=f"alerts by {one[0].name}", daemon=True) for one in due]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {seconds} seconds"
    return [
        found.get((channel.name, alert.kind), Delivery(channel.name, alert.kind, False, late))
        for channel, alerts in due
        for alert in alerts
    ]


def why(error: BaseException) -> str:
    """What may be said of an error: a server's own words can repeat an address, an address of ours a secret."""
    match error:
        case HTTPError():
            return f"the server answered {error.code}"
        case URLError(reason=BaseException() as reason):
            return why(reason)
        case smtplib.SMTPResponseException():
            return f"the server answered {error.smtp_code} ({type(error).__name__})"
        case smtplib.SMTPRecipientsRefused():
            return "the server refused every recipient"
        case smtplib.SMTPNotSupportedError() | smtplib.SMTPServerDisconnected():
            return str(error)
        case ssl.SSLCertVerificationError():
            return f"the server's certificate is not believed: {error.verify_message}"
        case TimeoutError():
            return "no answer in time"
        case _:
            return told(error)


class Mail:
    """SMTP with STARTTLS, or with TLS from the first byte; never in the clear."""

    name = "mail"

    def __init__(self, settings: Alerts):
        self.settings = settings

    def send(self, alert: Alert) -> str:
        with self._connected() as server:
            refused = server.send_message(self._message(alert))
        return f"{len(refused)} of {len(self.settings.mail_to)} recipients were refused" if refused else ""

    def _connected(self) -> smtplib.SMTP:
        to, context = self.settings, _trust(self.settings)
        where: dict[str, Any] = {"host": to.smtp_host, "port": to.smtp_port, "timeout": to.seconds}
        server = smtplib.SMTP_SSL(context=context, **where) if to.smtp_tls == "tls" else smtplib.SMTP(**where)
        try:
            if to.smtp_tls == "starttls":
                server.starttls(context=context)
            if to.smtp_user and to.smtp_password_file:
                server.login(to.smtp_user, to.smtp_password_file.read_text("utf-8").strip())
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, alert: Alert) -> EmailMessage:
        sender = self.settings.mail_from or ""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, ", ".join(self.settings.mail_to), alert.subject
        message["Date"], message["Message-ID"] = (
            formatdate(localtime=False),
            make_msgid(domain=sender.rpartition("@")[2]),
        )
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(alert.text)
        return message


class Webhook:
    """JSON by POST; any answer but 2xx is a failure, also one that leads elsewhere."""

    name = "webhook"

    def __init__(self, settings: Alerts):
        self.settings = settings

    def send(self, alert: Alert) -> str:
        request = urllib.request.Request(
            str(self.settings.webhook_url),
            json.dumps(alert.values(), ensure_ascii=False).encode(),
            {"Content-Type": "application/json; charset=utf-8", "User-Agent": "cchc"},
            method="POST",
        )
        trusting = urllib.request.HTTPSHandler(context=_trust(self.settings))
        with urllib.request.build_opener(trusting, _Here).open(request, timeout=self.settings.seconds):
            return ""


class _Here(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: what is sent was meant for one address."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Lines:
    """A line of JSON an alert, at the end of a file that its owner and group may read."""

    name = "file"

    def __init__(self, settings: Alerts):
        self.settings = settings

    def send(self, alert: Alert) -> str:
        line = json.dumps(alert.values(), ensure_ascii=False) + "\n"
        handle = os.open(str(self.settings.file), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        with os.fdopen(handle, "ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        return ""


def _trust(settings: Alerts) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.ca_file:
        context.load_verify_locations(settings.ca_file)
    return context
