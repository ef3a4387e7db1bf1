"""The folder of reports as a browser reaches it."""

from __future__ import annotations

import os
import threading
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from pipelines.reports.serve import serve
from pipelines.settings import SettingError, reports_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[HTTPConnection]:
    """A connection to a server of a folder with two pages, beside which something else lies."""
    (tmp_path / "secret").write_text("not for readers")
    for number, name in enumerate(("2026-09-01", "2026-09-02")):
        page = tmp_path / "reports" / "品牌 A" / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(name)
        os.utime(page, (number, number))
    (tmp_path / "reports" / "link.html").symlink_to(tmp_path / "secret")
    (tmp_path / "reports" / "folder").symlink_to(tmp_path)
    with serve(tmp_path / "reports", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        connection = HTTPConnection("127.0.0.1", server.server_port)
        yield connection
        connection.close()
        server.shutdown()


def get(connection: HTTPConnection, path: str, **headers: str) -> tuple[int, str, str | None]:
    """Status, body and where it leads."""
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.getheader("Location")


def test_the_root_leads_to_the_newest_page(connection: HTTPConnection) -> None:
    status, _, place = get(connection, "/")
    assert status == 302
    assert place is not None
    assert get(connection, place)[:2] == (200, "2026-09-02")


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "//../secret", "/link.html", "/folder/secret"])
def test_nothing_outside_the_folder_is_read(connection: HTTPConnection, path: str) -> None:
    status, body, _ = get(connection, path)
    assert status == 404
    assert "not for readers" not in body


def test_another_name_for_this_machine_is_refused(connection: HTTPConnection) -> None:
    assert get(connection, "/", Host="evil.example")[0] == 403


@pytest.mark.parametrize("stated", ["", "reports", "file:///reports", "javascript:alert(1)", "http://"])
def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, stated: str) -> None:
    monkeypatch.setenv("REDCAT_REPORTS_URL", stated)
    with pytest.raises(SettingError, match="REDCAT_REPORTS_URL"):
        reports_url()


def test_an_address_ends_with_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_REPORTS_URL", "https://reports.example/redcat")
    assert reports_url() == "https://reports.example/redcat/"
