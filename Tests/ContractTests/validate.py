"""Checks docs/schemas and docs/asyncapi.json with libraries of others, and events against them.

Usage: validate.py [EVENTS.jsonl]
Each line of the file is {"topic", "attributes", "data"}: a record as it went over the wire. Ends with 1 and a line for
each fault; says how many of each kind it saw.
"""
import collections, json, pathlib, re, sys, warnings

import jsonschema, referencing, referencing.jsonschema

warnings.simplefilter("ignore")  # pydantic, about names in the model below
from asyncapi3.models.asyncapi import AsyncAPI3

docs = pathlib.Path(__file__).resolve().parents[2] / "docs"
faults: list[str] = []

schemas = {str(p.relative_to(docs)): json.loads(p.read_text()) for p in sorted((docs / "schemas").rglob("*.json"))}
registry = referencing.Registry().with_resources(
    (schema["$id"], referencing.jsonschema.DRAFT202012.create_resource(schema)) for schema in schemas.values()
)


def check(schema: dict, value: object, where: str) -> None:
    validator = jsonschema.Draft202012Validator(
        schema, registry=registry, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    for error in validator.iter_errors(value):
        faults.append(f"{where}: {error.json_path}: {error.message}")


for path, schema in schemas.items():
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        faults.append(f"{path}: {error.message}")
    for index, example in enumerate(schema["examples"]):
        check(schema, example, f"{path}, example {index}")

document = json.loads((docs / "asyncapi.json").read_text())
try:
    AsyncAPI3.model_validate(document)
except ValueError as error:
    faults.append(f"asyncapi.json: {error}")


def resolve(value: dict) -> dict:
    while "$ref" in value:
        reference = value["$ref"]
        if not reference.startswith("#"):
            return schemas[reference]
        value = document
        for part in reference[2:].split("/"):
            value = value[part]
    return value


# A topic as a pattern, with the messages that may come on it.
channels = []
for name, channel in document["channels"].items():
    address = channel["address"]
    if address is None or address == "/events":
        continue
    pattern = re.sub(r"\\\{(\w+)\\\}", r"[a-z0-9._-]+", re.escape(address))
    for message in map(resolve, channel["messages"].values()):
        channels.append((name, re.compile(pattern + "$"), message))


def check_record(record: dict, where: str) -> str:
    found = [(name, message) for name, pattern, message in channels if pattern.match(record["topic"])]
    if len(found) != 1:
        faults.append(f"{where}: topic {record['topic']} is of {len(found)} channels")
        return "unknown"
    name, message = found[0]
    for trait in map(resolve, message.get("traits", [])):
        check(resolve(trait["headers"]), record["attributes"], f"{where}, attributes")
    if "headers" in message:
        check(message["headers"], record["attributes"], f"{where}, attributes of {name}")
    if "schema" in message["payload"]:
        check(resolve(message["payload"]["schema"]), record["data"], f"{where}, data of {name}")
    return name


for index, golden in enumerate(json.loads((docs / "golden/events.json").read_text())):
    attributes = {"specversion": "1.0", "id": "1", "source": "//local/a/main", "type": golden["type"]}
    check_record({"topic": golden["topic"], "attributes": attributes, "data": json.loads(golden["data"])},
                 f"golden event {index}")
print(f"{len(schemas)} schemas are sound, AsyncAPI has {len(document['channels'])} channels")

if len(sys.argv) > 1:
    seen = collections.Counter()
    for number, line in enumerate(open(sys.argv[1]), 1):
        seen[check_record(json.loads(line), f"record {number}")] += 1
    counts = ", ".join(f"{name} {count}" for name, count in sorted(seen.items()))
    print(f"{sum(seen.values())} events of {len(seen)} channels: {counts}")

for fault in faults[:50]:
    print(fault)
sys.exit(1 if faults else 0)
