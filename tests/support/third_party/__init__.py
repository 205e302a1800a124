"""Servers that no one here wrote, as sources:
SAP CAP and odatapy, each in a process of its own on loopback.
"""
