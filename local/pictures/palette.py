"""Pictures of few bytes: a screen has few colours, and one byte a pixel tells which of 256.

The browser that took a picture counts its colours and finds the nearest for each pixel; here it
becomes a PNG. https://www.w3.org/TR/png-3/
"""

import base64
import struct
import zlib

from playwright.sync_api import Page

from clients.window.shapes import png_of

PALETTE = 3  # the type of colour
BITS = 8

# {width, height, palette, pixels}: the colours that are there most often, and of each pixel the
# place of its own in the palette, both in base64.
INDEXED = """async (taken) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${taken}`)).blob());
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const colours = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer).map((each) => each & 0xffffff);
  const counts = new Map();
  for (const each of colours) counts.set(each, (counts.get(each) ?? 0) + 1);
  const most = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 256).map(([each]) => each);
  const parts = (each) => [each & 255, (each >> 8) & 255, each >> 16];
  const places = new Map(most.map((each, place) => [each, place]));
  const far = (one, other) => parts(one).reduce((sum, part, at) => sum + (part - parts(other)[at]) ** 2, 0);
  const placeOf = (each) => {
    if (!places.has(each)) {
      const found = most.reduce((best, other, at) => (far(each, other) < far(each, most[best]) ? at : best), 0);
      places.set(each, found);
    }
    return places.get(each);
  };
  const text = (bytes) => bytes.reduce((before, each) => before + String.fromCharCode(each), "");
  return {
    width,
    height,
    palette: btoa(text(Uint8Array.from(most.flatMap(parts)))),
    pixels: btoa(text(Uint8Array.from(colours, placeOf))),
  };
}"""


def smaller(taken: bytes, page: Page) -> bytes:
    """The same picture in at most 256 colours;
    `page` is one whose policy forbids nothing, such as about:blank.
    """
    found = page.evaluate(INDEXED, base64.b64encode(taken).decode())
    width = found["width"]
    height = found["height"]
    pixels = base64.b64decode(found["pixels"])
    lines = b"".join(
        b"\0" + pixels[start : start + width] for start in range(0, width * height, width)
    )
    header = struct.pack(">IIBBBBB", width, height, BITS, PALETTE, 0, 0, 0)
    palette = base64.b64decode(found["palette"])
    chunks = [
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]
    return png_of(chunks)
