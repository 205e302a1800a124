"""Excel workbooks as small as they can be, written by hand: a test sees every part of one."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  Excel knows no zones
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
STYLES = (
    f'<styleSheet {MAIN}><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>'
)
DATE, MOMENT = 1, 2  # of cellXfs


def workbook(
    path: Path, sheets: Mapping[str, Iterable[Iterable[Any]] | str], *, hidden: Iterable[str] = ()
) -> Path:
    """Each sheet as rows of values, or as the XML of its data; None is no cell."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _frame(list(sheets), set(hidden)).items():
            archive.writestr(name, content)
        for number, rows in enumerate(sheets.values(), 1):
            data = (
                rows
                if isinstance(rows, str)
                else "".join(_row(place, row) for place, row in enumerate(rows, 1))
            )
            sheet = f"<worksheet {MAIN}><sheetData>{data}</sheetData></worksheet>"
            archive.writestr(f"xl/worksheets/sheet{number}.xml", sheet)
    return path


def _row(place: int, row: Iterable[Any]) -> str:
    cells = (
        _cell(f"{_letters(column)}{place}", value)
        for column, value in enumerate(row)
        if value is not None
    )
    return f'<row r="{place}">{"".join(cells)}</row>'


def _cell(place: str, value: Any) -> str:
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime):
        return f'<c r="{place}" s="{MOMENT}"><v>{(value - EPOCH) / timedelta(days=1)}</v></c>'
    if isinstance(value, date):
        return f'<c r="{place}" s="{DATE}"><v>{(datetime(*value.timetuple()[:3]) - EPOCH).days}</v></c>'  # noqa: DTZ001
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    if value.startswith("#"):
        return f'<c r="{place}" t="e"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _frame(names: list[str], hidden: set[str]) -> dict[str, str]:
    numbers = range(1, len(names) + 1)
    sheets = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"{_state(name, hidden)}/>'
        for i, name in zip(numbers, names, strict=True)
    )
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in numbers
    )
    styles = f'<Relationship Id="rIdS" Type="{RELATIONS}/styles" Target="styles.xml"/>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{RELATIONS}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}{styles}</Relationships>',
        "xl/styles.xml": STYLES,
    }


def _state(name: str, hidden: set[str]) -> str:
    return ' state="hidden"' if name in hidden else ""
