"""Invented names of fields: a beginning, a middle, an end, and the part of a field."""

STARTS = (
    *("Ald", "Bren", "Cald", "Dorr", "Elv", "Fenn", "Gral", "Hask", "Ister", "Jorv"),
    *("Kess", "Lund", "Marr", "Nord", "Orl", "Pell", "Quar", "Rusk", "Sill", "Tarn"),
)
MIDDLES = ("a", "e", "i", "o", "en", "in", "or", "al", "um", "ed", "is", "ov")
ENDS = (
    "vik",
    "mere",
    "holt",
    "wick",
    "sund",
    "dale",
    "nes",
    "moor",
    "fjell",
    "burn",
    "strand",
    "gate",
    "low",
    "ster",
)
PARTS = ("", " North", " South", " East", " West", " Deep")


def field_name(number: int) -> str:
    """Twenty thousand names before one comes again; neighbours do not sound alike."""
    names = len(STARTS) * len(MIDDLES) * len(ENDS) * len(PARTS)
    number = number * 6_151 % names  # no factor in common: each name once before one comes again
    number, start = divmod(number, len(STARTS))
    number, middle = divmod(number, len(MIDDLES))
    part, end = divmod(number, len(ENDS))
    name = STARTS[start] + MIDDLES[middle] + ENDS[end]
    return name + PARTS[part]
