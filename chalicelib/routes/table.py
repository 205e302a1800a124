"""All routes, in the order of the document."""

from __future__ import annotations

from . import data, feed, imports, jobs, notices, operations, service, sources

ROUTES = [
    *imports.routes,
    *jobs.routes,
    *data.routes,
    *feed.routes,
    *sources.routes,
    *operations.routes,
    *notices.routes,
    *service.routes,
]
