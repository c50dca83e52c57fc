"""`hearth datasets head` against pyarrow: the same columns, types and values; and broken files are refused."""

import base64
import datetime
import decimal
import json
import os
import pathlib
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HEARTH = os.environ.get("HEARTH_BIN", str(pathlib.Path(__file__).parents[2] / "build/bin/hearth"))


def head(path, *options):
    return subprocess.run([HEARTH, "datasets", "head", str(path), *options], capture_output=True, text=True)


def head_json(path, rows):
    done = head(path, "--json", "-n", str(rows))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def plain(value):
    """What JSON can say of a value of pyarrow's to_pylist."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


TABLE = pa.table({
    "bool": pa.array([True, False, None]),
    "int8": pa.array([-128, 127, None], pa.int8()),
    "uint64": pa.array([0, 2**63 - 1, None], pa.uint64()),
    "int64": pa.array([-2**63, 2**63 - 1, None], pa.int64()),
    "half": pa.array([0.5, -2.0, None], pa.float16()),
    "float": pa.array([0.5, 1e-3, None], pa.float64()),
    "string": pa.array(["é\n\"😀", "", None]),
    "large": pa.array(["a", "b", None], pa.large_string()),
    "binary": pa.array([b"\x00\xff", b"", None]),
    "fixed": pa.array([b"abc", b"xyz", None], pa.binary(3)),
    "list": pa.array([[1, None], [], None]),
    "lists": pa.array([[["a"], []], [], None]),
    "three": pa.array([[1, 2, 3], [4, 5, 6], None], pa.list_(pa.int32(), 3)),
    "struct": pa.array([{"x": 1, "y": "a"}, {"x": None, "y": None}, None]),
    "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int32())),
    "dictionary": pa.array(["red", "blue", None]).dictionary_encode(),
    "decimal": pa.array([decimal.Decimal("1.50"), decimal.Decimal("-2.25"), None], pa.decimal128(10, 2)),
    "date": pa.array([datetime.date(2026, 1, 2), datetime.date(1969, 12, 31), None]),
    "time": pa.array([datetime.time(1, 2, 3), datetime.time(0, 0, 0), None], pa.time32("s")),
    "timestamp": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.datetime(1970, 1, 1), None],
                          pa.timestamp("s")),
    "null": pa.nulls(3),
})


def rows_of(table):
    """to_pylist, with Arrow's own text for what JSON has no type for."""
    for i, field in enumerate(table.schema):
        if pa.types.is_temporal(field.type) or pa.types.is_decimal(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
    return [plain(row) for row in table.to_pylist()]


def check(said, table, rows):
    assert [c["name"] for c in said["columns"]] == table.column_names
    assert [c["type"] for c in said["columns"]] == [str(field.type) for field in table.schema]
    assert said["rows"] == rows_of(table.slice(0, rows))


@pytest.mark.parametrize("rows", [0, 2, 3, 10])
def test_arrow_stream_has_every_value(tmp_path, rows):
    path = tmp_path / "all.arrow"
    with pa.ipc.new_stream(path, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=2)
    said = head_json(path, rows)
    check(said, TABLE, rows)
    assert said["rows_total"] is None


def test_parquet_in_row_groups(tmp_path):
    path = tmp_path / "all.parquet"
    pq.write_table(TABLE, path, row_group_size=2, compression="zstd")
    said = head_json(path, 3)
    assert said["rows_total"] == 3
    check(said, pq.read_table(path), 3)


def test_csv_and_json_lines(tmp_path):
    (tmp_path / "x.csv").write_text('n,text\n1,"two\nlines"\n2,\n')
    assert head_json(tmp_path / "x.csv", 5)["rows"] == [{"n": 1, "text": "two\nlines"}, {"n": 2, "text": ""}]
    (tmp_path / "x.jsonl").write_text('{"n":1,"l":["a"]}\n{"n":null,"l":[]}\n')
    assert head_json(tmp_path / "x.jsonl", 5)["rows"] == [{"n": 1, "l": ["a"]}, {"n": None, "l": []}]


def test_for_people(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": list(range(20)), "text": ["\x1b[2Jbad"] * 20}), path)
    done = head(path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["id", "text"] and lines[1].split() == ["int64", "string"]
    assert lines[2].split() == ["0", "\\x1b[2Jbad"] and lines[-1] == "(5 of 20 rows)"
    assert "\x1b" not in done.stdout


def test_broken_files_are_refused(tmp_path):
    good = tmp_path / "good.parquet"
    pq.write_table(TABLE, good)
    whole = good.read_bytes()
    bad = tmp_path / "bad.parquet"
    for length in [0, 3, 4, 50, len(whole) // 2, len(whole) - 1]:
        bad.write_bytes(whole[:length])
        done = head(bad)
        assert done.returncode == 2 and str(bad) in done.stderr and not done.stdout, (length, done)
    for name in ["absent.parquet", "x.txt"]:
        done = head(tmp_path / name)
        assert done.returncode != 0 and name in done.stderr and done.stderr.startswith("hearth: ")


def test_help_maps_neither_libtorch_nor_arrow(tmp_path):
    """The dynamic loader names each object that it maps."""

    def mapped(*words):
        done = subprocess.run([HEARTH, *words], capture_output=True, text=True, env={**os.environ, "LD_DEBUG": "files"})
        return {line.split("generating link map")[0].split("file=")[1].split(" ")[0].split("/")[-1]
                for line in done.stderr.splitlines() if "generating link map" in line}

    helped = mapped("--help")
    assert "libhearth_core.so" in helped
    assert not [name for name in helped if name.startswith(("libtorch", "libc10", "libarrow", "libparquet"))]
    pq.write_table(TABLE, tmp_path / "x.parquet")
    headed = mapped("datasets", "head", str(tmp_path / "x.parquet"))
    assert [name for name in headed if name.startswith("libarrow.so")]
    assert not [name for name in headed if name.startswith(("libtorch", "libc10"))]
