"""The coordination protocol under a storm:
the real code on a simulated table, warehouse, queue and time.
"""
