"""A script of PySpark: keep the customers of some months. Run by hand where PySpark is; the tests read it."""

import argparse

from pyspark.sql import SparkSession

parser = argparse.ArgumentParser()
for name in ("raw", "rows", "months"):
    parser.add_argument("--" + name)
given = parser.parse_args()
rows = SparkSession.builder.getOrCreate().read.csv(given.raw, header=True, inferSchema=True)
rows.where(rows.tenure >= int(given.months)).write.parquet(given.rows)
