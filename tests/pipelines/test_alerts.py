"""People are told in the format of each place; what cannot be told fails nothing and gives no secret away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import socketserver
import threading
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import duckdb
import polars as pl
import pytest

from pipelines.alerts.news import alert_of, alert_of_overdue
from pipelines.alerts.places import places
from pipelines.alerts.send import Alert, tell
from pipelines.home import Home
from pipelines.run import RunSummary
from pipelines.settings import SettingError
from pipelines.watch import overdue_sensor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN, SECRET = "token-that-nobody-may-see", "SECthat-nobody-may-see"
ALERT = Alert("failure", "红猫运行失败 · Redcat run failed: 2026-09-01", ("core/spend: <b>1</b> & more",))
ANSWERS = {"dingtalk": {"errcode": 0}, "feishu": {"code": 0}, "lark": {"code": 0}, "slack": None}


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def chat(status: int = 200, answer: Any = None) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A robot's address on loopback, and what was posted there."""
    posted: list[tuple[str, Any]] = []

    class Robot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            content = b"ok" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Robot)) as port:
        yield f"http://127.0.0.1:{port}/robot?access_token={TOKEN}", posted


@contextmanager
def post_office() -> Iterator[tuple[int, list[tuple[list[str], bytes]]]]:
    """An SMTP server on loopback, and the letters that it took: to whom, and what."""
    letters: list[tuple[list[str], bytes]] = []

    class Desk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            to: list[str] = []
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                word = line[:4].upper().strip()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    content = b"".join(iter(self.rfile.readline, b".\r\n"))
                    letters.append((to, content))
                elif word == b"RCPT":
                    to.append(line.decode().split("<")[1].split(">")[0])
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Desk)) as port:
        yield port, letters


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("REDCAT_ALERTS", raising=False)
    return Home(tmp_path)


def configured(home: Home, *stated: dict[str, Any], mode: int = 0o600) -> None:
    path = home.root / "alerts.yaml"
    path.write_text(json.dumps(stated))
    path.chmod(mode)


@pytest.mark.parametrize("kind", ANSWERS)
def test_each_robot_is_told_in_its_own_format(home: Home, kind: str) -> None:
    with chat(answer=ANSWERS[kind]) as (url, posted):
        configured(home, {"kind": kind, "url": url})
        assert tell(home, ALERT).failed == []
    ((path, content),) = posted
    assert parse_qs(urlsplit(path).query) == {"access_token": [TOKEN]}
    if kind == "dingtalk":
        assert content["msgtype"] == "markdown"
        assert content["markdown"]["title"] == ALERT.title
        assert ALERT.title in content["markdown"]["text"]
    elif kind == "slack":
        assert content == {"text": f"*{ALERT.title}*\n- core/spend: &lt;b&gt;1&lt;/b&gt; &amp; more"}
    else:
        assert content["msg_type"] == "interactive"
        assert content["card"]["header"]["title"]["content"] == ALERT.title
        assert content["card"]["elements"][0]["text"]["content"] == ALERT.body


def test_dingtalk_signs_its_address(home: Home) -> None:
    with chat(answer={"errcode": 0}) as (url, posted):
        configured(home, {"kind": "dingtalk", "url": url, "secret": SECRET})
        assert tell(home, ALERT).failed == []
    query = parse_qs(urlsplit(posted[0][0]).query)
    (at,) = query["timestamp"]
    digest = hmac.new(SECRET.encode(), f"{at}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert len(at) == 13, "milliseconds"
    assert query["sign"] == [base64.b64encode(digest).decode()]


def test_feishu_signs_its_content(home: Home) -> None:
    with chat(answer={"code": 0}) as (url, posted):
        configured(home, {"kind": "feishu", "url": url, "secret": SECRET})
        assert tell(home, ALERT).failed == []
    content = posted[0][1]
    digest = hmac.new(f"{content['timestamp']}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    assert len(content["timestamp"]) == 10, "seconds"
    assert content["sign"] == base64.b64encode(digest).decode()


def test_people_are_written_to(home: Home) -> None:
    to = ["a@example.com", "b@example.com"]
    with post_office() as (port, letters):
        configured(
            home,
            {"kind": "email", "host": "127.0.0.1", "port": port, "tls": "none", "sender": "r@example.com", "to": to},
        )
        assert tell(home, ALERT).failed == []
    ((received, content),) = letters
    letter = message_from_bytes(content, policy=policy.default)
    assert received == to
    assert letter["Subject"] == ALERT.title
    assert letter.get_content().strip() == ALERT.body


def test_a_place_is_told_of_what_it_wants(home: Home) -> None:
    with chat() as (url, posted):
        configured(home, {"kind": "slack", "url": url, "on": ["overdue"]}, {"kind": "slack", "url": url})
        for event in ("success", "failure", "overdue"):
            assert tell(home, Alert(event, event)).failed == []
    assert [content["text"].split("*")[1] for _, content in posted] == ["failure", "overdue", "overdue"]


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (500, None, "dingtalk: it answered with status 500"),
        (302, None, "dingtalk: it answered with status 302"),
        (
            200,
            {"errcode": 310000, "errmsg": f"sign not match {TOKEN}"},
            "dingtalk: it refused the alert with errcode 310000",
        ),
        (200, None, "dingtalk: JSONDecodeError"),
    ],
)
def test_what_is_refused_is_told_without_secrets(home: Home, caplog, status: int, answer: Any, told: str) -> None:
    caplog.set_level(logging.DEBUG, logger="redcat")
    with chat(status, answer) as (url, posted):
        configured(home, {"kind": "dingtalk", "url": url, "secret": SECRET})
        assert tell(home, ALERT).failed == [told]
    assert len(posted) == 2, "it is tried twice"
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("redcat")]
    assert ours == [f"an alert was not sent: {told}"]


