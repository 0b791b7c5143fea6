"""simple_door.py ADDRESS STREAM VALUE...: labels through the simple door, two frames and no answer.

Events may be lost when the bus is away. Without hexbus it is one connect and one send; docs/wire.md, section 8, has it.
"""
import json, sys, time, uuid, zmq

from hexbus import KEY, Refused, connect

if len(sys.argv) < 4:
    sys.exit("usage: simple_door.py ipc:///path/to/run wti-next 10.01 12.78")
try:
    # PUB works too; XPUB tells when the broker listens.
    socket = connect(zmq.Context(), zmq.XPUB, sys.argv[1], "ingress", KEY)
except Refused as refusal:
    sys.exit(f"simple_door.py: {refusal}")
socket.setsockopt(zmq.LINGER, 1000)
if not socket.poll(10_000):
    sys.exit(f"no bus at {sys.argv[1]}; is it running?")
socket.recv()  # the broker's subscription: without this wait the first messages would go nowhere

stream = sys.argv[2]
for value in sys.argv[3:]:
    event = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "//plant-a/plc-7/main",
             "type": "dev.hexloop.label.recorded.v1", "subject": stream,
             "data": {"stream": stream, "key": str(time.time_ns()), "value": float(value)}}
    socket.send_multipart([f"e/local/label/recorded/v1/{stream}/".encode(), json.dumps(event).encode()])
