"""Bind the sockets of the servers."""

import socket
from typing import Any


def bind(socket_: socket.socket, address: Any) -> socket.socket:
    """Bind, and leave no socket open when that fails, as cheroot would.

    Raises:
        OSError: the address cannot be listened at.
    """
    try:
        socket_.bind(address)
    except OSError:
        socket_.close()
        raise
    return socket_
