"""Real servers on this machine: mail with TLS and a password, HTTP, and those that go wrong; certificates of their own."""

from __future__ import annotations

import base64
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "cchc", "a password for tests"


def certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) of 127.0.0.1 and localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(pem))
    files[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files


@dataclass
class MailServer:
    """What a mail server is like, and what it was given."""

    port: int = 0
    has_starttls: bool = True
    refused: tuple[str, ...] = ()
    refuses_data: bool = False
    messages: list[EmailMessage] = field(default_factory=list)
    were_encrypted: list[bool] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@contextmanager
def mail_server(files: tuple[Path, Path], is_tls: bool = False, **how: Any) -> Iterator[MailServer]:
    """A mail server (RFC 5321, 3207, 4954) that takes mail only encrypted and from USER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server = MailServer(**how)

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.secure, self.knows = False, False
            try:
                if is_tls:
                    self.encrypt()
                self.say("220 localhost")
                while line := self.rfile.readline().decode().rstrip("\r\n"):
                    server.said.append(line)
                    if self.answer(line):
                        return
            except OSError:
                return

        def say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")
            self.wfile.flush()

        def encrypt(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            self.rfile, self.wfile, self.secure = self.request.makefile("rb"), self.request.makefile("wb"), True

        def answer(self, line: str) -> bool:
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["AUTH PLAIN"] if self.secure else ["STARTTLS"] if server.has_starttls else []
                lines = ["localhost", *offers]
                for at, offer in enumerate(lines):
                    self.say(f"250{' ' if at == len(lines) - 1 else '-'}{offer}")
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.encrypt()
            elif verb == "AUTH":
                given = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]
                self.knows = given == [USER, PASSWORD]
                self.say("235 welcome" if self.knows else f"535 {given} is not known here")
            elif verb == "RCPT":
                is_refused = any(address in line for address in server.refused)
                self.say(f"550 {line} lives elsewhere" if is_refused else "250 ok")
            elif verb == "DATA" and (server.refuses_data or not (self.secure and self.knows)):
                self.say("554 not from you")
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (got := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(got.removeprefix(b"."))
                server.messages.append(message_from_bytes(b"".join(lines), policy=default))
                server.were_encrypted.append(self.secure)
                self.say("250 taken")
            else:
                self.say("221 bye" if verb == "QUIT" else "250 ok")
            return verb == "QUIT"

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)) as port:
        server.port = port
        yield server


@dataclass
class WebServer:
    """What a web server answers, and what it was given."""

    url: str = ""
    status: int = 204
    given: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def web_server(files: tuple[Path, Path] | None = None, status: int = 204) -> Iterator[WebServer]:
    """An HTTP server, over TLS where it has a certificate; with a status of 3xx it leads to another place of itself."""
    server = WebServer(status=status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            server.given.append(json.loads(content))
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            server.asked.append(self.path)
            self.send_response(server.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            return

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        serving.socket = context.wrap_socket(serving.socket, server_side=True)
    with _serving(serving) as port:
        server.url = f"{'https' if files else 'http'}://localhost:{port}/hook?token=s3cret"
        yield server


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that lets everyone in and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
