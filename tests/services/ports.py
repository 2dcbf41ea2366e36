"""Ports on this machine for services to listen on."""

from __future__ import annotations

import random
import socket
from pathlib import Path

HOST = "127.0.0.1"
_RANGE = 12_000
_LOWEST = 1025


def free_port() -> int:
    """A free port below those that the system gives to outgoing connections.

    Those would not do: while a service is down, a client that tries to reach it may be given the very port as its own,
    is then connected with itself, and the service cannot have its port back.
    """
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first = max(_LOWEST, outgoing - _RANGE)
    # Not the shared generator: tests set it to the same start again and again.
    generator = random.SystemRandom()
    while not is_free(port := generator.randrange(first, max(outgoing, first + _RANGE))):
        pass
    return port


def is_free(port: int) -> bool:
    """Whether a server can listen on that port of this machine."""
    with socket.socket() as probe:
        # As servers do: connections that are just ending do not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether something listens on that port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((HOST, port)) == 0
