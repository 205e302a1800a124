"""A stage that is changed under its users:
new code while an import runs, and a stack made anew over its data.
"""

import shutil
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from infra.deployment import Deployment, DeploymentError
from infra.failed import said_before
from infra.package import Package
from infra.removal import Removal

MARK = "smoke.txt"  # which no code reads
OF_NOTICES = {
    "WebhookUrl": "WELLHEAD_WEBHOOK_URL"
}  # hidden parameters and what the function Notices calls them
QUEUE_SECONDS = 60.0  # after its end a queue's name is free again


def other_code(package: Package, directory: Path, mark: str) -> Package:
    """The same code in another zip, which is new to Lambda."""
    bundle = directory / package.bundle.name
    shutil.copyfile(package.bundle, bundle)
    with zipfile.ZipFile(bundle, "a") as files:
        files.writestr(MARK, mark)
    return replace(package, bundle=bundle)


def renew(
    deployment: Deployment, package: Package, *, rest: Callable[[float], Any] = time.sleep
) -> dict[str, str]:
    """The outputs of the stack that was made anew over its data, with the parameters and tags of
    the one before. Raises DeploymentError, before anything is removed where it would lose
    something.
    """
    before = deployment.description()
    if before is None:
        raise DeploymentError(f"There is no stack {deployment.stack} in this account and region.")
    parameters, hidden = said_before(package.parameters(), before)
    if parameters.get("Warehouse") == "efs":
        raise DeploymentError(
            "An EFS file system is not taken over by the next stack: nothing was removed."
        )
    parameters |= _hidden_parameters(deployment, hidden)
    tags = {tag["Key"]: tag["Value"] for tag in before.get("Tags", [])}
    removal = Removal(deployment)
    removal.remove(removal.look(), data=False)
    rest(QUEUE_SECONDS)
    return deployment.deploy(package, parameters, tags)


def _hidden_parameters(deployment: Deployment, names: list[str]) -> dict[str, str]:
    """The parameters that CloudFormation does not show, from the function that has them: a stack
    that is removed takes them along. They are said to nobody. Raises DeploymentError for one that
    no function has.
    """
    unknown = [name for name in names if name not in OF_NOTICES]
    if unknown:
        raise DeploymentError(f"Nobody can tell {', '.join(unknown)}: nothing was removed.")
    functions = deployment.client("lambda")
    told = (
        functions.get_function_configuration(FunctionName=f"{deployment.stack}-notices")
        if names
        else {}
    )
    variables = told.get("Environment", {}).get("Variables", {})
    return {name: value for name in names if (value := variables.get(OF_NOTICES[name], ""))}


@dataclass
class Imports:
    """One after the other, from the `with` to its end. `run` is one from its start to its end and
    tells how it ended; `code` tells what code the import function has now.
    """

    run: Callable[[], str]
    code: Callable[[], str]
    ends: list[str] = field(default_factory=list)
    exchanged: int = 0  # under how many of them the code became another
    fault: Exception | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """When the last one has ended."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                before = self.code()
                self.ends.append(self.run())
                self.exchanged += self.code() != before
        except Exception as exc:  # noqa: BLE001  told by whoever waits for them
            self.fault = exc
