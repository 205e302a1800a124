"""The figures as Markdown tables, and their place in docs/performance.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.contenders import FLOOR_1, WELLHEAD
from benchmarks.expectations import EXPECTATIONS, Results, rate
from benchmarks.kinds import TITLES
from benchmarks.pages import Kind
from benchmarks.real_data import FILES

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of the figures -->"


def markdown(report: dict[str, Any]) -> str:
    """All tables of a report as `python -m benchmarks` makes it."""
    parts = [heading(report)]
    parts += ["### Expected and found", _expectations(report["imports"])]
    for rows, results in report["imports"].items():
        parts += [f"### {int(rows):,} rows", _speed(results), _reimports(results)]
    parts += ["### Memory", _memory(report["imports"])]
    if report["growth"]:
        parts += ["### Importing 10,000 new rows", _growth(report["growth"])]
    if report.get("kinds"):
        parts += ["### Other sources", _kinds(report["kinds"])]
    if report.get("real_data"):
        parts += ["### Real files", _real_data(report["real_data"])]
    return "\n\n".join(parts) + "\n"


def heading(report: dict[str, Any]) -> str:
    """When, where and with what the figures were made."""
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    load = f"load {report['load']:.1f} at the start"
    if "load_at_the_end" in report:
        load += f" and {report['load_at_the_end']:.1f} at the end"
    return f"{report['date']}; {report['machine']}; {load}. {versions}."


def write(report: dict[str, Any], document: Path = DOCUMENT) -> None:
    put(markdown(report), document, BEGIN, END)


def put(tables: str, document: Path, begin: str, end: str) -> None:
    """Between these markers of the document, in place of what an earlier run has put there."""
    text = document.read_text("utf-8")
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    document.write_text(f"{head}{begin}\n\n{tables}\n{end}{tail}", "utf-8")


def _expectations(imports: dict[str, Results]) -> str:
    lines = [
        "| expected | " + " | ".join(f"{int(rows):,} rows" for rows in imports) + " |",
        "|---|" + "---:|" * len(imports),
    ]
    for one in EXPECTATIONS:
        found = " | ".join(one.cell(results) for results in imports.values())
        lines += [f"| {one.sentence} | {found} |"]
    return "\n".join(lines)


def _speed(results: Results) -> str:
    floor = results[FLOOR_1]
    ours = results[WELLHEAD]
    lines = []
    for name, one in results.items():
        if one["failure"]:
            lines.append(
                f"| {name} | {one['wall']} | {one['cpu']} | {one['peak_mb']} | {one['failure']} | | |"
            )
            continue
        scaled = f" ({one['rows']:,} rows)" if one["rows"] < ours["rows"] else ""
        ratios = f"{_ratio(one, floor)} | {_ratio(one, ours)}"
        lines.append(
            f"| {name}{scaled} | {one['wall']} | {one['cpu']} | {one['peak_mb']} | {rate(one):,.0f} | {ratios} |"
        )
    head = [
        "| | wall s | CPU s | peak MB | rows per CPU s | of floor 1 | of wellhead |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *lines])


def _ratio(one: dict[str, Any], other: dict[str, Any]) -> str:
    if other["failure"]:
        return "-"
    return f"{rate(one) / rate(other):.3f}"


def _reimports(results: Results) -> str:
    first = results[WELLHEAD]
    lines = [
        "| | new | updated | duplicate | CPU, of the first | file MB | of a plain table |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, one in results.items():
        if "file_bytes" in one:
            counts = " | ".join(
                f"{one[f'{count}_records']:,}" for count in ("new", "updated", "duplicate")
            )
            size = f"{one['file_bytes'] / 1e6:.1f} | {one['file_bytes'] / one['plain_bytes']:.2f}"
            lines.append(f"| {name} | {counts} | {one['cpu'] / first['cpu']:.2f} | {size} |")
    return "\n".join(lines)


def _memory(imports: dict[str, Results]) -> str:
    lines = ["| rows | import | fetching MB | merging MB |", "|---:|---|---:|---:|"]
    for rows, results in imports.items():
        for name, one in results.items():
            if "file_bytes" in one:
                peaks = f"{one.get('fetching_mb', 0)} | {one.get('merging_mb', 0)}"
                lines.append(f"| {int(rows):,} | {name} | {peaks} |")
    return "\n".join(lines)


def _growth(growth: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| rows in the store | wall s | CPU s | MB moved | peak MB | |",
        "|---:|---:|---:|---:|---:|---|",
    ]
    for size, one in growth.items():
        moved = f"{one.get('bytes_moved', 0) / 1e6:,.1f}"
        lines.append(
            f"| {int(size):,} | {one['wall']} | {one['cpu']} | {moved} | {one['peak_mb']} | {one['failure'] or ''} |"
        )
    return "\n".join(lines)


def _kinds(kinds: dict[str, dict[str, Any]]) -> str:
    first = kinds[Kind.SORTED]
    lines = [
        "| rows | wall s | CPU s | CPU, of those in order | peak MB | new | rejected | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for kind, one in kinds.items():
        counts = f"{one.get('new_records', 0):,} | {one.get('failed_records', 0):,}"
        share = "-" if one["failure"] or first["failure"] else f"{one['cpu'] / first['cpu']:.2f}"
        figures = f"{one['wall']} | {one['cpu']} | {share} | {one['peak_mb']} | {counts} | {one['failure'] or ''}"
        lines.append(f"| {TITLES[Kind(kind)]} | {figures} |")
    return "\n".join(lines)


def _real_data(found: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| file | rows | stored | wall s | CPU s | CPU s of DuckDB's own read | peak MB | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for file in FILES:
        if file.name not in found:
            continue
        one = found[file.name]
        floor = "-" if one["floor"] is None else one["floor"]
        counts = f"{one['rows']:,} | {one.get('new_records', 0):,}"
        figures = f"{one['wall']} | {one['cpu']} | {floor} | {one['peak_mb']}"
        lines.append(f"| {file.title} | {counts} | {figures} | {one['failure'] or ''} |")
    return "\n".join(lines)
