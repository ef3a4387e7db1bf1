"""What happens without anybody's doing: every day what is due up to yesterday, and late files as they land.

Late files take two runs. `intake` takes them in and says which dates their rows have outdated; when it has succeeded,
`figures` is requested for exactly these partitions, and makes of them what is outdated. One run is at work at a time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import dagster as dg

from data_contracts.contract import BUSINESS_TIME_ZONE
from pipelines.arrivals import BUSINESS_ZONE
from pipelines.assets.affected import DATES, FILES, FIRST, LAST, affected
from pipelines.demo.stage import is_demo
from pipelines.due import due
from pipelines.home import Home
from pipelines.intake.landing import data_files, settled, state
from pipelines.partitions import outdated_tags, range_tags
from pipelines.settings import run_at, sensor_seconds

FEEDS = dg.AssetSelection.groups("feeds")
everything = dg.define_asset_job(
    "everything", description="From landed files to the published warehouse. 从落地文件到发布。"
)
intake = dg.define_asset_job("intake", selection=FEEDS, description="Take in what has landed. 入库新落地的文件。")
figures = dg.define_asset_job(
    "figures",
    selection=dg.AssetSelection.all() - FEEDS,
    description="Make again what late files have changed, and publish. 重算迟到数据影响的日期并发布。",
)

IS_ON = run_at() is not None
HOUR, MINUTE = run_at() or (10, 30)
DEMO = dg.SkipReason("this home holds the demo, whose days are over; set REDCAT_HOME to a folder of your own")


@dg.schedule(
    job=everything,
    cron_schedule=f"{MINUTE} {HOUR} * * *",
    execution_timezone=BUSINESS_TIME_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING if IS_ON else dg.DefaultScheduleStatus.STOPPED,
    description="Every day, all of yesterday in Shanghai, and the dates before it that no run has made. "
    "每天物化昨日（上海时间），并补齐此前未算的日期。",
)
def yesterday_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    home = Home.from_environment()
    if is_demo(home):
        return DEMO
    yesterday = context.scheduled_execution_time.astimezone(BUSINESS_ZONE).date() - timedelta(days=1)
    return dg.RunRequest(run_key=yesterday.isoformat(), tags=range_tags(*due(home, yesterday)))


SENSOR_STATUS = dg.DefaultSensorStatus.RUNNING if IS_ON else dg.DefaultSensorStatus.STOPPED


@dg.sensor(
    job=intake,
    minimum_interval_seconds=sensor_seconds(),
    default_status=SENSOR_STATUS,
    description="Takes in files that are new or changed and have settled. 发现新增或变更且已写完的文件。",
)
def landing_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    home = Home.from_environment()
    if is_demo(home):
        return DEMO
    found = _settled_files(home)
    known = Sensed(home.cache / "sensed", context.cursor)
    new = sorted(set(found) - known.marks())
    if not new:
        return dg.SkipReason("no new or changed file that has settled")
    request = dg.RunRequest(
        run_key=sha256("".join(new).encode()).hexdigest(),
        tags={"redcat/files": ", ".join(sorted(found[mark] for mark in new)[:5])[:200]},
    )
    return dg.SensorResult(run_requests=[request], cursor=known.replaced_by(found))


@dataclass(frozen=True)
class Sensed:
    """The marks of the files that a tick has seen, in a file that its cursor names.

    Dagster keeps the cursor of every tick, and a landing place of years holds many files: so the cursor is short. Where
    the file is lost every file counts as new, and the run that is requested finds that it has taken them in.
    """

    folder: Path
    cursor: str | None

    def marks(self) -> set[str]:
        """The marks that were seen; none before the first tick, or where nothing can be read."""
        try:
            return set((self.folder / str(self.cursor)).read_text(encoding="ascii").split())
        except OSError:
            return set()

    def replaced_by(self, marks: Iterable[str]) -> str:
        """Write what is seen now; returns its cursor. What this tick began with stays, should it be repeated."""
        text = "\n".join(sorted(marks))
        cursor = sha256(text.encode()).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / cursor).write_text(text, encoding="ascii")
        for older in self.folder.iterdir():
            if older.name not in (cursor, self.cursor):
                older.unlink()
        return cursor


def _settled_files(home: Home) -> dict[str, str]:
    """The names of settled files by a mark that changes with the file."""
    found = {}
    for path in data_files(home.landing):
        try:
            if settled(path):
                name = path.relative_to(home.landing).as_posix()
                found[sha256(f"{name} {state(path)}".encode()).hexdigest()[:16]] = name
        except FileNotFoundError:
            continue  # it was taken away meanwhile
    return found


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[intake],
    request_job=figures,
    minimum_interval_seconds=sensor_seconds(),
    default_status=SENSOR_STATUS,
    description="Requests the dates that late files can change, and no others. 只重算迟到文件影响的日期。",
)
def affected_sensor(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    run, made = context.dagster_run, dg.DagsterEventType.ASSET_MATERIALIZATION
    events = [r.asset_materialization for r in context.instance.get_records_for_run(run.run_id, of_type=made).records]
    told = [event for event in events if event and event.asset_key == affected.key]
    found = {name: value.value for name, value in told[-1].metadata.items()} if told else {}
    if not found.get(FILES) or found[FIRST] == "—":
        yield dg.SkipReason("nothing that has been made before is affected")
        return
    first, last = (date.fromisoformat(found[end]) for end in (FIRST, LAST))
    yield dg.RunRequest(run_key=run.run_id, tags=outdated_tags(str(found[DATES]), first, last))


schedules = [yesterday_schedule]
sensors = [landing_sensor, affected_sensor]
