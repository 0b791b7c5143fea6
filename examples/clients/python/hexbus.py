"""Hexloop's bus in Python: one file to copy, needs Python 3.10 and pyzmq. The wire is described in docs/wire.md.

A Bus is one session and belongs to one thread. It says HELLO again and takes up its subscriptions, memberships and
unanswered requests by itself when the broker restarts. Whoever works for more than three seconds between two calls
should call `poll()` (or `Job.extend()`) meanwhile: after four the broker takes the session for dead, gives its jobs to
others, and the next call begins a new one.
"""
from __future__ import annotations

import base64, collections, dataclasses, hashlib, itertools, json, os, re, sqlite3, struct, time
from typing import Any, Iterator, Optional

import zmq

VERSION = 1
HELLO, WELCOME, PUB, ACK, NAK, SUB, DELIVER, CREDIT, CACK, FETCH, RECORD, EOR, LAST = range(1, 14)
JOIN, JOB, DONE, FAIL, EXTEND, LEAVE = range(14, 20)
ART_OPEN, ART_GET, ART_CHUNK, ART_PUT, PING, PONG, BYE, ERR = range(20, 28)
DUPLICATE, ANSWER, SEQUENCED = 1, 2, 4  # flags of ACK

KEY = os.environ.get("HEXLOOP_BUS_KEY")  # this program's key file, for tcp:// addresses
PING_SECONDS, SILENCE_SECONDS, GREET_SECONDS = 1.0, 3.0, 1.0
WINDOW_MAX = 256  # sequenced events under way
CHUNK_BYTES, CHUNKS_MAX = 262_144, 8

_TABLE = [0] * 256
for _byte in range(256):
    _rest = _byte
    for _ in range(8):
        _rest = _rest >> 1 ^ (0x82F63B78 if _rest & 1 else 0)
    _TABLE[_byte] = _rest


def crc32c(*parts: bytes) -> int:
    """CRC-32C of the parts, one after the other."""
    crc = 0xFFFFFFFF
    for part in parts:
        for byte in part:
            crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Refused(Exception):
    """What the other side says no with: a stable code, a sentence for people, and when trying again makes sense."""

    def __init__(self, code: str, message: str, retry_after: Optional[float] = None):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.retry_after = code, message, retry_after

    @staticmethod
    def read(body: bytes) -> "Refused":
        fields = json.loads(body)
        wait = fields.get("retryAfterMs")
        return Refused(fields.get("code", "failed"), fields.get("message", ""), None if wait is None else wait / 1000)


def header(command: int, correlation: int = 0, flags: int = 0) -> bytes:
    """Frame 0 of every command, 16 bytes."""
    return struct.pack(">2sBBIQ", b"EB", VERSION, command, flags, correlation)


def read_header(frame: bytes) -> tuple[int, int, int]:
    """Command, flags and correlation of frame 0."""
    if len(frame) != 16 or frame[:2] != b"EB" or frame[2] != VERSION:
        raise Refused("bad-frame", f"frame 0 is {frame[:16].hex()}, no header of version {VERSION}")
    return frame[3], *struct.unpack(">IQ", frame[4:])


