"""Waiting for a socket in the middle of a handshake."""

from __future__ import annotations

import fcntl
import resource
import selectors
import socket

import pytest

from sfcert.azure.handshake import _is_ready


def test_a_descriptor_beyond_those_that_select_knows_is_waited_for_all_the_same() -> None:
    """A process that looks at a fleet has more than 1,024 open; the call named after select then fails outright."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 2048:
        pytest.skip("this shell lets no process have so many descriptors (ulimit -n)")
    near, far = socket.socketpair()
    with near, far, socket.socket(fileno=fcntl.fcntl(near.fileno(), fcntl.F_DUPFD, 2000)) as line:
        assert line.fileno() >= 2000
        assert not _is_ready(line, selectors.EVENT_READ, 0.0)
        far.sendall(b"x")
        assert _is_ready(line, selectors.EVENT_READ, 5.0)
        assert _is_ready(line, selectors.EVENT_WRITE, 5.0)
