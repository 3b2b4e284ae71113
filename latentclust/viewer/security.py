"""Checks of every request before it is routed (host, origin, path, token), and the headers of every response.

A page of another site can make the browser send requests to this server, and by DNS rebinding under its own host
name. Neither knows the token, which is the first part of every path, and both are refused by their Host or Origin.
"""

import secrets
from collections.abc import Set
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Host names under which a request may address the server. The port may differ behind an SSH tunnel."""

BASE_MAP_HOST = "https://tile.openstreetmap.org"

NO_STORE = {"Cache-Control": "no-store"}
"""Header of a response that the browser must not keep."""

ENCODED = (b"%2f", b"%5c", b"%2e", b"%00", b"\\", b"..")
"""Parts of a raw path that no page of the viewer asks for, in lower case: separators and parents in disguise."""


class Guard:
    """ASGI middleware that refuses foreign requests, and sends the headers that restrict what a page may do."""

    def __init__(self, app: ASGIApp, token: str, base_map: bool, host: str = "") -> None:
        """Guard an application.

        Args:
            app: Application. It sees paths without the token.
            token: First part of every path.
            base_map: Whether pages may ask the host of the base map for tiles.
            host: Loopback address that the server listens on, if it is none of `LOOPBACK`.
        """
        self._app, self._token, self._headers = app, token, security_headers(base_map)
        self._hosts = LOOPBACK | {host} if host else LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # The server then refuses a web socket.

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        refused = self._refusal(scope)
        if refused is None:
            root = f"/{self._token}"
            await self._app({**scope, "root_path": root}, receive, send_with_headers)
        else:
            await refused(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the response to a request that is not passed on."""
        headers = Headers(scope=scope)
        if problem := foreign(headers, self._hosts):
            return refusal(403, problem)
        raw = scope.get("raw_path") or scope["path"].encode()
        if any(part in raw.lower() for part in ENCODED):
            return refusal(400, "The path contains an encoded separator or '..'.")
        first, slash, _ = scope["path"].removeprefix("/").partition("/")
        if not secrets.compare_digest(first.encode(), self._token.encode()):
            return refusal(403, "The address has no valid token. Open the address that latentclust view printed.")
        return None if slash else RedirectResponse(f"/{self._token}/")


def foreign(headers: Headers, hosts: Set[str]) -> str:
    """Return why a request does not come from a page of this server or from a user; empty if it may."""
    host = headers.get("host", "")
    if hostname(host) not in hosts:
        return "The viewer answers only requests to 127.0.0.1, to localhost and to the address of --host."
    if "origin" in headers and headers["origin"] != f"http://{host}":
        return "The request comes from a page of another origin."
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
        return "The request comes from a page of another site."
    return ""


def hostname(host: str) -> str:
    """Return a Host header in lower case without its port, or nothing if it is no host."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        return ""
    plain = not (parts.path or parts.query or parts.fragment or "@" in host)
    return (parts.hostname or "") if plain else ""


def refusal(status: int, problem: str) -> JSONResponse:
    """Return an error as JSON, in the form of all errors of the viewer."""
    return JSONResponse({"error": problem}, status, NO_STORE)


def security_headers(base_map: bool) -> dict[str, str]:
    """Return the headers of every response: what its page may load, and that no other page may read or frame it."""
    images = ["'self'", "data:", "blob:", *([BASE_MAP_HOST] if base_map else [])]
    connect = ["'self'", *([BASE_MAP_HOST] if base_map else [])]
    policy = {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": images,
        "connect-src": connect,
        "worker-src": ["'self'", "blob:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {' '.join(values)}" for name, values in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # The tile server of OpenStreetMap requires a referrer: the origin alone, without the token.
        "Referrer-Policy": "strict-origin" if base_map else "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
