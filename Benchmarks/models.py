#!/usr/bin/env python3
"""Measures the inference engine beside LiteRT, ONNX Runtime and OpenVINO on this machine, and prints two tables.

    make bench-models        or, with the packages of scripts/benchmark-dependencies.sh in .build-venv-bench:
    .build-venv-bench/bin/python Benchmarks/models.py [--rounds 7] [--only resnet8,...] [--kept DIR] [--markdown FILE]

The shapes are those of real models (Benchmarks/models/*.txt), the weights random. One thread, one sample at a time, all on
one core. Each peer runs the model in float32 and quantized to int8, in each form it reads (OpenVINO also in what it
chooses by itself, bfloat16 on new CPUs), and its fastest counts. Within a round everybody is measured in turn; the
figure is the median over the rounds of each round's median.

The share is that of the most exact int8 multiply-adds a second that one core has done from its registers in this run.
"""

import argparse
import glob
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

DIRECTORY = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(DIRECTORY)
HEXLOOP = os.path.join(ROOT, ".build", "release", "hexloop")
OURS = "hexloop"
sys.path.insert(0, os.path.join(DIRECTORY, "inference"))

# The real files that can stand in for a shape: below the directory of --kept.
KEPT = {
    "resnet8": [("float32", "resnet8-cifar10/resnet8_fp32.tflite"), ("int8", "resnet8-cifar10/resnet8_int8.tflite")],
    "ds-cnn": [("int8", "kws-dscnn/kws_int8.tflite")],
}
# Not in the summary: it is there to tell what a call costs.
CALL = "call"
WARM_RUNS = 5
READING = """How to read it:

- The shapes are those of real models, the weights random; LiteRT runs as fast on the real ResNet8 and DS-CNN, whose rows are
  marked so. The peers get the same float weights, quantized in the way the tools of each do it; hexloop's are drawn anew from
  the same distribution.
- The answers of hexloop are those of Hexagon's arithmetic to the last bit, on every machine. Those of the peers depend on
  the kernels that are chosen, and on processors without VNNI some of them saturate in the middle of a sum.
- Inputs and outputs are where the runtime wants them before the clock starts. What calling costs each runtime is in the
  rows of `call`.
- The least of all rounds tells what a quiet machine would give; ratios are of the medians.
- Memory is packed weights, arena and scratch memory for one row; `hexloop model info` takes it apart.
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Candidate:
    """One runtime with one model file."""

    def __init__(self, who, precision, form, run):
        self.who, self.precision, self.form, self.run = who, precision, form, run
        self.medians, self.least = [], float("inf")

    @property
    def median(self):
        return statistics.median(self.medians)

    def measure(self, budget):
        """One round."""
        for _ in range(WARM_RUNS):
            self.run()
        times, end = [], time.perf_counter() + budget
        while time.perf_counter() < end or len(times) < 3:
            times.append(self.run())
        self.medians.append(statistics.median(times))
        self.least = min(self.least, min(times))


class Ours(Candidate):
    def __init__(self, container):
        super().__init__(OURS, "int8", "", None)
        self.container, self.memory = container, 0

    def measure(self, budget):
        command = [HEXLOOP, "model", "bench", self.container, "--seconds", str(budget), "--json"]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        self.medians.append(figures["p50_us"])
        self.least = min(self.least, figures["min_us"])
        # Packed weights, arena and scratch memory, in sizes of the file.
        self.memory = (figures["packed_bytes"] + figures["session_bytes"]) / figures["file_bytes"]


def candidates(model, shape_file, work, kept):
    import onnx_files
    import peers
    import tflite_files

    stem, choice = os.path.join(work, model.name), peers.openvino_choice()
    onnx, qdq, qop = onnx_files.write(model, stem)
    tflite, tflite_int8 = tflite_files.write(model, stem, onnx_files.ranges(model, onnx))
    wanted = [
        ("LiteRT", "float32", "", peers.litert, [tflite]),
        ("LiteRT", "int8", "", peers.litert, [tflite_int8]),
        ("ONNX Runtime", "float32", "", peers.onnx_runtime, [onnx]),
        ("ONNX Runtime", "int8", "QDQ", peers.onnx_runtime, [qdq]),
        ("ONNX Runtime", "int8", "QOperator", peers.onnx_runtime, [qop]),
        ("OpenVINO", "float32", "ONNX", peers.openvino, [onnx, "f32"]),
        ("OpenVINO", "float32", "TFLite", peers.openvino, [tflite, "f32"]),
        ("OpenVINO", "int8", "ONNX QDQ", peers.openvino, [qdq]),
        ("OpenVINO", "int8", "TFLite", peers.openvino, [tflite_int8]),
    ]
    if choice != "float32":
        wanted += [("OpenVINO", choice, "ONNX", peers.openvino, [onnx]),
                   ("OpenVINO", choice, "TFLite", peers.openvino, [tflite])]
    for precision, path in KEPT.get(model.name, []) if kept else []:
        path = os.path.join(kept, path)
        wanted += [("LiteRT", precision, "real file", peers.litert, [path]),
                   ("OpenVINO", precision, "real file", peers.openvino, [path, "f32"])]
    found = []
    for who, precision, form, make, arguments in wanted:
        try:
            found.append(Candidate(who, precision, form, make(*arguments)))
        except Exception as error:  # what a peer cannot do is said and left out
            say(f"{model.name}: {who} {precision} {form}: {(str(error) or type(error).__name__).splitlines()[0][:120]}")
    if can_measure_ours():
        container = f"{stem}.hxm"
        subprocess.run([HEXLOOP, "model", "make", shape_file, "-o", container], check=True, stdout=sys.stderr)
        found.append(Ours(container))
    return found


def can_measure_ours():
    if not os.access(HEXLOOP, os.X_OK):
        return False
    return subprocess.run([HEXLOOP, "model", "bench", "--help"], capture_output=True).returncode == 0


def peak(work):
    """GMAC/s by what the C program calls them: {('int8', 'vpdpbusd 256'): 235.7, ...}"""
    target = os.path.join(work, "peak")
    subprocess.run(["cc", "-O2", os.path.join(DIRECTORY, "inference", "peak.c"), "-o", target], check=True)
    found = {}
    for line in subprocess.run([target], check=True, capture_output=True, text=True).stdout.splitlines():
        kind, *instruction, rate = line.split()
        found[kind, " ".join(instruction)] = float(rate)
    return found


def figure(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def speed(model, candidate):
    return model.macs / candidate.median / 1e3


def detail_rows(results, exact_peak):
    yield "| model | runtime | precision | median µs | least µs | GMAC/s | share of exact peak |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for model, found in results:
        for candidate in found:
            precision = " ".join(filter(None, [candidate.precision, candidate.form and f"({candidate.form})"]))
            rate = speed(model, candidate)
            yield (f"| {model.name} | {candidate.who} | {precision} | {figure(candidate.median)} "
                   f"| {figure(candidate.least)} | {rate:.1f} | {rate / exact_peak:.0%} |")


def summary_rows(results, exact_peak):
    yield ("| model | M MAC | hexloop µs | share of exact peak | fastest peer µs | peer | ratio | LiteRT | ONNX Runtime "
           "| OpenVINO | hexloop's memory / file |")
    yield "|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|"
    for model, found in results:
        if model.name == CALL:
            continue
        ours = next((candidate for candidate in found if candidate.who == OURS), None)
        others = [candidate for candidate in found if candidate.who != OURS]
        best = min(others, key=lambda candidate: candidate.median)
        mine = [figure(ours.median), f"{speed(model, ours) / exact_peak:.0%}"] if ours else ["", ""]
        ratio = f"{best.median / ours.median:.2f}" if ours else ""
        each = []
        for who in ("LiteRT", "ONNX Runtime", "OpenVINO"):
            times = [candidate.median for candidate in others if candidate.who == who]
            each.append(figure(min(times)) if times else "-")
        cells = [model.name, figure(model.macs / 1e6), *mine, figure(best.median),
                 f"{best.who} {best.precision}", ratio, *each, f"{ours.memory:.2f}" if ours else ""]
        yield "| " + " | ".join(cells) + " |"


def machine():
    with open("/proc/cpuinfo") as file:
        names = {line.split(":")[1].strip() for line in file if line.startswith("model name")}
    return f"{', '.join(sorted(names)) or platform.machine()}, Linux {os.uname().release}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each in each round")
    parser.add_argument("--only", metavar="NAME,...", help="which models")
    parser.add_argument("--kept", metavar="DIR", help="a directory with the real resnet8 and ds-cnn as TFLite")
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1, help="the core that all run on")
    parser.add_argument("--markdown", metavar="FILE", help="also write the tables into this file")
    options = parser.parse_args()

    os.sched_setaffinity(0, {options.core})
    logging.disable(logging.WARNING)
    import peers
    import shapes

    files = {os.path.splitext(os.path.basename(path))[0]: path
             for path in sorted(glob.glob(os.path.join(DIRECTORY, "models", "*.txt")))}
    models = {name: shapes.read(path) for name, path in files.items()}
    chosen = options.only.split(",") if options.only else sorted(models, key=lambda name: models[name].macs)
    for name in chosen:
        if name not in files:
            parser.error(f"--only {name}: it is none of {', '.join(files)}")
    if not can_measure_ours():
        say(f"{HEXLOOP} is missing or has no 'model bench': our rows are left out; run 'make build'")

    results, peaks = [], {}
    with tempfile.TemporaryDirectory(prefix="hexloop-bench-") as work:
        for name in chosen:
            model = models[name]
            say(f"{name}: {model.macs / 1e6:.2f} M MAC")
            found = candidates(model, files[name], work, options.kept)
            for _ in range(options.rounds):
                for candidate in found:
                    candidate.measure(options.seconds)
            results.append((model, found))
            for key, rate in peak(work).items():
                peaks[key] = max(rate, peaks.get(key, 0))
    exact_peak = max(rate for (kind, _), rate in peaks.items() if kind == "int8")
    rates = "; ".join(f"{kind} {instruction} {rate:.1f} GMAC/s" for (kind, instruction), rate in peaks.items())
    text = "\n".join([
        f"{machine()}; {', '.join(peers.versions())}; {time.strftime('%Y-%m-%d')}.",
        f"One thread, batch 1; medians of {options.rounds} rounds of {options.seconds} s each; the load of all "
        f"{os.cpu_count()} cores was {os.getloadavg()[1]:.1f} over the last five minutes.", "",
        f"Most that one core does from registers: {rates}.", "",
        *summary_rows(results, exact_peak), "", *detail_rows(results, exact_peak),
    ])
    print(text)
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write("# The inference engine beside its peers\n\n`make bench-models` prints these tables.\n\n")
            file.write(text + "\n\n" + READING)


main()
