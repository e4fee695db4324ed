"""Reads the objects of an archive as others do, with fastavro, and prints what it saw as JSON."""

import io
import json
import sys
import zlib

from fastavro import reader, schemaless_reader

offsets, keys, projects, sums = [], 0, set(), 0
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        objects = reader(file)
        schema = json.loads(objects.metadata["millrace.value_schema"])
        for record in objects:
            offsets.append(record["offset"])
            keys += record["key"] is not None
            sums += zlib.crc32(record["value"])
            raw = schemaless_reader(io.BytesIO(record["value"][5:]), schema)
            projects.add(raw["project_id"])
print(
    json.dumps(
        {
            "offsets": [min(offsets), max(offsets), len(set(offsets))],
            "keys": keys,
            "sums": sums,
            "projects": sorted(projects),
            "first": objects.metadata["millrace.topic"],
        }
    )
)