def test_one_place_that_is_down_keeps_no_other_from_being_told(home: Home) -> None:
    with chat() as (gone, _):
        pass
    with chat() as (url, posted):
        mailbox = {
            "kind": "email",
            "host": "127.0.0.1",
            "port": 1,
            "tls": "none",
            "sender": "r@e.com",
            "to": ["a@e.com"],
        }
        configured(home, {"kind": "slack", "url": gone}, mailbox, {"kind": "slack", "url": url})
        failed = tell(home, ALERT).failed
    assert [line.split(":")[0] for line in failed] == ["slack", "email"]
    assert TOKEN not in "".join(failed)
    assert len(posted) == 1


def test_the_environment_comes_before_the_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(home, {"kind": "slack", "url": "https://example.com/file"}, mode=0o644)
    monkeypatch.setenv("REDCAT_ALERTS", f'[{{kind: lark, url: "https://example.com/{TOKEN}"}}]')
    (place,) = places(home)
    assert place.kind == "lark"
    assert TOKEN not in repr(place)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"- kind: slack\n  url: ftp://{TOKEN}", "0.slack.url"),
        (f"- kind: pager\n  url: https://{TOKEN}", "0"),
        (f"- kind: slack\n  address: https://{TOKEN}", "0.slack"),
        (f"- kind: slack\n url: [{TOKEN}", "no YAML"),
    ],
)
def test_a_wrong_configuration_is_told_without_quoting_it(home: Home, monkeypatch, text: str, told: str) -> None:
    monkeypatch.setenv("REDCAT_ALERTS", text)
    with pytest.raises(SettingError) as error:
        places(home)
    assert told in str(error.value)
    assert TOKEN not in str(error.value)
    assert tell(home, ALERT).failed == [str(error.value)], "and fails nothing"


def test_a_file_that_others_can_read_is_not_used(home: Home) -> None:
    configured(home, {"kind": "slack", "url": "https://example.com"}, mode=0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        places(home)


def test_nothing_is_told_where_nothing_is_configured(home: Home) -> None:
    assert places(home) == ()
    assert tell(home, ALERT).failed == []


def test_a_run_is_told_with_what_stopped_it_first() -> None:
    summary = RunSummary(problems=["a.csv: cut"], warnings=[("core/spend", "1 row")], failures=["raw/notes: failed"])
    alert = alert_of(summary, "2026-09-01")
    assert (alert.event, alert.lines[0], alert.lines[-1]) == ("failure", "raw/notes: failed", "core/spend: 1 row")
    assert alert_of(RunSummary(), "2026-09-01").event == "success"


def test_overdue_days_are_told_by_feed() -> None:
    days = [date(2026, 9, n) for n in range(1, 8)]
    rows = pl.DataFrame(
        {"feed": ["refunds"] * 7 + ["notes"], "source": ["jd"] * 7 + [None], "business_date": [*days, days[0]]}
    )
    alert = alert_of_overdue(rows)
    assert alert.title.endswith("8 days overdue")
    assert alert.lines == (
        "refunds jd: 7 × (2026-09-07, 2026-09-06, 2026-09-05, 2026-09-04, 2026-09-03 …)",
        "notes: 1 × (2026-09-01)",
    )


def test_a_long_story_is_cut_at_a_line() -> None:
    alert = Alert("failure", "t", tuple(f"line {n}" for n in range(500)))
    assert len(alert.body) < 1810
    assert alert.body.endswith("\n- …")


def test_overdue_days_are_told_once_wherever_somebody_takes_them(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    late = pl.DataFrame({"feed": ["note_spend"], "source": [None], "business_date": [date(2026, 9, 1)]})
    monkeypatch.setenv("REDCAT_HOME", str(home.root))
    monkeypatch.setattr("pipelines.watch.overdue", lambda *_, **__: late.cast({"source": pl.String}))
    duckdb.connect(home.create().published).close()

    def tick(cursor: str | None) -> str | None:
        context = dg.build_sensor_context(cursor=cursor)
        assert all(isinstance(found, dg.SkipReason) for found in overdue_sensor(context))
        return context.cursor

    with chat() as (gone, _):
        pass
    configured(home, {"kind": "slack", "url": gone})
    assert tick(None) is None, "nobody took it: told again at the next tick"
    with chat() as (url, posted):
        configured(home, {"kind": "slack", "url": gone}, {"kind": "slack", "url": url})
        cursor = tick(None)
        assert len(posted) == 1
        tick(cursor)
        assert len(posted) == 1, "a place that is away does not have the others told twice"
