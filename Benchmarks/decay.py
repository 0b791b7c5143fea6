#!/usr/bin/env python3
"""Compares `hexloop decay scan` with Evidently's drift report on the same tables in the same run, and prints a table.

    swift build -c release --product hexloop
    python3 -m venv V && V/bin/pip install evidently==0.7.23 pandas==2.3.3
    V/bin/python Benchmarks/decay.py [--hexloop .build/release/hexloop] [--rounds 5]

Two figures of each: the report alone, on tables that are in memory (`hexloop decay bench --part speed` says ours), and
the whole way of a person from two CSV files to the report in a new process. Both have 20 columns of normal numbers,
10 000 rows before and now; then the same with one value of a million in 500 rows, where the verdicts are compared.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

PEER = """
import sys, pandas
from evidently import Report
from evidently.presets import DataDriftPreset
now, before = pandas.read_csv(sys.argv[1]), pandas.read_csv(sys.argv[2])
Report([DataDriftPreset()]).run(now, before).save_html(sys.argv[3])
"""


def timed(rounds, action):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hexloop", default=os.path.join(ROOT, ".build", "release", "hexloop"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not os.path.exists(options.hexloop):
        sys.exit(f"{options.hexloop} is not there; build it, or name it with --hexloop")

    import numpy
    import pandas
    from evidently import Report
    from evidently.presets import DataDriftPreset

    generator = numpy.random.default_rng(1)

    def table(rows, columns, shift=0.0):
        values = generator.normal(size=(rows, columns)) + shift
        return pandas.DataFrame(values, columns=[f"c{index}" for index in range(columns)])

    before, now = table(10_000, 20), table(10_000, 20)
    peer = timed(options.rounds, lambda: Report([DataDriftPreset()]).run(now, before).dict())
    speed = subprocess.run(
        [options.hexloop, "decay", "bench", "--part", "speed"], check=True, capture_output=True, text=True
    ).stdout
    own = float(re.search(r"report of 20 columns[^|]*\| ([0-9.]+) ms", speed).group(1)) / 1e3

    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return os.path.join(folder, name)

        before.to_csv(path("before.csv"), index=False)
        now.to_csv(path("now.csv"), index=False)
        ours = [options.hexloop, "decay", "scan", path("now.csv"), "--reference", path("before.csv"),
                "--html", path("ours.html")]
        theirs = [sys.executable, "-c", PEER, path("now.csv"), path("before.csv"), path("theirs.html")]
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        own_whole = timed(options.rounds, lambda: subprocess.run(ours, **quiet))
        peer_whole = timed(max(1, options.rounds // 2), lambda: subprocess.run(theirs, **quiet))
        sizes = [os.path.getsize(path(name)) for name in ("ours.html", "theirs.html")]

        verdicts = []
        for shift in (1.0, 0.0):
            small, moved = table(500, 1), table(500, 1, shift)
            moved.iloc[17, 0] = 1e6
            small.to_csv(path("before.csv"), index=False)
            moved.to_csv(path("now.csv"), index=False)
            answer = json.loads(subprocess.run(ours[:6] + ["--json"], check=True, capture_output=True).stdout)
            row = [f"mean +{shift:g} sd, one value of 10^6 in 500", "drift" if answer["hasDrifted"] else "no drift"]
            for method in ("psi", "jensenshannon", "wasserstein", "ks"):
                metrics = Report([DataDriftPreset(method=method)]).run(moved, small).dict()["metrics"]
                count = next(m["value"]["count"] for m in metrics if isinstance(m["value"], dict))
                row.append("drift" if count > 0 else "no drift")
            verdicts.append(row)

    print("| 20 columns, 10 000 rows before and now | hexloop | Evidently | times |")
    print("|---|---|---|---|")
    print(f"| report, tables in memory | {own * 1e3:.1f} ms | {peer * 1e3:.0f} ms | {peer / own:.0f} |")
    print(f"| two CSV files to a page, new process | {own_whole * 1e3:.0f} ms | {peer_whole * 1e3:.0f} ms "
          f"| {peer_whole / own_whole:.0f} |")
    print(f"| size of the page | {sizes[0] / 1e3:.0f} kB | {sizes[1] / 1e3:.0f} kB | {sizes[1] / sizes[0]:.0f} |")
    print()
    print("| one column | hexloop | Evidently psi | jensenshannon | wasserstein | ks |")
    print("|---|---|---|---|---|---|")
    for row in verdicts:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
