"""A job of the tests:
all rows of a table as Spark reads them, into Parquet files in a directory.
"""

import sys

from pyspark.sql import SparkSession

if __name__ == "__main__":
    session = SparkSession.builder.appName("read-table").getOrCreate()
    session.table(sys.argv[1]).write.parquet(sys.argv[2])
    session.stop()
