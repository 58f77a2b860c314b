"""Connections to checked addresses only: the address that was checked is connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore
import httpx

from digest.fetching.address import allowed

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to IP addresses, best first; raises OSError where there are none."""

_ATTEMPTS = 4
_ATTEMPT_SECONDS = 5.0


class NotPublic(Exception):
    """A host that has no address that may be fetched from."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver, which also takes `0x7f.1` and `2130706433` for addresses."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedBackend(httpcore.AnyIOBackend):
    """Resolves a name once and connects to those of its addresses that are public.

    Checking the name before that would not do: it may resolve to another address when the
    connection is made (DNS rebinding).
    """

    def __init__(self, find: Resolve, *, allow_private: bool) -> None:
        self._find = find
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Try the permitted addresses in turn; raises NotPublic where there is none."""
        try:
            found = await self._find(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} was not found") from error
        permitted = [each for each in found if self._allow_private or allowed(each)][:_ATTEMPTS]
        if not permitted:
            raise NotPublic(host)
        *others, last = permitted
        for address in others:
            try:
                return await super().connect_tcp(
                    address, port, _ATTEMPT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await super().connect_tcp(last, port, timeout, local_address, socket_options)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx without its client: no cookie jar, no redirects, no proxies, no credentials.

    A request is sent with exactly the headers it was given. Connections are not kept alive: each
    of many hosts is asked seldom, and an idle connection counts where a host allows one.
    """

    def __init__(self, find: Resolve, *, allow_private: bool, tls: ssl.SSLContext | None) -> None:
        context = tls or httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=GuardedBackend(find, allow_private=allow_private),
        )
