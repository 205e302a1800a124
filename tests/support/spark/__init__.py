"""Spark and Iceberg as others made them, and a cluster of two workers on this machine."""
