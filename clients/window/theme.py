"""The look of the window: ttk styles made of rounded tiles, in a light and a dark palette.

Lengths in this file are pixels of a 96-dpi screen; `px` makes them those of the real one. ttk finds
some elements by the end of their names: `pbar` in a progress bar, `thumb` and `trough` in a
scrollbar.
"""

from __future__ import annotations

import base64
import tkinter as tk
from tkinter import ttk
from typing import Any

from clients.window.palette import DARK, LIGHT, Palette
from clients.window.screen import make_fonts, scale
from clients.window.shapes import Picture, emblem, mix, round_tile, toggle

Look = tuple[str, str]
"""Fill and border; no border where it is empty."""
# Pixels: ttk repeats the middle of a tile, and each time costs a question to the X server.
MIDDLE = 128
TONES = ("good", "bad", "warning", "info", "muted", "accent")


class Theme:
    """Both looks of one window; `palette` is the one that shows.
    A change is told by the event <<Recoloured>>.
    """

    def __init__(self, root: tk.Tk) -> None:
        self._root = root
        self._style = ttk.Style(root)
        self._factor = scale(root)
        self.fonts = make_fonts(root)
        self.palette = LIGHT
        self._images: list[tk.PhotoImage] = []

    def px(self, length: float) -> int:
        pixels = round(length * self._factor)
        return max(1, pixels)

    def tone(self, name: str) -> str:
        return self.palette.tone(name)

    def emblem(self, side: float) -> tk.PhotoImage:
        picture = emblem(self.px(side), LIGHT.accent, "#ffffff")
        return self._image(picture)

    def show(self, palette: Palette) -> None:
        self.palette = palette
        name = "wellhead-dark" if palette is DARK else "wellhead-light"
        is_new = name not in self._style.theme_names()
        if is_new:
            self._style.theme_create(name, parent="clam")
        self._style.theme_use(name)
        if is_new:
            self._make_styles()
        self._root.configure(background=palette.page)
        self._root.event_generate("<<Recoloured>>")

    def _make_styles(self) -> None:
        self._make_ground()
        self._make_text()
        for tone in TONES:
            self._make_tone(tone)
        self._make_buttons()
        self._make_navigation()
        self._make_segments()
        self._make_entry()
        self._make_switch()
        self._make_bars()
        self._make_lists()

    def _image(self, picture: Picture, times: int = 1) -> tk.PhotoImage:
        data = base64.b64encode(picture.png(times))
        image = tk.PhotoImage(master=self._root, data=data)
        self._images.append(image)  # Tk forgets an image that nobody holds
        return image

    def _element(
        self, name: str, radius: float, look: Look, *states: tuple[str, Look], **options: Any
    ) -> None:
        """A stretched tile, and what it looks like in some states."""
        corner = self.px(radius)
        usual = self._tile(corner, look)
        images: Any = [(state, self._tile(corner, other)) for state, other in states]
        size = {"width": 2 * corner, "height": 2 * corner}
        given: Any = {
            "border": corner,
            "padding": 0,
            **size,
            **options,
        }
        self._style.element_create(name, "image", usual, *images, sticky="nsew", **given)

    def _tile(self, corner: int, look: Look) -> tk.PhotoImage:
        fill, border = look
        picture = round_tile(corner, fill, border, self.px(1))
        return self._image(picture, MIDDLE)

    def _ring(self) -> str:
        """The border of what has the focus."""
        return mix(self.palette.accent, self.palette.text, 0.3)

    def _make_ground(self) -> None:
        colours = self.palette
        style = self._style
        style.configure(
            ".", background=colours.surface, foreground=colours.text, font=self.fonts["Text"]
        )
        style.configure(
            ".", bordercolor=colours.border, troughcolor=colours.sunken, insertcolor=colours.text
        )
        style.configure(".", selectbackground=colours.accent, selectforeground=colours.on_accent)
        style.configure("Page.TFrame", background=colours.page)
        style.configure("Rule.TFrame", background=colours.border)
        self._element("Card.ground", 10, (colours.surface, colours.border))
        style.layout("Card.TFrame", nest("Card.ground"))
        style.configure("Card.TFrame", background=colours.page)
        self._element("Tile.ground", 8, (colours.sunken, ""))
        style.layout("Tile.TFrame", nest("Tile.ground"))

    def _make_text(self) -> None:
        colours = self.palette
        style = self._style
        fonts = self.fonts
        for name in ("Strong", "Head", "Title", "Huge"):
            style.configure(f"{name}.TLabel", font=fonts[name])
        style.configure("Mono.TLabel", font=fonts["Mono"], foreground=colours.muted)
        style.configure("Muted.TLabel", foreground=colours.muted)
        style.configure("Caption.TLabel", foreground=colours.muted, font=fonts["Small"])
        style.configure("PageTitle.TLabel", background=colours.page, font=fonts["Title"])
        style.configure("PageText.TLabel", background=colours.page)
        style.configure(
            "PageCaption.TLabel",
            background=colours.page,
            foreground=colours.muted,
            font=fonts["Small"],
        )
        style.configure(
            "TileCaption.TLabel",
            background=colours.sunken,
            font=fonts["Small"],
            foreground=colours.muted,
        )
        style.configure("TileFigure.TLabel", background=colours.sunken, font=fonts["Figure"])

    def _make_tone(self, tone: str) -> None:
        """Text, pill and banner of the tone, with what stands on the banner."""
        style = self._style
        colour = self.tone(tone)
        soft = self.palette.soft(colour)
        strong = self.fonts["Strong"]
        style.configure(f"{tone}.TLabel", foreground=colour, font=strong)
        pill = f"{tone}.pill"
        banner = f"{tone}.banner"
        self._element(pill, 10, (soft, ""), padding=(self.px(10), self.px(3)))
        style.layout(f"{tone}.Pill.TLabel", nest(pill, "Label.label"))
        style.configure(f"{tone}.Pill.TLabel", foreground=colour, font=strong)
        self._element(banner, 8, (soft, mix(soft, colour, 0.35)))
        style.layout(f"{tone}.Banner.TFrame", nest(banner))
        style.configure(f"{tone}.Banner.TFrame", background=self.palette.page)
        style.configure(
            f"{tone}.Banner.TLabel",
            background=soft,
            foreground=colour,
            font=strong,
        )
        hover = mix(soft, colour, 0.18)
        self._make_button(f"{tone}.Banner", (soft, ""), colour, ground=soft, hover=hover)

    def _make_button(self, name: str, look: Look, ink: str, *, ground: str, hover: str) -> None:
        """On its ground; under the pointer it has the other fill."""
        colours = self.palette
        style = self._style
        fill, border = look
        disabled = (mix(ground, colours.muted, 0.1), mix(ground, colours.muted, 0.2))
        pressed = (mix(hover, colours.text, 0.1), border)
        self._element(
            f"{name}.button",
            7,
            look,
            ("disabled", disabled),
            ("pressed", pressed),
            ("active", (hover, border)),
            ("focus", (fill, self._ring())),
        )
        button = f"{name}.TButton"
        style.layout(button, nest(f"{name}.button", "Button.padding", "Button.label"))
        style.configure(
            button,
            background=ground,
            foreground=ink,
            font=self.fonts["Strong"],
        )
        style.configure(button, padding=(self.px(14), self.px(7)), anchor="center")
        style.map(button, background=[], foreground=[("disabled", colours.muted)])

    def _make_buttons(self) -> None:
        colours = self.palette
        accent = (colours.accent, "")
        plain = (colours.surface, colours.border)
        darker = mix(colours.accent, colours.text, 0.2)
        surface = colours.surface
        page = colours.page
        self._make_button("Accent", accent, colours.on_accent, ground=surface, hover=darker)
        self._make_button("Start", accent, colours.on_accent, ground=page, hover=darker)
        self._make_button("Plain", plain, colours.text, ground=surface, hover=colours.sunken)
        self._make_button(
            "Danger", plain, colours.bad, ground=surface, hover=colours.soft(colours.bad)
        )

    def _make_navigation(self) -> None:
        colours = self.palette
        style = self._style
        soft = colours.soft(colours.accent)
        plain = colours.surface
        self._element(
            "Nav.button",
            7,
            (plain, ""),
            ("selected focus", (soft, self._ring())),
            ("selected", (soft, "")),
            ("focus", (plain, self._ring())),
            ("active", (colours.sunken, "")),
        )
        style.layout("Nav.TButton", nest("Nav.button", "Button.padding", "Button.label"))
        style.configure("Nav.TButton", anchor="w", padding=(self.px(12), self.px(9)))
        style.configure("Nav.TButton", font=self.fonts["Strong"], foreground=colours.muted)
        style.map("Nav.TButton", background=[], foreground=[("selected", colours.accent)])

    def _make_segments(self) -> None:
        """Radio buttons side by side."""
        colours = self.palette
        style = self._style
        ground = "Segment.ground"
        self._element(
            ground,
            7,
            (colours.page, ""),
            ("selected focus", (colours.surface, self._ring())),
            ("selected", (colours.surface, colours.border)),
            ("focus", (colours.page, self._ring())),
        )
        button = "Segment.TRadiobutton"
        style.layout(button, nest(ground, "Radiobutton.padding", "Radiobutton.label"))
        style.configure(button, background=colours.page, padding=(self.px(14), self.px(7)))
        inks = [
            ("disabled", colours.muted),
            ("selected", colours.text),
            ("!selected", colours.muted),
        ]
        style.map(button, background=[], foreground=inks)

    def _make_entry(self) -> None:
        colours = self.palette
        style = self._style
        usual = (colours.surface, mix(colours.border, colours.muted, 0.35))
        focused = ("focus", (colours.surface, colours.accent))
        self._element("Entry.ground", 7, usual, focused)
        style.layout("TEntry", nest("Entry.ground", "Entry.padding", "Entry.textarea"))
        style.configure("TEntry", padding=(self.px(10), self.px(7)), foreground=colours.text)
        style.map("TEntry", background=[], foreground=[("disabled", colours.muted)])

    def _make_switch(self) -> None:
        colours = self.palette
        style = self._style
        size = self.px(18)
        idle = mix(colours.border, colours.muted, 0.5)
        off = self._image(toggle(size, idle, colours.surface, is_on=False))
        on = self._image(toggle(size, colours.accent, colours.surface, is_on=True))
        indicator = "Switch.indicator"
        style.element_create(
            indicator, "image", off, ("selected", on), sticky="w", width=self.px(42)
        )
        inside = [
            *nest(indicator, side="left", sticky=""),
            *nest("Checkbutton.label", side="left", sticky="nsew"),
        ]
        focus: Any = [("Checkbutton.focus", {"sticky": "nsew", "children": inside})]
        switch = "Switch.TCheckbutton"
        style.layout(switch, focus)
        style.configure(switch, focuscolor=colours.accent, padding=self.px(3))
        style.configure(f"Finding.{switch}", wraplength=self.px(220))
        style.map(switch, background=[], foreground=[("disabled", colours.muted)])

    def _make_bars(self) -> None:
        colours = self.palette
        style = self._style
        self._element("Meter.trough", 6, (mix(colours.sunken, colours.border, 0.4), ""))
        for tone in ("accent", "good", "bad", "muted"):
            bar = f"{tone}.Progressbar.pbar"
            name = f"{tone}.Horizontal.TProgressbar"
            # That wide where no share is known.
            self._element(bar, 6, (self.tone(tone), ""), width=self.px(160))
            inside: Any = nest(bar, side="left", sticky="ns")
            trough: Any = [("Meter.trough", {"sticky": "ew", "children": inside})]
            style.layout(name, trough)
            style.configure(name, background=colours.surface)
        states = [("disabled", (colours.surface, "")), ("active", (colours.muted, ""))]
        self._element(
            "Round.Scrollbar.thumb", 4, (mix(colours.border, colours.muted, 0.35), ""), *states
        )
        style.layout(
            "Vertical.TScrollbar",
            nest("Vertical.Scrollbar.trough", "Round.Scrollbar.thumb", sticky="ns"),
        )
        style.layout(
            "Horizontal.TScrollbar",
            nest("Horizontal.Scrollbar.trough", "Round.Scrollbar.thumb", sticky="we"),
        )
        for bar in ("Vertical.TScrollbar", "Horizontal.TScrollbar"):
            style.configure(bar, troughcolor=colours.surface, bordercolor=colours.surface)
            style.configure(
                bar,
                background=colours.surface,
                borderwidth=0,
                relief="flat",
            )

    def _make_lists(self) -> None:
        colours = self.palette
        style = self._style
        px = self.px
        surface = colours.surface
        style.layout("Treeview", nest("Treeview.treearea"))
        style.configure("Treeview", background=surface, fieldbackground=surface, borderwidth=0)
        style.configure("Treeview", foreground=colours.text, rowheight=px(30))
        style.map(
            "Treeview", background=[("selected", colours.soft(colours.accent))], foreground=[]
        )
        # Beside the 4 that are always there.
        style.configure("Treeview.Cell", padding=(px(6) - 4, 0))
        heading = "Treeview.Heading"
        style.layout(heading, nest("Treeheading.padding", "Treeheading.text", sticky="we"))
        style.configure(heading, background=surface, foreground=colours.muted)
        style.configure(
            heading,
            font=self.fonts["Small"],
            padding=(px(6), px(6)),
            relief="flat",
        )
        style.map(heading, background=[])


def nest(*elements: str, **options: str) -> Any:
    """A layout: each element in the one before it, all with the same options."""
    layout: list[Any] = []
    for name in reversed(elements):
        inside = {"children": layout} if layout else {}
        layout = [
            (
                name,
                {
                    "sticky": "nsew",
                    **options,
                    **inside,
                },
            )
        ]
    return layout
