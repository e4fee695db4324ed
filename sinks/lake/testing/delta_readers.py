"""Reads a table as others do: the Parquet files with pyarrow, the table with delta-rs. Prints what it saw as JSON."""

import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

path = sys.argv[1]
storage_options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else None
table = DeltaTable(path, storage_options=storage_options)
rows = table.to_pyarrow_table() if hasattr(table, "to_pyarrow_table") else pa.table(table.to_arrow())
rows = rows.sort_by("id")
files = table.file_uris()
for file in files if storage_options is None else []:
    pq.read_table(file.replace("file://", ""), partitioning=None)
protocol = table.protocol()
print(
    json.dumps(
        {
            "version": table.version(),
            "files": len(files),
            "protocol": [protocol.min_reader_version, protocol.min_writer_version],
            "partition_columns": table.metadata().partition_columns,
            "rows": rows.num_rows,
            "ids": pc.count_distinct(rows["id"]).as_py(),
            "types": {field.name: str(field.type) for field in rows.schema},
            "first": {
                name: rows[name][0].as_py() for name in ["id", "level", "body", "attributes", "resource", "hashes"]
            },
            "status": pc.sum(rows["attributes___http___response___status_code"]).as_py(),
            "timestamps": str(pc.sum(rows["timestamp"].cast(pa.int64())).as_py()),
            "pruned": len(table.file_uris([("date", "=", "2026-03-05")])),
        }
    )
)
