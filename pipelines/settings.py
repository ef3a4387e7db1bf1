"""What an installation may set, read from the environment; the folders stand in `pipelines.home`."""

from __future__ import annotations

import math
import os
import re
from datetime import date

PLAIN_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class SettingError(ValueError):
    """A setting that cannot be used; the message says which, what it is and what it may be."""


def attribution_scope() -> str:
    """`REDCAT_SCOPE`: within which scope a note competes for an order; raises SettingError for an unknown one."""
    from models.journeys import SCOPES  # here, since the command line reads settings before it loads anything heavy

    scope = os.environ.get("REDCAT_SCOPE", "brand")
    if scope not in SCOPES:
        raise SettingError(f"REDCAT_SCOPE is {scope!r}; set it to one of {', '.join(SCOPES)}")
    return scope


def own_brand() -> str:
    """`REDCAT_BRAND`: the brand of exports that do not name one; it should be spelled as the notes spell it."""
    return os.environ.get("REDCAT_BRAND", "本品牌")


def first_date() -> date:
    """`REDCAT_FIRST_DATE`: the first business date there is; raises SettingError unless it is YYYY-MM-DD."""
    stated = os.environ.get("REDCAT_FIRST_DATE", "2016-01-01")
    try:
        return plain_date(stated)
    except ValueError:
        raise SettingError(f"REDCAT_FIRST_DATE is {stated!r}; set it to a date, YYYY-MM-DD") from None


def settle_seconds() -> float:
    """`REDCAT_SETTLE_SECONDS`: how long a file must have been left alone; raises SettingError unless it is >= 0."""
    stated = os.environ.get("REDCAT_SETTLE_SECONDS", "1")
    try:
        seconds = float(stated)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise SettingError(f"REDCAT_SETTLE_SECONDS is {stated!r}; set it to a number of seconds from 0 on, such as 1")
    return seconds


def expected_feeds() -> list[str]:
    """`REDCAT_EXPECTED_FEEDS`: feeds that are missing also where they never came; raises SettingError for others."""
    from data_contracts.contract import feeds

    stated = [name.strip() for name in os.environ.get("REDCAT_EXPECTED_FEEDS", "").split(",") if name.strip()]
    if unknown := [name for name in stated if name not in feeds()]:
        raise SettingError(
            f"REDCAT_EXPECTED_FEEDS names {', '.join(map(repr, unknown))}; set it to feeds, separated by commas, of "
            f"{', '.join(feeds())}"
        )
    return stated


def kept_versions() -> int:
    """`REDCAT_KEEP_VERSIONS`: how many published versions stay; raises SettingError unless it is a number from 1 on."""
    stated = os.environ.get("REDCAT_KEEP_VERSIONS", "3")
    if not re.fullmatch(r"[1-9][0-9]{0,3}", stated):
        raise SettingError(f"REDCAT_KEEP_VERSIONS is {stated!r}; set it to a number of versions from 1 on, such as 3")
    return int(stated)


def kept_history_days() -> int:
    """`REDCAT_KEEP_HISTORY_DAYS`: for how many days what figures were on each date stays; older ones by month."""
    return _days("REDCAT_KEEP_HISTORY_DAYS", "90")


def kept_quarantine_days() -> int:
    """`REDCAT_KEEP_QUARANTINE_DAYS`: for how many days refused rows stay after they were taken in."""
    return _days("REDCAT_KEEP_QUARANTINE_DAYS", "400")


def kept_restated_days() -> int:
    """`REDCAT_KEEP_RESTATED_DAYS`: for how many days a version of a row stays after a newer one has replaced it."""
    return _days("REDCAT_KEEP_RESTATED_DAYS", "400")


def kept_raw_days() -> int | None:
    """`REDCAT_KEEP_RAW_DAYS`: for how many days the rows of impressions and engagements stay; None: all of them do."""
    return _days("REDCAT_KEEP_RAW_DAYS", "400") if os.environ.get("REDCAT_KEEP_RAW_DAYS") else None


def _days(name: str, usual: str) -> int:
    stated = os.environ.get(name, usual)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", stated):
        raise SettingError(f"{name} is {stated!r}; set it to a number of days from 1 on, such as {usual}")
    return int(stated)


def run_at() -> tuple[int, int] | None:
    """`REDCAT_RUN_AT`: hour and minute in Shanghai at which yesterday is made every day.

    None where it is not set: then nothing runs by itself. Raises SettingError unless it is HH:MM.
    """
    stated = os.environ.get("REDCAT_RUN_AT")
    if not stated:
        return None
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", stated):
        raise SettingError(f"REDCAT_RUN_AT is {stated!r}; set it to a time of day in Shanghai, HH:MM, such as 10:30")
    hour, minute = stated.split(":")
    return int(hour), int(minute)


def sensor_seconds() -> int:
    """`REDCAT_SENSOR_SECONDS`: how often new files are looked for; raises SettingError unless it is 1 to 86400."""
    stated = os.environ.get("REDCAT_SENSOR_SECONDS", "60")
    if not stated.isdecimal() or not 1 <= int(stated) <= 86_400:
        raise SettingError(f"REDCAT_SENSOR_SECONDS is {stated!r}; set it to seconds from 1 to 86400, such as 60")
    return int(stated)


def reports_url() -> str:
    """`REDCAT_REPORTS_URL`: where people reach the folder of reports; raises SettingError unless it is http(s).

    By default `redcat ui` serves it on this machine.
    """
    stated = os.environ.get("REDCAT_REPORTS_URL", "http://127.0.0.1:3001/")
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", stated):
        raise SettingError(f"REDCAT_REPORTS_URL is {stated!r}; set it to an address such as https://reports.example/")
    return stated.rstrip("/") + "/"


def demand_settings() -> None:
    """Raise SettingError when one of the settings cannot be used."""
    for read in (
        attribution_scope,
        expected_feeds,
        first_date,
        settle_seconds,
        kept_history_days,
        kept_quarantine_days,
        kept_raw_days,
        kept_restated_days,
        kept_versions,
        run_at,
        sensor_seconds,
        reports_url,
        demand_mappings,
    ):
        read()


def demand_mappings() -> None:
    """Raise SettingError when a mapping file of this installation cannot be used."""
    from data_contracts.mapping import MappingError
    from pipelines.intake.known import mappings

    try:
        mappings()
    except MappingError as error:
        raise SettingError(f"a mapping file in exports/ under REDCAT_HOME cannot be used: {error}") from error


def plain_date(text: str, /) -> date:
    """A date in the one form YYYY-MM-DD; raises ValueError for every other, also for those of ISO 8601."""
    if not PLAIN_DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not YYYY-MM-DD")
    return date.fromisoformat(text)
