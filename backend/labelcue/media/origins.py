"""Who may be asked, and at which address: names are resolved once, judged, and the connection goes to what was judged.

Checking a name and letting somebody else resolve it again would leave a gap in which it may change (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from labelcue.errors import ConfigError, TaskUnreadable
from labelcue.media.addresses import shown

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port → IP addresses as text. Raises OSError."""
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port; a host `*.example.com` stands for every name below example.com."""

    scheme: str
    host: str
    port: int

    def covers(self, other: Origin) -> bool:
        """Whether the other one is this one, or one that its star stands for."""
        below = self.host.startswith("*.") and other.host.endswith(self.host[1:])
        return (self.scheme, self.port) == (other.scheme, other.port) and (below or self.host == other.host)


def origin_of(url: httpx.URL) -> Origin:
    """Of an http(s) address; the host in ASCII and small letters."""
    return Origin(url.scheme, url.raw_host.decode().lower(), url.port or PORTS.get(url.scheme, 0))


def parse_allowed(entries: Sequence[str]) -> tuple[Origin, ...]:
    """The setting `media_allow` → origins. Raises ConfigError."""
    return tuple(_parse(entry) for entry in entries)


def _parse(entry: str) -> Origin:
    remedy = "Write origins, as in https://images.example.com or https://*.example.com:8443."
    star = "://*." in entry
    try:
        url = httpx.URL(entry.strip().replace("://*.", "://", 1))
    except httpx.InvalidURL as error:
        raise ConfigError(f"media_allow cannot read {entry!r}: {error}.", remedy) from error
    plain = url.path in ("", "/") and not url.query and not url.fragment and not url.userinfo
    if url.scheme not in PORTS or not url.host or "*" in url.host or not plain:
        raise ConfigError(f"media_allow cannot read {entry!r}.", remedy)
    found = origin_of(url)
    return Origin(found.scheme, f"*.{found.host}", found.port) if star else found


def resolve_by_system(host: str, port: int) -> list[str]:
    """As the machine resolves names."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, and so are those that it wraps (mapped, 6to4, Teredo)."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return True
    wrapped = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    return all(is_public(str(inner)) for inner in wrapped if inner is not None)


class Gate:
    """Label Studio's own origin and the allowed ones."""

    def __init__(self, own: httpx.URL, allowed: Sequence[Origin], resolve: Resolver = resolve_by_system) -> None:
        self.own = origin_of(own)
        self._allowed = tuple(allowed)
        self._resolve = resolve

    def check(self, url: httpx.URL) -> bool:
        """Whether this is Label Studio's own origin; raises TaskUnreadable where it may not be asked at all."""
        origin = origin_of(url)
        if origin == self.own:
            return True
        if any(entry.covers(origin) for entry in self._allowed):
            return False
        raise TaskUnreadable(
            f"{shown(str(url))!r} is neither Label Studio nor allowed.",
            f"Where it may be trusted, add {url.scheme}://{url.netloc.decode('ascii', 'replace')} to `media_allow`; "
            "for a cloud storage, Label Studio can also hand the files through (pre-signed addresses off).",
        )

    def addresses(self, host: str, port: int) -> list[str]:
        """The IP addresses to connect to; none, where one of them is not public, save for Label Studio's own origin.

        Raises TaskUnreadable, and OSError where the name has no address.
        """
        found = list(self._resolve(host, port))
        if (host, port) == (self.own.host, self.own.port):
            return found
        bad = [address for address in found if not is_public(address)]
        if bad:
            raise TaskUnreadable(
                f"{host!r} leads to {bad[0]}, which is not on the open internet.",
                "LabelCue asks nothing inside a network but Label Studio; let Label Studio hand the files through.",
            )
        return found