def compact(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, as the bus writes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def endpoint(address: str, socket: str) -> str:
    """Where `command`, `ingress`, `fanout` or `artifacts` of a bus listens."""
    place = {"command": 0, "ingress": 1, "fanout": 2, "artifacts": 3}[socket]
    if address.startswith("ipc:///"):
        return f"{address.rstrip('/')}/{socket}.sock"
    found = re.fullmatch(r"(tcp://[^/:]+)(?::(\d{1,5}))?", address)
    if not found:
        raise Refused("bad-data", f"the address '{address}' must be ipc://<absolute directory>, tcp://<host> or "
                                  "tcp://<host>:<first of four ports>")
    return f"{found[1]}:{int(found[2] or 5555) + place}"


def connect(context: zmq.Context, kind: int, address: str, name: str, key: Optional[str] = None) -> zmq.Socket:
    """A socket to the bus; over TCP with the keys of the file `key`. No ZMTP heartbeats: PING and PONG do that work."""
    socket = context.socket(kind)
    for option, value in ((zmq.LINGER, 0), (zmq.RECONNECT_IVL, 100), (zmq.RECONNECT_IVL_MAX, 5000)):
        socket.setsockopt(option, value)
    if key and address.startswith("tcp:"):
        try:
            with open(key, encoding="utf-8") as file:
                fields = json.load(file)
            server = fields["artifactsKey" if name == "artifacts" else "busKey"]
            for option, text in ((zmq.CURVE_SERVERKEY, server), (zmq.CURVE_PUBLICKEY, fields["publicKey"]),
                                 (zmq.CURVE_SECRETKEY, fields["secretKey"])):
                socket.setsockopt(option, text.encode())
        except (OSError, ValueError, KeyError, zmq.ZMQError) as error:
            socket.close()
            raise Refused("bad-data", f"{key} is no key file, make it with 'hexloop keys': {error}") from None
    socket.connect(endpoint(address, name))
    return socket


@dataclasses.dataclass(frozen=True)
class Record:
    """One entry of the log, or of telemetry, or a question."""

    topic: str
    flags: int
    stream: int
    epoch: int
    sequence: int
    previous: int
    attributes: dict[str, str]
    data: bytes

    @staticmethod
    def read(frames: list[bytes]) -> "Record":
        if len(frames) != 4 or len(frames[1]) != 40 or frames[1][:2] != b"EB" or frames[1][2] != 1:
            raise Refused("bad-frame", "a record has 4 frames, the second of 40 bytes in version 1")
        topic, control, head, data = frames
        flags, stream, epoch, sequence, previous, checksum = struct.unpack(">BIQQQI", control[3:36])
        if crc32c(topic, head, data) != checksum:
            raise Refused("bad-frame", f"the checksum of record {sequence} does not fit its bytes")
        if flags & 4:  # structured: the whole event is in the last frame
            attributes = json.loads(data)
            value, text = attributes.pop("data", None), attributes.pop("data_base64", None)
            data = base64.b64decode(text) if text is not None else compact(value)
        else:
            attributes = json.loads(head)
        return Record(topic.decode(), flags, stream, epoch, sequence, previous, attributes, data)

    def frames(self) -> list[bytes]:
        topic, head = self.topic.encode(), compact(self.attributes)
        numbers = (self.flags, self.stream, self.epoch, self.sequence, self.previous, crc32c(topic, head, self.data))
        return [topic, b"EB\x01" + struct.pack(">BIQQQII", *numbers, 0), head, self.data]

    def json(self) -> Any:
        return json.loads(self.data)


@dataclasses.dataclass(frozen=True)
class Receipt:
    """The log has the event, at `sequence`; `duplicate` when it had it before."""

    sequence: int
    duplicate: bool


class _Request:
    def __init__(self, frames: list[bytes]):
        self.frames, self.records, self.result, self.retry_at = frames, [], None, 0.0


class Bus:
    """A session with the broker. Waits up to `timeout` seconds for its WELCOME."""

    def __init__(self, address: str, name: str, *, outbox: Optional[Outbox] = None, key: Optional[str] = KEY,
                 timeout: float = 10):
        self.address, self.name, self.key, self.outbox = address, name, key, outbox
        self.welcome: dict[str, Any] = {}
        self._context = zmq.Context()
        self._socket: Optional[zmq.Socket] = None
        self._numbers = itertools.count(1)
        self._requests: dict[int, _Request] = {}
        self._readers: dict[int, Subscription | Membership] = {}
        self._is_ready, self._fatal = False, None
        self._open()
        try:
            self._until(lambda: self._is_ready, timeout, f"no bus at {address}; is it running?")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Bus":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Says goodbye. What waits in an outbox stays there."""
        if self._socket is not None:
            if self._is_ready:
                self._send([header(BYE)])
            self._socket.close(linger=1000 if self._is_ready else 0)
        self._context.term()

    # Asking

    def publish(self, topic: str, event: dict[str, Any], timeout: float = 10) -> Receipt:
        """Puts a structured CloudEvent into the log and returns when it is on disk. After an error, publish the same
        event with the same `id` again: the log takes it once."""
        flags, body = self._ask(PUB, [topic.encode(), compact(event)], timeout)
        return Receipt(struct.unpack(">Q", body)[0], bool(flags & DUPLICATE))

    def ask(self, topic: str, event: dict[str, Any], timeout: float = 10) -> Any:
        """Asks a work group (a topic of class q) and returns the JSON that a member answered."""
        _, body = self._ask(PUB, [topic.encode(), compact(event)], timeout)
        return json.loads(body)

    def fetch(self, filters: list[str], after: int = 0) -> Iterator[Record]:
        """The log behind `after` up to its present head."""
        while True:
            records, scanned = self._ask(FETCH, [compact({"filters": filters, "after": after, "limit": 1000})], 10)
            yield from records
            if scanned == after:
                return
            after = scanned

    def last(self, filters: list[str]) -> list[Record]:
        """The newest record of each topic that matches."""
        return self._ask(LAST, [compact({"filters": filters, "after": 0, "limit": 1000})], 10)[0]

    def subscribe(self, filters: list[str], *, consumer: Optional[str] = None, start: Any = None,
                  credit: int = 256) -> "Subscription":
        """Records from `start` on ("origin", "head", or after a sequence), for ever."""
        return Subscription(self, next(self._numbers), filters, consumer, start, credit)

    def join(self, group: str, filters: list[str], *, credit: int = 1, lease: float = 10,
             start: Any = "head") -> "Membership":
        """The jobs of a work group, for ever."""
        return Membership(self, next(self._numbers), group, filters, credit, lease, start)

    def flush(self, timeout: Optional[float] = None) -> None:
        """Returns when the log has everything of the outbox."""
        self._until(lambda: self.outbox.is_empty, timeout, "the outbox could not be sent in time; it is kept")

    def poll(self, seconds: float = 0) -> None:
        """Takes in what came, waits up to `seconds` for more, and says PING when it is due."""
        if self._fatal is not None:
            raise self._fatal
        now = time.monotonic()
        if now - self._polled > PING_SECONDS:  # it was this program that did not listen
            self._heard = now
        self._polled = now
        if now - self._heard > SILENCE_SECONDS:
            return self._open()
        if not self._is_ready and now - self._greeted > GREET_SECONDS:
            self._greet()
        if self._is_ready:
            if now - self._pinged >= PING_SECONDS:
                self._pinged = now
                self._send([header(PING)])
            if self.outbox is not None:
                for frames in self.outbox.due(now):
                    self._send(frames)
            for request in self._requests.values():
                if 0 < request.retry_at <= now:
                    request.retry_at = 0.0
                    self._send(request.frames)
        if self._socket.poll(int(min(seconds, 0.1) * 1000)):
            for _ in range(256):
                try:
                    frames = self._socket.recv_multipart(zmq.DONTWAIT)
                except zmq.Again:
                    break
                self._heard = time.monotonic()
                self._receive(frames)

    # The session

    def _open(self) -> None:
        if self._socket is not None:
            self._socket.close(linger=0)
        self._socket = connect(self._context, zmq.DEALER, self.address, "command", self.key)
        self._heard = self._pinged = self._polled = time.monotonic()
        self._greet()

    def _greet(self) -> None:
        self._is_ready, self._greeted = False, time.monotonic()
        hello: dict[str, Any] = {"name": self.name}
        if self.outbox is not None:
            hello |= {"producer": self.outbox.producer, "producerEpoch": self.outbox.epoch}
        self._send([header(HELLO), compact(hello)])

    def _send(self, frames: list[bytes]) -> None:
        try:
            self._socket.send_multipart(frames, zmq.DONTWAIT)
        except zmq.Again:  # the queue is full: as good as silence
            self._heard = float("-inf")

    def _until(self, is_done: Any, timeout: Optional[float], complaint: str) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not is_done():
            if deadline is not None and time.monotonic() > deadline:
                raise Refused("timeout", complaint)
            self.poll(0.1)

    def _ask(self, command: int, frames: list[bytes], timeout: float) -> tuple[Any, Any]:
        number = next(self._numbers)
        request = self._requests[number] = _Request([header(command, number)] + frames)
        try:
            if self._is_ready:
                self._send(request.frames)
            self._until(lambda: request.result is not None, timeout, f"no answer from {self.address} in time")
        finally:
            del self._requests[number]
        if isinstance(request.result, Refused):
            raise request.result
        return request.result

    def _receive(self, frames: list[bytes]) -> None:
        command, flags, number = read_header(frames[0])
        request, reader = self._requests.get(number), self._readers.get(number)
        if command == WELCOME:
            self._welcomed(json.loads(frames[1]))
        elif command == ACK and flags & SEQUENCED:
            self.outbox.acknowledged(number)
        elif command == ACK and request:
            request.result = (flags, frames[1])
        elif command == ACK and isinstance(reader, Subscription) and reader.position is None:
            reader.position = struct.unpack(">Q", frames[1])[0]
        elif command in (DELIVER, JOB) and reader:
            reader.take(frames)
        elif command == RECORD and request:
            request.records.append(Record.read(frames[1:]))
        elif command == EOR and request:
            request.result = (request.records, struct.unpack(">Q", frames[1])[0])
        elif command in (NAK, ERR):
            self._refused(number, Refused.read(frames[1]), request, reader)
        # Commands that this version does not know are passed over.

    def _welcomed(self, welcome: dict[str, Any]) -> None:
        other_log = self.welcome.get("epoch", welcome["epoch"]) != welcome["epoch"]
        self.welcome, self._is_ready = welcome, True
        if self.outbox is not None and not self.outbox.welcomed(welcome["producerEpoch"], welcome["producerSequence"]):
            return self._greet()  # under a new numbering
        for reader in self._readers.values():
            reader.begin(other_log)
        for request in self._requests.values():
            request.records = []
            self._send(request.frames)

    def _refused(self, number: int, refusal: Refused, request: Optional[_Request], reader: Any) -> None:
        if refusal.code == "rehello":
            if self._is_ready:
                self._greet()
        elif request is not None:
            if refusal.retry_after is None:
                request.result = refusal
            else:
                request.retry_at = time.monotonic() + refusal.retry_after
        elif reader is not None:
            if refusal.code != "stale-lease":  # then the job went to somebody else: forget it
                reader.refusal = refusal
        elif refusal.retry_after is not None and self.outbox is not None:
            self.outbox.resend(time.monotonic() + refusal.retry_after)
        elif number == 0:
            self._fatal = refusal


class _Reader:
    """What comes under one correlation until the reader is closed."""

    def __init__(self, bus: Bus, number: int):
        self.bus, self.number, self.refusal = bus, number, None
        self.waiting: collections.deque[Any] = collections.deque()
        bus._readers[number] = self
        self.begin(False)

    def next(self, timeout: Optional[float] = None) -> Any:
        """The next one; raises `Refused("timeout")` when none came in `timeout` seconds."""
        self.bus._until(lambda: self.waiting or self.refusal, timeout, "nothing came in time")
        if not self.waiting:
            raise self.refusal
        return self.waiting.popleft()

    def close(self) -> None:
        """Ends it; leases go back to the group."""
        self.bus._readers.pop(self.number, None)
        self.bus._send([header(LEAVE, self.number)])


class Subscription(_Reader):
    """Records in the order of the log. Iterating acknowledges a record when the next one is asked for."""

    def __init__(self, bus: Bus, number: int, filters: list[str], consumer: Optional[str], start: Any, credit: int):
        self.filters, self.consumer, self.start, self.credit = filters, consumer, start, credit
        self.position: Optional[int] = None  # the last record that was handled
        super().__init__(bus, number)

    def begin(self, other_log: bool) -> None:
        self.waiting.clear()
        if other_log:  # sequences of another log mean nothing here
            self.start, self.position = "origin", None
        body = {"filters": self.filters, "credit": self.credit, "consumer": self.consumer,
                "start": self.start if self.position is None else self.position}
        self.bus._send([header(SUB, self.number), compact({k: v for k, v in body.items() if v is not None})])

    def take(self, frames: list[bytes]) -> None:
        self.waiting.append(Record.read(frames[1:]))

    def done(self, record: Record) -> None:
        """The record took effect: the broker may keep the cursor and send one more."""
        self.position = record.sequence
        if self.consumer is not None:
            self.bus._send([header(CACK, self.number), struct.pack(">Q", record.sequence)])
        self.bus._send([header(CREDIT, self.number), struct.pack(">I", 1)])

    def __iter__(self) -> Iterator[Record]:
        while True:
            record = self.next()
            yield record
            self.done(record)


@dataclasses.dataclass(frozen=True)
class Job:
    """A record to work on under a lease. Say `done` or `fail` once; `extend` while it takes long."""

    membership: "Membership"
    token: bytes
    delivery: int
    lease: float
    record: Record

    def done(self, result: bytes = b"") -> None:
        self.membership.bus._send([header(DONE, self.membership.number), self.token, result])

    def fail(self, code: str, message: str) -> None:
        body = compact({"code": code, "message": message})
        self.membership.bus._send([header(FAIL, self.membership.number), self.token, body])

    def extend(self) -> None:
        self.membership.bus._send([header(EXTEND, self.membership.number), self.token])
        self.membership.bus.poll()


class Membership(_Reader):
    """A place in a work group. After a new session the jobs in hand are somebody else's: their DONE is refused."""

    def __init__(self, bus: Bus, number: int, group: str, filters: list[str], credit: int, lease: float, start: Any):
        self.body = {"group": group, "filters": filters, "credit": credit, "leaseMs": int(lease * 1000),
                     "start": start}
        super().__init__(bus, number)

    def begin(self, _: bool) -> None:
        self.waiting.clear()
        self.bus._send([header(JOIN, self.number), compact(self.body)])

    def take(self, frames: list[bytes]) -> None:
        _, delivery, lease_ms = struct.unpack(">QII", frames[1])
        self.waiting.append(Job(self, frames[1][:12], delivery, lease_ms / 1000, Record.read(frames[2:])))

    def __iter__(self) -> Iterator[Job]:
        while True:
            yield self.next()


class Outbox:
    """Events on this program's own disk until the log has them: numbered, so that none is lost or doubled.

    `add` belongs into the transaction of the state that the event announces: `with outbox.db: ...; outbox.add(...)`.
    """

    def __init__(self, path: str, producer: str):
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        with self.db:
            self.db.execute("CREATE TABLE IF NOT EXISTS numbering (producer TEXT, epoch INTEGER, acknowledged INTEGER)")
            self.db.execute("CREATE TABLE IF NOT EXISTS outbox "
                            "(number INTEGER PRIMARY KEY AUTOINCREMENT, topic BLOB, header BLOB, data BLOB)")
            if self.db.execute("SELECT count(*) FROM numbering").fetchone()[0] == 0:
                self.db.execute("INSERT INTO numbering VALUES (?, 1, 0)", (producer,))
        self.producer, self.epoch, self._acknowledged = self.db.execute("SELECT * FROM numbering").fetchone()
        self._sent, self._resend_at = self._acknowledged, 0.0

    def add(self, topic: str, event: dict[str, Any]) -> None:
        """Keeps an event; inside the caller's transaction."""
        attributes = {"datacontenttype": "application/json"} | {k: v for k, v in event.items() if k != "data"}
        self.db.execute("INSERT INTO outbox (topic, header, data) VALUES (?, ?, ?)",
                        (topic.encode(), compact(attributes), compact(event.get("data"))))

    @property
    def is_empty(self) -> bool:
        return self.db.execute("SELECT count(*) FROM outbox").fetchone()[0] == 0

    def due(self, now: float) -> list[list[bytes]]:
        """PUBs to send now: as many as the window has room for."""
        if now < self._resend_at:
            return []
        rows = self.db.execute("SELECT * FROM outbox WHERE number > ? AND number <= ? ORDER BY number",
                               (self._sent, self._acknowledged + WINDOW_MAX)).fetchall()
        self._sent = rows[-1][0] if rows else self._sent
        return [[header(PUB), struct.pack(">Q", number), topic, head, data] for number, topic, head, data in rows]

    def resend(self, at: float) -> None:
        """Everything unacknowledged goes again, from the first on, not before `at`."""
        self._sent, self._resend_at = self._acknowledged, at

    def acknowledged(self, number: int) -> None:
        """The log has everything up to `number`."""
        with self.db:
            self.db.execute("DELETE FROM outbox WHERE number <= ?", (number,))
            self.db.execute("UPDATE numbering SET acknowledged = max(acknowledged, ?)", (number,))
        self._acknowledged = max(self._acknowledged, number)
        self._sent = max(self._sent, self._acknowledged)

    def welcomed(self, epoch: int, number: int) -> bool:
        """Goes on behind what the log has; False when one side is an old copy, and a new numbering was begun."""
        newest = self.db.execute("SELECT max(?, coalesce((SELECT max(number) FROM outbox), 0))",
                                 (self._acknowledged,)).fetchone()[0]
        if epoch == self.epoch and self._acknowledged <= number <= newest:
            self.acknowledged(number)
            self._sent, self._resend_at = self._acknowledged, 0.0
            return True
        if epoch <= self.epoch and self._acknowledged == 0 and number == 0:
            self._sent = 0
            return True  # a log, or a numbering, that is new
        with self.db:
            rows = self.db.execute("SELECT topic, header, data FROM outbox ORDER BY number").fetchall()
            self.db.execute("DELETE FROM outbox")
            self.db.execute("DELETE FROM sqlite_sequence")
            self.db.executemany("INSERT INTO outbox (topic, header, data) VALUES (?, ?, ?)", rows)
            self.epoch, self._acknowledged, self._sent = max(epoch, self.epoch) + 1, 0, 0
            self.db.execute("UPDATE numbering SET epoch = ?, acknowledged = 0", (self.epoch,))
        return False


# Artifacts


def _artifact_answer(socket: zmq.Socket, expected: int, timeout: float) -> list[bytes]:
    if not socket.poll(int(timeout * 1000)):
        raise Refused("timeout", "the artifact server does not answer; is the registry running?")
    frames = socket.recv_multipart()
    command, _, _ = read_header(frames[0])
    if command == ERR:
        raise Refused.read(frames[1])
    if command != expected:
        raise Refused("unknown-command", f"command {command} came from the artifact server instead of {expected}")
    return frames


def download(address: str, digest: str, path: str, *, key: Optional[str] = KEY, timeout: float = 10) -> int:
    """Fetches an artifact into `path`; goes on where `path.part` ends. Returns its bytes."""
    part = path + ".part"
    with zmq.Context() as context, connect(context, zmq.DEALER, address, "artifacts", key) as socket, \
            open(part, "ab") as file:
        offset, total = file.tell(), None
        while total is None or offset < total:
            socket.send_multipart([header(ART_GET, 1),
                                   compact({"digest": digest, "offset": offset, "chunks": CHUNKS_MAX})])
            for _ in range(CHUNKS_MAX):
                _, place, piece = _artifact_answer(socket, ART_CHUNK, timeout)
                at, total, checksum = struct.unpack(">QQI", place)
                if at != offset or crc32c(piece) != checksum:
                    raise Refused("bad-frame", f"the chunk at {at} does not fit")
                file.write(piece)
                offset += len(piece)
                if offset >= total:
                    break
        file.flush()
        os.fsync(file.fileno())
    found, _ = _sha256(part)
    if found != digest:
        os.remove(part)
        raise Refused("digest-mismatch", f"the bytes hash to {found}, not to {digest}")
    os.replace(part, path)
    return offset


def upload(address: str, path: str, *, key: Optional[str] = KEY, timeout: float = 10) -> str:
    """Stores a file; returns its digest when it is on the server's disk. What a try before left is not sent again."""
    digest, total = _sha256(path)
    with zmq.Context() as context, connect(context, zmq.DEALER, address, "artifacts", key) as socket, \
            open(path, "rb") as file:
        offer = [header(ART_PUT, 1), compact({"digest": digest, "total": total})]
        socket.send_multipart(offer)
        state = json.loads(_artifact_answer(socket, ART_OPEN, timeout)[1])
        sent = state["offset"]
        while not state["isComplete"]:
            if state.get("retryAfterMs"):
                # It checks what an earlier try left, or another program is sending the same file, or it syncs.
                if not socket.poll(state["retryAfterMs"]):
                    socket.send_multipart(offer)
                state = json.loads(_artifact_answer(socket, ART_OPEN, timeout)[1])
                sent = state["offset"]
                continue
            file.seek(sent)
            while sent < total and sent - state["offset"] < CHUNKS_MAX * CHUNK_BYTES:
                piece = file.read(CHUNK_BYTES)
                socket.send_multipart([header(ART_CHUNK, 1), struct.pack(">QQI", sent, total, crc32c(piece)), piece])
                sent += len(piece)
            state = json.loads(_artifact_answer(socket, ART_OPEN, timeout)[1])
    return digest


def _sha256(path: str) -> tuple[str, int]:
    sha, count = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            sha.update(piece)
            count += len(piece)
    return sha.hexdigest(), count
