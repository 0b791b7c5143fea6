"""cloudevents_http.py URL STREAM: three labels through the gateway with the official CloudEvents SDK.

One in binary mode, one structured, and a batch. 202 means on disk. Needs `pip install cloudevents`.
"""
import json, sys, urllib.error, urllib.request, uuid
from datetime import datetime, timezone

from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

if len(sys.argv) != 3:
    sys.exit("usage: cloudevents_http.py http://127.0.0.1:8080/events wti-next")
url, stream = sys.argv[1:]


def label(key: str, value: float) -> CloudEvent:
    return CloudEvent(
        attributes={"id": str(uuid.uuid4()), "source": "//plant-a/plc-7/main", "specversion": "1.0",
                    "type": "dev.hexloop.label.recorded.v1", "subject": stream, "time": datetime.now(timezone.utc),
                    "datacontenttype": "application/json"},
        data={"stream": stream, "key": key, "value": value})


def post(mode: str, message: HTTPMessage) -> None:
    request = urllib.request.Request(url, data=message.body, headers=message.headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            print(mode, answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        sys.exit(f"cloudevents_http.py: {mode}: {error.code} {error.read().decode()}")
    except urllib.error.URLError as error:
        sys.exit(f"cloudevents_http.py: no gateway at {url}: {error.reason}")


post("binary", to_binary_event(label("http-binary", 1.5)))
structured = to_structured_event(label("http-structured", 2.5))
post("structured", structured)
# The SDK has no batch mode; a batch is a JSON array of structured events.
batch = [json.loads(to_structured_event(label(f"http-batch-{n}", n)).body) for n in range(3)]
post("batch", HTTPMessage({"content-type": "application/cloudevents-batch+json"}, json.dumps(batch).encode()))
