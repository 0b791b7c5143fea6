"""local_door.py SOCKET PIPELINE INPUTS [KEY]: asks the model on this device; works while the bus is away.

local_door.py ipc:///path/to/data/inference-node/node-1/infer.sock oil-price '{"price": [20.1, 22.4]}'
"""
import json, sys, zmq

if len(sys.argv) not in (4, 5):
    sys.exit(__doc__)
try:
    question = {"pipeline": sys.argv[2], "inputs": json.loads(sys.argv[3])}
except ValueError as error:
    sys.exit(f"local_door.py: the inputs are no JSON: {error}")
if len(sys.argv) == 5:
    question["key"] = sys.argv[4]

socket = zmq.Context().socket(zmq.REQ)
socket.setsockopt(zmq.LINGER, 0)
socket.connect(sys.argv[1])
socket.send(json.dumps(question).encode())
if not socket.poll(5000):
    sys.exit(f"local_door.py: no node answers at {sys.argv[1]}; is it running?")
answer = socket.recv_json()
print(json.dumps(answer))
sys.exit(1 if "error" in answer else 0)
