"""Sending an alert: each place in its own format. Nothing here raises, and no address or secret is ever told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import smtplib
import ssl
import time
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import requests

from pipelines.alerts.places import Mailbox, Webhook, places

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.alerts.places import Event
    from pipelines.home import Home

SECONDS = 10
ATTEMPTS = 2
LONGEST = 1800  # characters; a robot refuses much more
log = logging.getLogger("redcat.alerts")


@dataclass(frozen=True)
class Alert:
    """What happened: one line, and what is known of it."""

    event: Event
    title: str
    lines: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """The lines, as many as a robot takes."""
        text = "\n".join(f"- {line}" for line in self.lines)
        return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(chr(10), 1)[0]}\n- …"


@dataclass(frozen=True)
class Told:
    """How many places took an alert, and why others did not, in words without secrets."""

    reached: int
    failed: list[str]


class RefusedError(Exception):
    """The place answered that it did not take the alert."""


def tell(home: Home, alert: Alert, /) -> Told:
    """Send the alert to every place that wants it."""
    try:
        wanting = [place for place in places(home) if alert.event in place.on]
    except Exception as error:
        wanting, failed = [], [str(error)]
    else:
        failed = [f"{place.kind}: {reason}" for place in wanting if (reason := _attempt(place, alert))]
    for reason in failed:
        log.warning("an alert was not sent: %s", reason)
    return Told(max(len(wanting) - len(failed), 0), failed)


def _attempt(place: Webhook | Mailbox, alert: Alert) -> str | None:
    """Why it could not be sent, or None. What libraries say may quote an address, so only its kind is told."""
    reason = None
    for _ in range(ATTEMPTS):
        try:
            _mail(place, alert) if isinstance(place, Mailbox) else _post(place, alert)
        except RefusedError as error:
            reason = str(error)
        except Exception as error:
            reason = type(error).__name__
        else:
            return None
    return reason


def _markdown(alert: Alert) -> str:
    return f"### {alert.title}\n{alert.body}"


def _signature(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _dingtalk(alert: Alert, secret: str | None) -> tuple[dict[str, str], dict[str, Any]]:
    at = str(round(time.time() * 1000))
    signed = {"timestamp": at, "sign": _signature(secret, f"{at}\n{secret}")} if secret else {}
    return signed, {"msgtype": "markdown", "markdown": {"title": alert.title, "text": _markdown(alert)}}


def _feishu(alert: Alert, secret: str | None) -> tuple[dict[str, str], dict[str, Any]]:
    at = str(int(time.time()))
    signed = {"timestamp": at, "sign": _signature(f"{at}\n{secret}", "")} if secret else {}
    card = {
        "header": {
            "title": {"tag": "plain_text", "content": alert.title},
            "template": "green" if alert.event == "success" else "red",
        },
        "elements": [{"tag": "div", "text": {"tag": "plain_text", "content": alert.body or "—"}}],
    }
    return {}, signed | {"msg_type": "interactive", "card": card}


def _slack(alert: Alert, _secret: str | None) -> tuple[dict[str, str], dict[str, Any]]:
    escaped = f"*{alert.title}*\n{alert.body}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {}, {"text": escaped}


# By kind: what is added to the address and what is sent, and the field of the answer that is 0 when it was taken.
FORMATS: dict[str, tuple[Callable[[Alert, str | None], tuple[dict[str, str], dict[str, Any]]], str | None]] = {
    "dingtalk": (_dingtalk, "errcode"),
    "feishu": (_feishu, "code"),
    "lark": (_feishu, "code"),
    "slack": (_slack, None),
}


def _post(place: Webhook, alert: Alert) -> None:
    form, verdict = FORMATS[place.kind]
    parameters, content = form(alert, place.secret.get_secret_value() if place.secret else None)
    # A redirect would carry the alert to an address that nobody configured.
    answer = requests.post(
        place.url.get_secret_value(), params=parameters, json=content, timeout=SECONDS, allow_redirects=False
    )
    if answer.status_code != requests.codes.ok:
        raise RefusedError(f"it answered with status {answer.status_code}")
    code = answer.json().get(verdict, 0) if verdict else 0
    if code != 0:
        raise RefusedError(f"it refused the alert with {verdict} {code}")


def _mail(place: Mailbox, alert: Alert) -> None:
    message = EmailMessage()
    message["Subject"] = " ".join(alert.title.split())
    message["From"], message["To"] = place.sender, ", ".join(place.to)
    message.set_content(alert.body or alert.title)
    context = ssl.create_default_context()
    kind = smtplib.SMTP_SSL if place.tls == "ssl" else smtplib.SMTP
    secured = {"context": context} if place.tls == "ssl" else {}
    with kind(place.host, place.port, timeout=SECONDS, **secured) as server:
        if place.tls == "starttls":
            server.starttls(context=context)
        if place.user and place.password:
            server.login(place.user, place.password.get_secret_value())
        server.send_message(message)
