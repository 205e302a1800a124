"""Which failures leave what was fetched in order,
so that a retry goes on from the last whole page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.errors import (
    PublishRefused,
    SourceForbidden,
    SourceTimeSpent,
    SourceUnauthorized,
    TokenRefused,
)

if TYPE_CHECKING:
    from chalicelib.errors import WellheadError

OF_THE_ROWS = (PublishRefused,)  # the rows themselves are in doubt
# When the settings are put right, the import goes on.
OF_THE_SETTINGS = (SourceForbidden, SourceTimeSpent, SourceUnauthorized, TokenRefused)


def lets_a_retry_go_on(exc: WellheadError) -> bool:
    if isinstance(exc, OF_THE_SETTINGS):
        return True
    return exc.retryable and not isinstance(exc, OF_THE_ROWS)
