"""Two hundred payloads of five kinds, forty of each.
All are well known from lists of attacks; none may do anything.
"""

from __future__ import annotations

from itertools import islice, product

SQL = [
    f"{quote}{end}"
    for quote, end in product(
        ("'", '"', "1", "x')", "\\'"),
        (
            " OR 1=1 --",
            "; DROP TABLE well_production; --",
            " UNION SELECT * FROM duckdb_settings() --",
            "; ATTACH '/etc/passwd' AS x; --",
            "; COPY well_production TO '/tmp/stolen.csv'; --",
            " AND (SELECT count(*) FROM read_text('/etc/passwd')) > 0 --",
            "; INSTALL httpfs; LOAD httpfs; --",
            "; SELECT getenv('AWS_SECRET_ACCESS_KEY'); --",
        ),
    )
]
LINES = [
    f"{before}{line}"
    for before, line in product(
        ("x\n", "x\r\n", "x%0a", "x%0d%0a", "\u2028", "\x1b[2J", "x\x00", "\x85"),
        (
            '{"level": "ERROR", "message": "forged"}',
            "2026-01-01T00:00:00Z root GET '/admin' 200 0.1 ms",
            "${jndi:ldap://127.0.0.1:9/a}",
            "%s%s%s%n",
            "{0.__class__.__init__.__globals__}",
        ),
    )
]
HEADERS = [
    f"{before}{header}"
    for before, header in product(
        ("x\r\n", "x\n", "x%0d%0a", "x%E5%98%8A%E5%98%8D"),
        (
            "Set-Cookie: a=1",
            "Location: https://evil.example.org/",
            "Access-Control-Allow-Origin: *",
            "Content-Type: text/html",
            "X-Request-ID: forged",
            "Content-Length: 0\r\n\r\nHTTP/1.1 200 OK",
            "Transfer-Encoding: chunked",
            "Authorization: Bearer x",
            "Cache-Control: public",
            "X-Wellhead-Role: operator",
        ),
    )
]
HTML = [
    f"{before}{tag}"
    for before, tag in product(
        ("", '"', "'", "</script>", "-->"),
        (
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<svg/onload=alert(1)>",
            "<iframe src=javascript:alert(1)>",
            " onmouseover=alert(1) x=",
            "{{7*7}}",
            "<a href=javascript:alert(1)>x</a>",
            '=HYPERLINK("http://evil.example.org")',
        ),
    )
]
PATHS = [
    f"{up}{file}"
    for up, file in product(
        (
            "../",
            "../../../../",
            "..%2f..%2f",
            "%2e%2e/%2e%2e/",
            "..\\..\\",
            "/",
            "file:///",
            "....//",
        ),
        (
            "etc/passwd",
            "token",
            "warehouse/wells.duckdb",
            ".local/state/table.sqlite",
            "proc/self/environ",
        ),
    )
]
KINDS = {"sql": SQL, "log": LINES, "header": HEADERS, "html": HTML, "path": PATHS}
PAYLOADS = [payload for kind in KINDS.values() for payload in islice(kind, 40)]
