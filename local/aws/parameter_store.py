"""moto's Parameter Store without moto's EC2.

moto.ssm loads moto.ec2 to send commands to machines, which nobody does here: its catalogue of
machines, images and zones takes two thirds of the CPU time of a start. While moto.ssm loads, an EC2
without accounts stands in its place; whoever imports moto.ec2 later gets the real one.
"""

import sys
from types import ModuleType


def _without_ec2() -> None:
    if "moto.ec2" in sys.modules:
        return
    ec2 = ModuleType("moto.ec2")
    ec2.ec2_backends = {}  # type: ignore[attr-defined]
    sys.modules["moto.ec2"] = ec2
    try:
        import moto.ssm.models  # noqa: F401
    finally:
        del sys.modules["moto.ec2"]


_without_ec2()

from moto.ssm.models import ssm_backends  # noqa: E402

__all__ = ["ssm_backends"]
