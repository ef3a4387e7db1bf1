"""Run the benchmarks one after the other, print their tables and write them to RESULTS.md.

python -m benchmarks [--only journeys peers …] [--touches 100000000 --conversions 2000000] [--out FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import days, demo, fitted, intake, journeys, page, peers, scale
from benchmarks.measuring import machine

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Results

Seconds are of one run on one machine, so read the ratios: both sides of each ran in the same run, one after the other.
Each part has a process of its own, whose peak memory is given. A load average well above the number of cores means
that others used the machine too, which distorts ratios of parts that use all cores; seconds of all cores suffer less.
Written by `python -m benchmarks`; with `--only` the other sections stay.
"""


def parts(touches: int, conversions: int) -> dict[str, tuple[str, Callable[[], str]]]:
    return {
        "journeys": ("Journeys against a bare join and sort", journeys.main),
        "peers": ("Models against the packages of this field (ratios to redcat)", peers.main),
        "fitted": ("Fitted models at larger sizes", fitted.main),
        "scale": (
            "From stored touches to category ROI, against the journeys step alone",
            lambda: scale.main(touches, conversions, 64),
        ),
        "intake": ("Taking in a day of a large brand, against DuckDB's CSV reader", intake.main),
        "demo": ("The whole demo against a bare join and sort", demo.main),
        "page": ("The page of a large brand: written, opened and switched in Chromium", page.main),
        "days": ("A day's run after 40 days of history, and after 400", days.main),
    }


def sections(written: str) -> dict[str, str]:
    """Title → text of what was written before."""
    found = (part.split("\n", 1) for part in written.split("\n## ")[1:])
    return {title.strip(): text.strip() for title, text in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--touches", type=int, default=100_000_000, help="of the scale benchmark")
    parser.add_argument("--conversions", type=int, default=2_000_000, help="of the scale benchmark")
    parser.add_argument("--only", nargs="+", choices=tuple(parts(0, 0)), help="default: all")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    every = parts(options.touches, options.conversions)
    before = sections(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    written = {title: before[title] for title, _ in every.values() if title in before}
    for name in options.only or every:
        title, run = every[name]
        on = machine()
        written[title] = f"{run()}\n\n{on}."
        print(f"## {title}\n\n{written[title]}\n", flush=True)
        ordered = [f"## {title}\n\n{written[title]}\n" for title, _ in every.values() if title in written]
        options.out.write_text("\n".join([HEAD, *ordered]), encoding="utf-8")


if __name__ == "__main__":
    main()
