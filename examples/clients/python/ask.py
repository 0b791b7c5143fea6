"""ask.py ADDRESS TOPIC TYPE DATA: asks a work group and prints its answer.

ask.py ipc:///path/to/run q/local/registry/query/v1/registry/ dev.hexloop.registry.query.v1 '{"question": "status"}'
"""
import json, sys, uuid

from hexbus import Bus, Refused

if len(sys.argv) != 5:
    sys.exit(__doc__)
address, topic, kind, data = sys.argv[1:]
try:
    question = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "//plant-a/asker/main", "type": kind,
                "data": json.loads(data)}
    with Bus(address, "asker/main") as bus:
        print(json.dumps(bus.ask(topic, question), indent=2))
except ValueError as error:
    sys.exit(f"ask.py: the data is no JSON: {error}")
except Refused as refusal:
    sys.exit(f"ask.py: {refusal}")
