"""A PostgreSQL server of the test's own, from the Debian package."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60  # seconds until the server answers
NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}  # it refuses root


def _program(name: str) -> str:
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    program = shutil.which(name) or (str(max(found)) if found else None)
    if program is None:
        message = f"needs {name}: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return program


@contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database on loopback; the server ends with the block."""
    initdb, program = _program("initdb"), _program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="redcat-postgres-"))
    if NOBODY:
        shutil.chown(folder, "nobody", "nogroup")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, own = folder / "data", {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **NOBODY}
    subprocess.run(
        [initdb, "-D", data, "-U", "redcat", "--auth=trust", "--no-sync"], check=True, capture_output=True, **own
    )
    options = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-c", "fsync=off"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([program, *options], stdout=log, stderr=log, **own)
    try:
        address = f"redcat@127.0.0.1:{port}/postgres"
        _await(f"postgresql://{address}", server)
        yield f"postgresql+psycopg2://{address}"  # SQLAlchemy takes another driver unless it is named
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait()
        shutil.rmtree(folder)


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.05)
        else:
            return
