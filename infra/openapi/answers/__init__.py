"""What the API answers, by subject: classes with words at their fields. The schemas of the OpenAPI
document, and the types of the clients, are made of them. What a job shows is declared with the
job: chalicelib/jobs/job.py and job_parts.py.

The files have no `from __future__ import annotations`: the annotations are read as values here.
"""
