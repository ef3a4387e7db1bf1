"""Where alerts go: the places that `REDCAT_ALERTS` or `alerts.yaml` under `REDCAT_HOME` names.

- kind: dingtalk                 # or feishu, lark, slack
  url: https://oapi.dingtalk.com/robot/send?access_token=…
  secret: SEC…                   # where the robot signs (加签, 签名校验)
- kind: email
  host: smtp.example.com
  port: 465                      # tls: ssl (default), starttls or none
  user: …
  password: …
  sender: redcat@example.com
  to: [marketing@example.com]
  on: [failure, overdue]         # the default; success too where wanted
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, field_validator

from pipelines.settings import SettingError

if TYPE_CHECKING:
    from pipelines.home import Home

Event = Literal["success", "failure", "overdue"]


class Place(BaseModel):
    """What every place states: of which events it is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    on: tuple[Event, ...] = ("failure", "overdue")


class Webhook(Place):
    """A robot in a group chat; its address is a secret, since whoever knows it may write there."""

    kind: Literal["dingtalk", "feishu", "lark", "slack"]
    url: SecretStr
    secret: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("must begin with https:// or http://")
        return url


class Mailbox(Place):
    """An SMTP server, and who is written to."""

    kind: Literal["email"]
    host: str
    port: int = Field(465, ge=1, le=65535)
    tls: Literal["ssl", "starttls", "none"] = "ssl"
    user: str | None = None
    password: SecretStr | None = None
    sender: str
    to: tuple[str, ...] = Field(min_length=1)


_PLACES = TypeAdapter(tuple[Annotated[Webhook | Mailbox, Field(discriminator="kind")], ...])


def places(home: Home, /) -> tuple[Webhook | Mailbox, ...]:
    """Every place that is told; none where nothing is configured.

    Raises SettingError for what cannot be used, without quoting it, PermissionError for a file that others can read.
    """
    path = home.root / "alerts.yaml"
    text, named = os.environ.get("REDCAT_ALERTS"), "REDCAT_ALERTS"
    if not text and path.exists():
        if path.stat().st_mode & 0o077:
            raise PermissionError(f"{path} can be read by others; run: chmod 600 {path}")
        text, named = path.read_text(encoding="utf-8"), str(path)
    if not text:
        return ()
    try:
        return _PLACES.validate_python(yaml.safe_load(text) or ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SettingError(
            f"{named} is no YAML{f' (line {mark.line + 1})' if mark else ''}; see docs/operate.md"
        ) from None
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, found["loc"]))
        raise SettingError(f"{named} cannot be used: {where}: {found['msg']}; see docs/operate.md") from None
