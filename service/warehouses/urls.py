"""The rules of a warehouse's URL."""

import re
from urllib.parse import urlsplit

LOCAL_DOMAINS = (".localhost", ".local", ".internal", ".test")
"""Domains that no public name server answers for."""


def validate_url(url: str, *, emulator: bool = False) -> None:
    """Check the base URL of a warehouse: https, or http to this machine or to a network of an emulator.

    Args:
        url: the URL; a slash at its end changes nothing.
        emulator: whether the service runs on an emulator of AWS. http is then also valid to a name without a dot, to
            a name under ``LOCAL_DOMAINS`` and to a private address, such as another container.

    Raises:
        ValueError: the URL is not valid. The message completes the sentence "DOFS_WAREHOUSE_URL …" for operators, and
            does not quote the URL, because a wrong one may hold a password.
    """
    # urlsplit drops tabs and line breaks, and other clients read a backslash as a slash: neither may get past it.
    if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        raise ValueError("must consist of printable ASCII characters, without spaces and backslashes")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise ValueError("is not a URL: check its host and its port") from None
    if parts.scheme not in ("https", "http") or not url.lower().startswith(f"{parts.scheme}://"):
        raise ValueError("must begin with https://")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name and no password: requests are signed with DOFS_WAREHOUSE_SECRET")
    if "?" in url or "#" in url:
        raise ValueError("must hold no query and no fragment: paths such as /orders are appended to it")
    if not host or port == 0:
        raise ValueError("must name a host, and a port other than 0 if it names one")
    if parts.scheme == "http" and not (_is_loopback(host) or (emulator and _is_local(host))):
        raise ValueError(
            "must begin with https://: http:// is for a host of this machine"
            + (" or of the emulator's network" if emulator else "")
        )


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address  # here, because a process with an https URL does not need it

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_local(host: str) -> bool:
    from ipaddress import ip_address

    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(LOCAL_DOMAINS)
    # Clouds serve credentials of the machine at link-local addresses.
    return address.is_private and not (address.is_link_local or address.is_unspecified)
