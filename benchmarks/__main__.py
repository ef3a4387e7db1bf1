"""Run the benchmarks one after the other, print their tables and write them to RESULTS.md.

python -m benchmarks [--only journeys peers …] [--touches 100000000 --conversions 2000000] [--out FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import demo, fitted, intake, journeys, peers, scale
from benchmarks.measuring import machine

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Results

Seconds are of one run on one machine, so read the ratios: both sides of each ran in the same run, one after the other.
Each part has a process of its own, whose peak memory is given. A load average well above the number of cores means
that others used the machine too, which distorts ratios of parts that use all cores. Written by `python -m benchmarks`.
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
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--touches", type=int, default=100_000_000, help="of the scale benchmark")
    parser.add_argument("--conversions", type=int, default=2_000_000, help="of the scale benchmark")
    parser.add_argument("--only", nargs="+", choices=tuple(parts(0, 0)), help="default: all")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    written = [HEAD, f"{machine()}.\n"]
    print(*written, sep="\n")
    for name, (title, run) in parts(options.touches, options.conversions).items():
        if options.only and name not in options.only:
            continue
        written.append(f"## {title}\n\n{run()}\n")
        print(written[-1], flush=True)
        options.out.write_text("\n".join(written), encoding="utf-8")


if __name__ == "__main__":
    main()
