#!/usr/bin/env python3
"""Measures what a monitor keeps in memory for some pipelines of many features, in a whole stack on this machine.

    make build
    python3 Benchmarks/monitor.py [--pipelines 3] [--features 100] [--rows 1500] [--wait 0]

Trains a model for each pipeline, tells of rows and their labels, and prints the monitor's memory when it is ready, with
its champions, and after the rows. Code that ran once in a while is given back every ten minutes: --wait 660 shows it.
"""

import argparse
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

PIPELINE = """pipeline: m{number}
automation: manual
task: {{kind: regression, inputs: {{x: {{shape: [{features}]}}}}, target: y}}
data: {{observations: o{number}, labels: l{number}}}
train: {{kind: mlp, hidden: [16]}}
"""


def event(kind, stream, key, data):
    return json.dumps({
        "specversion": "1.0", "id": f"{kind}-{stream}-{key}", "source": "//benchmark", "subject": stream,
        "type": f"dev.hexloop.{kind}.recorded.v1", "data": {"stream": stream, "key": key, **data},
    })


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hexloop", default=os.path.join(ROOT, ".build", "release", "hexloop"))
    parser.add_argument("--pipelines", type=int, default=3)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--wait", type=int, default=0, help="seconds until memory is read once more")
    options = parser.parse_args()
    if not os.path.exists(options.hexloop):
        sys.exit(f"{options.hexloop} is not there; build it, or name it with --hexloop")
    with tempfile.TemporaryDirectory() as directory:
        stack = Stack(options.hexloop, directory)
        try:
            measure(stack, options)
        finally:
            stack.stop()


class Stack:
    def __init__(self, hexloop, directory):
        self.hexloop, self.directory = hexloop, directory
        self.data = os.path.join(directory, "data")
        self.log = os.path.join(directory, "up.log")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [hexloop, "up", "--data", self.data, "--gateway-port", str(port), "--quiet"]
        self.process = subprocess.Popen(command, stdout=open(self.log, "w"), stderr=subprocess.STDOUT)
        self.monitor = int(self.expect(r"^\s+monitor\s+\S+\s+(\d+)"))

    def expect(self, pattern, seconds=60):
        """Waits for a line of the stack's output."""
        for _ in range(seconds * 10):
            found = re.search(pattern, open(self.log).read(), re.MULTILINE)
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"the stack did not start:\n{open(self.log).read()}")

    def run(self, *arguments):
        command = [self.hexloop, *arguments, "--data", self.data]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def until(self, what, test, seconds=300):
        for _ in range(seconds):
            if test():
                return
            time.sleep(1)
        sys.exit(f"{what} did not happen within {seconds} s")

    def settle(self):
        """Waits until nobody has said or read anything for five seconds."""
        seen = []

        def rests():
            status = json.loads(self.run("bus", "status", "--json"))
            seen.append((status["log"]["head"], [(one["name"], one["cursor"]) for one in status["consumers"]]))
            return len(seen) > 5 and seen[-1] == seen[-6]

        self.until("a rest", rests)

    def publish(self, lines):
        path = os.path.join(self.directory, "events.jsonl")
        with open(path, "w") as file:
            file.writelines(line + "\n" for line in lines)
        self.run("publish", path)

    def memory(self):
        """Resident and own memory of the monitor in MiB."""
        sums = {"Rss": 0, "Anonymous": 0}
        for line in open(f"/proc/{self.monitor}/smaps"):
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += int(rest.split()[0])
        return [value / 1024 for value in sums.values()]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)


def measure(stack, options):
    generator = random.Random(1)
    numbers = range(options.pipelines)

    def row():
        return [round(generator.gauss(0, 1), 4) for _ in range(options.features)]

    def truth(values):
        return sum(values[:3]) + generator.gauss(0, 0.1)

    def show(when):
        resident, own = stack.memory()
        print(f"{when:<28}  {resident:5.1f} MiB resident, {own:5.1f} MiB its own", flush=True)

    print(f"{options.pipelines} pipelines of {options.features} features")
    show("ready")
    for number in numbers:
        path = os.path.join(stack.directory, f"m{number}.yaml")
        with open(path, "w") as file:
            file.write(PIPELINE.format(number=number, features=options.features))
        stack.run("pipeline", "push", path)
    past = []
    for number in numbers:
        for key in range(400):
            values = row()
            past.append(event("example", f"o{number}", f"e{key}", {"inputs": {"x": values}, "value": truth(values)}))
    stack.publish(past)
    for number in numbers:
        stack.run("train", f"m{number}")

    stack.until("a champion of each", lambda: all("champion" in stack.run("history", f"m{n}") for n in numbers))
    stack.settle()
    show("with its champions")
    rows = []
    for key in range(options.rows):
        for number in numbers:
            values = row()
            rows.append(event("observation", f"o{number}", f"k{key}", {"inputs": {"x": values}}))
            rows.append(event("label", f"l{number}", f"k{key}", {"value": truth(values)}))
    stack.publish(rows)
    stack.settle()
    show(f"after {options.rows} labelled rows each")
    if options.wait:
        time.sleep(options.wait)
        show(f"{options.wait} s later")


if __name__ == "__main__":
    main()
