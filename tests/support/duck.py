"""Runs SQL with DuckDB and prints each row as a line of JSON.

    python duck.py "select count(*) as n from read_parquet('.../spans/**/*.parquet')"
    python duck.py < query.sql

Of several statements the last one's rows are printed. Decimals and times are printed as text, so that nothing is rounded.
"""

import json
import sys
from datetime import date, datetime
from typing import Any

import duckdb


def json_value(value: Any) -> str:
    """What JSON has no word for, as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)


def main() -> None:
    sql = sys.argv[1] if len(sys.argv) > 1 else sys.stdin.read()
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    rows = connection.execute(sql)
    names = [column[0] for column in rows.description]
    while row := rows.fetchone():
        print(json.dumps(dict(zip(names, row)), default=json_value, ensure_ascii=False))


if __name__ == "__main__":
    main()
