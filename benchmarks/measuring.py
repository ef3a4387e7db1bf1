"""What every benchmark shares: a process of its own for each part, its seconds and peak memory, and the machine."""

from __future__ import annotations

import os
import platform
import re
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LIBRARIES = ("polars", "duckdb", "numpy", "scipy", "scikit-learn", "dagster")
PEERS = ("ChannelAttribution", "marketing-attribution-models", "mta", "pychattr")


@dataclass(frozen=True)
class Run:
    """Seconds by the clock and of all cores, peak gigabytes of the process, and what the function returned."""

    seconds: float
    cpu_seconds: float
    gigabytes: float
    result: Any


def peak_gigabytes() -> float:
    """The most memory that this process has held, of its own: what `getrusage` says holds that of its caller too."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1e6  # type: ignore[index]


def timed(function: Callable[..., Any], /, *arguments: object) -> Run:
    start, cpu_start = time.perf_counter(), time.process_time()
    result = function(*arguments)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    return Run(seconds, cpu_seconds, peak_gigabytes(), result)


def alone(function: Callable[..., Any], /, *arguments: object) -> Any:
    """Run in a new process, so that peak memory is the function's own: this one stays small."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine() -> str:
    """The machine and the versions, without names or paths."""
    cpu = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.is_file():
        named = [line.split(":", 1)[1] for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = named[0].strip() if named else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    libraries = ", ".join(f"{name} {found}" for name in (*LIBRARIES, *PEERS) if (found := installed(name)))
    load = os.getloadavg()[0]
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()}, Python {platform.python_version()}; "
        f"{libraries}. Load average when it began: {load:.1f}"
    )
