"""The folder of reports on this machine's own network, so that links in Dagster lead to the page.

Run as `python -m pipelines.reports.serve FOLDER PORT`; it ends with the process that started it.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import sleep
from urllib.parse import quote

from pipelines.reports.formats import first_file

HOST = "127.0.0.1"
PARENT_IS_LOOKED_FOR = 1.0  # seconds


class Reports(SimpleHTTPRequestHandler):
    """Files of the folder, read only; the root leads to the newest page, or to the index of the brands."""

    def send_head(self):  # type: ignore[no-untyped-def]
        """Answer only who names this machine, so that no page from elsewhere reads along under another name."""
        if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in (HOST, "localhost"):
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        if self.path == "/" and (page := first_file(Path(self.directory))):
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", quote(f"/{page.relative_to(self.directory)}"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        if not Path(self.translate_path(self.path)).resolve().is_relative_to(Path(self.directory).resolve()):
            self.send_error(HTTPStatus.NOT_FOUND)  # a link that leaves the folder
            return None
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: who reads what is nobody's business."""


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the folder; raises OSError when the port is taken."""
    return ThreadingHTTPServer((HOST, port), partial(Reports, directory=str(folder)))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        sleep(PARENT_IS_LOOKED_FOR)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with serve(Path(sys.argv[1]), int(sys.argv[2])) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)
