"""Who may talk to the server: holders of the token, through a page of this server, in short requests.

The page itself holds nothing of the folder, so anybody may load it. It sends the token in a header, because a browser
gives a cookie of one port to the servers of all ports of a machine.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi.responses import JSONResponse

from graspseg.datasets.images import MOST_PIXELS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOCAL = ("127.0.0.1", "localhost", "::1")
_LARGEST_JSON = 1 << 16
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Stands before an application and lets through what is allowed.

    The name in `Host` is checked because another site can point a name of its own at this address (DNS rebinding), and
    `Origin` because another site's page can send requests here.

    Args:
        application: what is guarded.
        token: the secret every request must carry in the header X-Token, but those for files of the page; the address
            of the page has it as `?token=`.
        host: the address the server listens on.
    """

    def __init__(self, application: Application, *, token: str, host: str) -> None:
        self._application = application
        self._token = token.encode()
        self._names = {*_LOCAL, host.lower()}
        self._anywhere = host in ("0.0.0.0", "::")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._application(scope, receive, send)
            return
        refused = self._refuse(scope, _Headers(scope))

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        if refused is None:
            await self._application(scope, receive, send_safely)
        else:
            status, sentence = refused
            await JSONResponse({"error": sentence}, status)(scope, receive, send_safely)

    def _is_of_page(self, scope: Scope) -> bool:
        """Whether a file of the page is requested, by its address without a token or with the right one."""
        if scope["method"] not in ("GET", "HEAD"):
            return False
        if scope["path"] == "/":
            query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            return all(self._is_token(given) for given in query.get("token", []))
        return scope["path"].startswith("/static/")

    def _refuse(self, scope: Scope, headers: _Headers) -> tuple[int, str] | None:
        """Status and sentence for a request that is not allowed."""
        host, origin = headers.only("host"), headers.only("origin", missing="")
        if host is None or not self._is_own_name(host):
            return 403, f"The address {host or 'without a name'} is not this server's: use the one it printed."
        if origin is None or (origin and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}")):
            return 403, f"A page of {origin} may not use this server: open the address it printed."
        if headers.every("transfer-encoding"):  # of unknown length, and it would count instead of Content-Length
            return 411, "The content comes in chunks (Transfer-Encoding), expected Content-Length."
        if not self._is_of_page(scope) and not self._is_token(headers.only("x-token") or ""):
            return 401, "The token is missing or of another run: open the address that graspseg review printed."
        if scope["method"] in ("POST", "PUT", "PATCH", "DELETE"):
            return _refuse_body(scope, headers)
        return None

    def _is_own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if name is None or "@" in host:
            return False
        if name in self._names:
            return True
        return self._anywhere and (_is_number(name) or name == socket.gethostname().lower())

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token)


class _Headers:
    def __init__(self, scope: Scope) -> None:
        self._pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]

    def every(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def only(self, name: str, *, missing: str | None = None) -> str | None:
        """The value of a header that is there once; None when it is there more often."""
        found = self.every(name)
        return missing if not found else found[0] if len(found) == 1 else None


def _refuse_body(scope: Scope, headers: _Headers) -> tuple[int, str] | None:
    length = headers.only("content-length")
    if length is None or not length.isdecimal():
        return 411, "The length of the content is missing, expected Content-Length."
    largest = MOST_PIXELS if scope["method"] == "PUT" else _LARGEST_JSON
    if int(length) > largest:
        return 413, f"The content has {length} bytes, expected at most {largest}."
    return None


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
