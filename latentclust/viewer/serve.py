"""The server of the viewer: its port, its address, and the browser that opens it."""

import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

import uvicorn
from starlette.types import ASGIApp

from latentclust.errors import LatentclustError

BACKLOG = 128
WAIT = 3
"""Seconds that open requests get to end after Ctrl-C."""

TRIES = 600
POLL = 0.1
"""How often, in seconds, and how many times at most it is asked whether the server has started."""


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this computer.

    Args:
        host: `localhost` or a loopback address.
        port: Port; 0 for a free one.

    Raises:
        LatentclustError: If the host is not loopback, or the port is taken or not allowed.
    """
    address = "127.0.0.1" if host == "localhost" else host
    if not _is_loopback(address):
        what = f"{host!r} is not a loopback address: the viewer is only for this computer"
        raise LatentclustError.at("--host", what, "Use 127.0.0.1, and an SSH tunnel (ssh -L) from another computer")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # Elsewhere the option would share a port that is in use.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        what = f"port {port} cannot be used ({error.strerror or error})"
        raise LatentclustError.at("--port", what, "Choose another port, or leave out --port for a free one") from error
    return listener


def url_of(listener: socket.socket, token: str) -> str:
    """Return the address of the pages on a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/{token}/"


def serve(app: ASGIApp, listener: socket.socket, when_ready: Callable[[], None]) -> None:
    """Answer requests until Ctrl-C or SIGTERM.

    Args:
        app: Application.
        listener: Bound socket, which is closed at the end.
        when_ready: Called in another thread once requests are answered.
    """
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=WAIT
    )
    server = uvicorn.Server(config)
    waiting = threading.Thread(target=_wait_for, args=(server, when_ready), daemon=True)
    waiting.start()
    # uvicorn shuts down, and then raises the signal again.
    with listener, suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def open_browser(url: str) -> None:
    """Open an address in the user's browser, unless there is no display."""
    headless = sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if not headless:
        webbrowser.open(url)


def _wait_for(server: uvicorn.Server, when_ready: Callable[[], None]) -> None:
    pause = threading.Event()
    for _ in range(TRIES):
        if server.started:
            when_ready()
            return
        pause.wait(POLL)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
