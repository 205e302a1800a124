"""What real services do that the specification does not say, or forbids.
The sample source does it when told to.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Habits:
    """Without any of them the source follows OData: `$top` bounds the whole result over all its
    pages, and a page is as large as `Prefer: odata.maxpagesize` asks for and the source's own limit
    allows.

    - `top_is_page_size`: `$top` is the size of each page, and links go on until there are no more rows
    - `no_link_under_top`: a request with `$top` gets its first page and no link, as Dataverse has it
    - `no_skip`: `$skip` is answered 400
    - `top_limit`: a larger `$top` is answered 400, as ASP.NET Core does with `SetMaxTop`
    - `refused`: query options that are answered 501
    - `filter_limit`: a result with `$filter` ends after so many rows, though its count tells of all
    - `ignores_count`, `ignores_prefer`: they are taken and do nothing
    - `unstable_order`: each page sees the rows in another order, as a database without ORDER BY may
    - `link_on_every_page`: the last page has a link too, and the empty ones after it
    - `declares_key`: `$metadata` names a key. It does not by itself, because the rows repeat keys and leave some out
      on purpose
    """

    top_is_page_size: bool = False
    no_link_under_top: bool = False
    no_skip: bool = False
    top_limit: int | None = None
    refused: AbstractSet[str] = frozenset()
    filter_limit: int | None = None
    ignores_count: bool = False
    ignores_prefer: bool = False
    unstable_order: bool = False
    link_on_every_page: bool = False
    declares_key: bool = False


AS_SPECIFIED = Habits()
