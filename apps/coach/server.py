"""One page and a stream of messages, on this machine's own address only."""

from __future__ import annotations

import queue
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from evcam.apps.coach.page import PAGE
from evcam.apps.console import to_json
from evcam.errors import InputError

_HOST = "127.0.0.1"
_MOST_WAITING = 64
_BEAT_S = 5.0


class PageServer:
    """Serves the page at ``url`` and sends messages to whoever has it open.

    A page that opens late first gets the latest message of each kind.

    Parameters
    ----------
    port : int
        0 takes a free one.

    Raises
    ------
    InputError
        The port is in use.
    """

    def __init__(self, port: int) -> None:
        self._latest: dict[str, bytes] = {}
        self._listeners: list[queue.Queue[bytes]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        outer = self

        class Handler(_Handler):
            server_of_page = outer

        try:
            self._http = ThreadingHTTPServer((_HOST, port), Handler)
        except OSError as error:
            raise InputError(f"--port {port}: cannot be served on ({error.strerror}); take another one, or 0 for any") from None
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, name="page", daemon=True)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{_HOST}:{self._http.server_address[1]}/"

    def __enter__(self) -> PageServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    def publish(self, name: str, content: dict[str, Any]) -> None:
        """Send a message to every open page."""
        message = f"event: {name}\ndata: {to_json(content)}\n\n".encode()
        with self._lock:
            self._latest[name] = message
            for listener in self._listeners:
                if not listener.full():  # a page that does not keep up misses pictures, which come again
                    listener.put_nowait(message)

    def listen(self) -> queue.Queue[bytes]:
        """Messages from now on, the latest of each kind first."""
        waiting: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
        with self._lock:
            for message in self._latest.values():
                waiting.put_nowait(message)
            self._listeners.append(waiting)
        return waiting

    def leave(self, waiting: queue.Queue[bytes]) -> None:
        """No more messages."""
        with self._lock:
            self._listeners.remove(waiting)

    @property
    def is_closing(self) -> bool:
        """Whether the server is about to end."""
        return self._closing.is_set()


class _Handler(BaseHTTPRequestHandler):
    server_of_page: PageServer

    def do_GET(self) -> None:
        if self.headers.get("Host", "").rsplit(":", 1)[0] not in ("127.0.0.1", "localhost"):
            # A foreign name that leads here is somebody else's page reaching in.
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            self._send("text/html; charset=utf-8", PAGE.encode())
        elif self.path == "/messages":
            self._stream()
        elif self.path == "/favicon.ico":
            self._send("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>')
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is for results."""

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        waiting = self.server_of_page.listen()
        try:
            while not self.server_of_page.is_closing:
                try:
                    self.wfile.write(waiting.get(timeout=_BEAT_S))
                except queue.Empty:
                    self.wfile.write(b": still here\n\n")
                self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            return  # the page was closed
        finally:
            self.server_of_page.leave(waiting)
