"""Free ports on loopback."""

from __future__ import annotations

import errno
import socket

from labelcue.errors import ConfigError

TRIES = 100


def free_port(wanted: int) -> int:
    """`wanted`, or the next port above it that nothing listens on; 0 lets the system choose.

    Raises ConfigError where a hundred in a row are taken.
    """
    for port in range(wanted, min(wanted + TRIES, 65536)):
        if found := _bindable(port):
            return found
    raise ConfigError(f"No port from {wanted} on is free.", "Choose another range with --port and --service-port.")


def _bindable(port: int) -> int:
    """The port that could be had, 0 where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return 0
            raise
        return int(probe.getsockname()[1])
