"""The production of one well:
a panel for each product over one time axis, with a read-out under the pointer.
"""

from __future__ import annotations

import tkinter as tk
from base64 import b64encode
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from clients.api.words import PRODUCTS
from clients.window.axes import Axis, Period, figure, gaps, nearest, runs, tick_label, year_ticks
from clients.window.shapes import mix, stroke

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from clients.api.words import Product
    from clients.window.theme import Theme


LONGEST_STROKE = 8_000  # pixels, of one line: about a tenth of a second


@dataclass(frozen=True)
class Place:
    """Where a panel is on the canvas, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def x(self, share: float) -> float:
        width = self.right - self.left
        return self.left + share * width

    def y(self, share: float) -> float:
        height = self.bottom - self.top
        return self.bottom - share * height


class Plot(tk.Canvas):
    """`readout` is what the pointer shows:
    the text of each panel, or of the last period without a pointer.
    """

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(
            parent, highlightthickness=0, borderwidth=0, width=theme.px(320), height=theme.px(300)
        )
        self._theme = theme
        self.periods: list[Period] = []
        self.rates: dict[str, list[float | None]] = {}
        self.is_log = False
        self.has_volumes = False
        self.readout: dict[str, str] = {}
        self._note = ""
        self._images: list[tk.PhotoImage] = []
        self.bind("<Configure>", lambda _: self.draw())
        self.bind("<Motion>", self._hover)
        self.bind("<Leave>", lambda _: self._read_out(None))

    def show(self, periods: Sequence[Period], rates: dict[str, list[float | None]]) -> None:
        """Periods ascend; `rates` has as many for the rate of each product."""
        self.periods = list(periods)
        self.rates = rates
        self._note = ""
        self.draw()

    def values(self, product: Product) -> list[float | None]:
        """Its rates, or what each whole period brought: its rate times its days."""
        rates = self.rates[product.rate]
        if not self.has_volumes:
            return rates
        each = zip(rates, self.periods, strict=True)
        return [None if value is None else value * period.days for value, period in each]

    def say(self, note: str) -> None:
        """A sentence in place of the plot."""
        self.periods = []
        self.rates = {}
        self._note = note
        self.draw()

    def use_log(self, is_log: bool) -> None:
        self.is_log = is_log
        self.draw()

    def use_volumes(self, has_volumes: bool) -> None:
        self.has_volumes = has_volumes
        self.draw()

    def draw(self) -> None:
        self.delete("all")
        self._images.clear()
        self.configure(background=self._theme.palette.surface)
        if not self.periods:
            middle = self.winfo_width() / 2, self.winfo_height() / 2
            self._text(
                *middle, self._note, tone="muted", anchor="center", width=self.winfo_width() * 0.8
            )
            return
        for number, product in enumerate(PRODUCTS):
            self._panel(self._place(number), product)
        self._time_axis()
        self._read_out(None)

    def _place(self, number: int) -> Place:
        px = self._theme.px
        foot = self._theme.px(24)
        height = (self.winfo_height() - foot) / len(PRODUCTS)
        top = round(number * height) + px(26)
        bottom = round((number + 1) * height) - px(8)
        right = self.winfo_width() - px(16)
        return Place(px(58), top, right, bottom)

    def _panel(self, place: Place, product: Product) -> None:
        values = self.values(product)
        axis = Axis.around(values, is_log=self.is_log)
        self._ground(place, axis)
        colour = self._theme.tone(product.key)
        points = [self._point(place, axis, number, value) for number, value in enumerate(values)]
        heights = [point and point[1] for point in points]
        for run in runs(self.periods, heights):
            of_run = [points[number] for number in run]
            known = [point for point in of_run if point]
            self._line(place, known, colour)

    def _ground(self, place: Place, axis: Axis) -> None:
        """Where periods are missing, and the lines of the scale."""
        palette = self._theme.palette
        for before, after in gaps(self.periods):
            left = place.x(self._share(before))
            right = place.x(self._share(after))
            self.create_rectangle(
                left, place.top, right, place.bottom, fill=palette.sunken, width=0, tags="gap"
            )
        for tick in axis.ticks():
            y = place.y(axis.share(tick) or 0.0)
            self.create_line(place.left, y, place.right, y, fill=palette.border)
            self._text(
                place.left - self._theme.px(8), y, tick_label(tick), tone="muted", anchor="e"
            )

    def _line(self, place: Place, points: list[tuple[float, float]], colour: str) -> None:
        """With the area below it; a single period is a dot."""
        flat = [number for point in points for number in point]
        if len(points) == 1:
            self._dot(*points[0], colour, "data")
            return
        soft = mix(self._theme.palette.surface, colour, 0.12)
        self.create_polygon(
            points[0][0],
            place.bottom,
            *flat,
            points[-1][0],
            place.bottom,
            fill=soft,
            outline="",
            tags="area",
        )
        self._stroke(points, colour)

    def _stroke(self, points: list[tuple[float, float]], colour: str) -> None:
        """Tk's own lines have steps.
        A thicket of a line takes too long to paint, and shows no steps.
        """
        width = self._theme.px(1.6)
        length = 0.0
        for (x, y), (next_x, next_y) in pairwise(points):
            length += abs(next_x - x) + abs(next_y - y)
        if length > LONGEST_STROKE:
            self.create_line(
                *chain(*points), fill=colour, width=width, joinstyle="round", tags="data"
            )
            return
        left, top, picture = stroke(points, width=width, colour=colour)
        image = tk.PhotoImage(master=self, data=b64encode(picture))
        self._images.append(image)  # Tk forgets an image that nobody holds
        self.create_image(left, top, image=image, anchor="nw", tags="data")

    def _point(
        self, place: Place, axis: Axis, number: int, value: float | None
    ) -> tuple[float, float] | None:
        share = axis.share(value)
        if share is None:
            return None
        return place.x(self._share(self.periods[number].day)), place.y(share)

    def _share(self, day: date) -> float:
        first = self.periods[0].day
        days = (self.periods[-1].day - first).days
        if days:
            return (day - first).days / days
        return 0.5

    def _time_axis(self) -> None:
        px = self._theme.px
        muted = self._theme.palette.muted
        place = self._place(len(PRODUCTS) - 1)
        bottom = place.bottom
        most = max(2, (place.right - place.left) // px(56))
        first = self.periods[0].day
        last = self.periods[-1].day
        for year in year_ticks(first, last, most):
            x = place.x(self._share(year))
            self.create_line(x, bottom, x, bottom + px(4), fill=muted)
            self._text(x, bottom + px(14), str(year.year), tone="muted", anchor="center")

    def _hover(self, event: tk.Event[Any]) -> None:
        if not self.periods:
            return
        place = self._place(0)
        width = max(1, place.right - place.left)
        share = (event.x - place.left) / width
        share = min(1.0, max(0.0, share))
        self._read_out(nearest(self.periods, share))

    def _read_out(self, number: int | None) -> None:
        """Of the period under the pointer, with a line through all panels;
        of the last one without a pointer.
        """
        self.delete("readout")
        if not self.periods:
            return
        if number is not None:
            self._crosshair(number)
        shown = -1 if number is None else number
        for index, product in enumerate(PRODUCTS):
            self.readout[product.rate] = self._reading(product, shown)
            self._headline(self._place(index), product)

    def _reading(self, product: Product, number: int) -> str:
        name = self.periods[number].name
        value = self.values(product)[number]
        text = "no value" if value is None else figure(value)
        return f"{name}   {text}"

    def _headline(self, place: Place, product: Product) -> None:
        """The name and unit of a panel at its left, what the pointer shows at its right."""
        px = self._theme.px
        y = place.top - px(13)
        unit = product.unit if self.has_volumes else f"{product.unit} a day"
        reading = self.readout[product.rate]
        name = self._text(
            place.left, y, product.title, tone=product.key, font="Strong", tags="readout"
        )
        _, _, end_of_name, _ = self.bbox(name)
        self._text(end_of_name + px(8), y, unit, tone="muted", font="Small", tags="readout")
        self._text(place.right, y, reading, tone="text", anchor="e", font="Strong", tags="readout")

    def _crosshair(self, number: int) -> None:
        top = self._place(0).top
        bottom = self._place(len(PRODUCTS) - 1).bottom
        x = self._place(0).x(self._share(self.periods[number].day))
        self.create_line(
            x, top, x, bottom, fill=self._theme.palette.muted, dash=(3, 3), tags="readout"
        )
        for index, product in enumerate(PRODUCTS):
            values = self.values(product)
            axis = Axis.around(values, is_log=self.is_log)
            point = self._point(self._place(index), axis, number, values[number])
            if point:
                self._dot(*point, self._theme.tone(product.key), "readout")

    def _dot(self, x: float, y: float, colour: str, tags: str) -> None:
        size = self._theme.px(3)
        edge = self._theme.palette.surface
        self.create_oval(
            x - size, y - size, x + size, y + size, fill=colour, outline=edge, tags=tags
        )

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        tone: str,
        anchor: Any = "w",
        font: str = "Small",
        **options: Any,
    ) -> int:
        fill = self._theme.tone(tone)
        return self.create_text(
            x, y, text=text, anchor=anchor, fill=fill, font=self._theme.fonts[font], **options
        )
