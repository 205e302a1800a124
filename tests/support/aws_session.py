"""A session of botocore, which reads the models of its services from disk once in a process: a
session of its own takes a fifth of a CPU second for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.session import Session


def new_session() -> Session:
    import botocore.session

    from chalicelib.services import service_models

    session = botocore.session.get_session()
    session.register_component("data_loader", service_models())
    return session
