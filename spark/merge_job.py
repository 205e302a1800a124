"""The job that Spark runs for Wellhead: one MERGE, staged beside main.

It has no rules of its own. What it does stands in an order, a file that Wellhead has written into
its warehouse beside the rows; chalicelib/lake/spark.py has its form, and says what comes of a job
that is started twice, or dies.

    spark-submit merge_job.py s3://bucket/segments/<job>/<fence>-spark.json

It needs PySpark, Iceberg's runtime for Spark and a catalog called `lake`, and nothing of Wellhead's
code: the Python of EMR is 3.9.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pyspark.sql import SparkSession


class Refused(Exception):
    """Nothing was merged."""


def main(place: str) -> None:
    """Raises Refused, and what Spark raises."""
    spark = SparkSession.builder.appName("wellhead-merge").getOrCreate()
    try:
        order = json.loads(spark.read.text(place, wholetext=True).head()[0])
        if staged(spark, order):
            print("merged before: nothing to do")
            return
        refuse_what_differs(spark, order)
        merge(spark, order)
        if not staged(spark, order):
            raise Refused(
                "The merge has made no snapshot with the mark of its order upon the one it began with."
            )
    finally:
        spark.stop()


def staged(spark: SparkSession, order: dict[str, Any]) -> bool:
    """Whether the mark stands upon the snapshot that the order begins with, by this run or another
    one.
    """
    found = spark.table(f"{order['table']}.snapshots").select("parent_id", "summary").collect()
    return any(
        (row.parent_id, row.summary.get("wap.id")) == (order["base"], order["mark"])
        for row in found
    )


def refuse_what_differs(spark: SparkSession, order: dict[str, Any]) -> None:
    """Main must be what the rows were compared with; and without staging the merge would go to main
    itself.
    """
    refs = spark.table(f"{order['table']}.refs").select("name", "snapshot_id").collect()
    main = next((row.snapshot_id for row in refs if row.name == "main"), None)
    if main != order["base"]:
        raise Refused(f"Main is {main}, and the order is for {order['base']}.")
    properties = spark.sql(f"SHOW TBLPROPERTIES {order['table']}").collect()
    if ("write.wap.enabled", "true") not in {(row.key, row.value) for row in properties}:
        raise Refused("The table takes no staged snapshots: write.wap.enabled is not set.")


def merge(spark: SparkSession, order: dict[str, Any]) -> None:
    spark.read.parquet(order["delta"]).createOrReplaceTempView("delta")
    spark.conf.set("spark.wap.id", order["mark"])
    spark.sql(order["merge"])


if __name__ == "__main__":
    main(sys.argv[1])
