"""A smoke test leaves no token behind, whatever else goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.formation import Stack, formation
from support.rights import ACCOUNT, REGION

from infra.smoke import Smoke

if TYPE_CHECKING:
    from local.aws.emulator import LocalAws

STACK = "wellhead-try"
NOWHERE = "http://127.0.0.1:9"


def test_a_stage_that_cannot_be_reached_gets_a_table_and_no_token_stays(aws: LocalAws) -> None:
    with formation(aws, "try") as (deployment, account, _):
        stack = Stack(f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1", status="CREATE_COMPLETE")
        account.stacks[STACK] = stack
        smoke = Smoke(deployment, NOWHERE, patience=0)
        lines = {line.what: line for line in smoke.run()}
        assert not smoke.passed
        assert "URLError" in lines["health"].found
        assert {"the source goes", "the file goes"} <= lines.keys()
        assert "| a token works | **NO** |" in smoke.table()
        names = deployment.client("ssm").get_parameters_by_path(Path=f"/{STACK}", Recursive=True)
        assert names["Parameters"] == []
