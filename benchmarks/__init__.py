"""Speed and scale, each against a peer or a floor, as ratios of one run: `python -m benchmarks`."""
