"""Words: what the name of a field says, in the six languages that publishers of well production
write.

`words_of` cuts a name into small words without accents; the sets below say which of them mean what.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# -- what is produced ---------------------------------------------------------------------------

PRODUCTS = {
    "oil": word_set(
        "oil crude petroleo petroleum oleo petrole huile brut olje olie aardolie aceite crudo pet bo"
    ),
    "gas": word_set("agas dgas gas gaz gass aardgas casinghead csgd csg bg"),
    "water": word_set("water wtr wat agua eau vann brine salmuera bw"),
    "condensate": word_set("condensate cond condensado condensat kondensat condensaat gcond"),
    "liquids": word_set("liquid liquids liquido liquidos liquide liquides vaeske vloeistof"),
}
RATES = {  # units that are of one product alone
    **dict.fromkeys(word_set("bopd bppd"), "oil"),
    **dict.fromkeys(word_set("bwpd bapd"), "water"),
    **dict.fromkeys(
        word_set("mcf mscf mmcf mmscf bcf mcfd mcfpd mscfd mmcfd mmcfpd mmscfd mpcd mmpcd"), "gas"
    ),
}
LETTERS = {"o": "oil", "g": "gas", "w": "water"}  # beside a word of PRODUCED or VOLUME alone
PRODUCED = word_set(
    "prod prd prodn production produced produccion producao producido producida produzido produit produite "
    "produksjon produsert productie geproduceerd produktie output pro"
)
VOLUME = word_set(
    "volume volumen volum vol volumes quantity quantidade cantidad quantite hoeveelheid mengde amount amt qty "
    "value valor waarde verdi"
)
TOTAL = word_set("total totals totales tot totaal totalt")
RATE = word_set("rate rates daily caudal vazao debit tasa dagelijks daglig diario diaria")
WITH_OIL = word_set(
    "agas associated assoc asociado asociada associado associada associe casinghead csgd csg solution dissolved"
)
NEGATION = word_set("no nao non not sin")
WITHOUT_OIL = word_set("dgas nonassociated dry free livre libre sec seco unassociated")
NO_PRODUCTION = word_set(
    "sold sales sale sell vendido vendida venta ventas venda vendas vendu ventes solgt salg verkocht verkoop inj "
    "inject injected injection injections inyeccion inyectada inyectado iny injecao injetado injetada injecte "
    "injectee injeksjon injisert injectie geinjecteerd inventory inv stock bom eom opening closing beginning "
    "ending tank storage inventario estoque lager voorraad adj adjustment adjustments adjusted ajuste ajustes "
    "adjustm bal balance flare flared flaring vent vented venting burned quemado quemada quema queima queimado "
    "venteado ventilado torch torche fakling faklet afgefakkeld venteo alloc allocated allocation allowable "
    "allow allowed used use fuel consumo autoconsumo usage shrink shrinkage lift gaslift spill lost loss losses "
    "perdida perda disp disposition disposal disposed transport transfer haul hauled purchaser purch purchased "
    "import imports export exports delivered deliveries reserves reserve forecast plan target code cd cde codigo "
    "gravity btu heat heating energy pressure press presion pressao tubing casing temp temperature ratio gor wor "
    "glr gwr cut cum cumulative cumul acum acumulada acumulado cumule ytd status stat type typ method reason "
    "flag comment remark name nombre nome nom date fecha data dato datum density densidad densidade densite "
    "percent pct price revenue tax royalty capac capacity choke test potential initial ip max maximum min "
    "minimum avg average mean best first last peak days hours hrs hour dias horas jours jour heures dager dagen "
    "timer uren interest share equity wi count number num id oe boe toe ngl lng co2 h2s tvd md depth unit units "
    "grade basis ind indicator water_cut skimmed recovered load api"
)

# -- who and where ------------------------------------------------------------------------------

WELL = word_set(
    "well uwi api wellbore bore borehole npdid pozo poco puits forage sondage bronn bronnbane put boorgat sigla permit"
)
FIELD = word_set("field campo yacimiento champ felt veld jazida gisement carrier areayacimiento")
LEASE = word_set(
    "lease pad concession concesion concessao asignacion contrato contract licence license area unit block"
)
FORMATION = word_set(
    "formation formtn fmtn formacion formacao pool zone zona interval completion layer reservoir sand horizon "
    "sidetrack laag reservorio yacimiento formasjon formatie drillhole product producto produto commodity stream"
)
OWNER = word_set(
    "owner operator operador operadora exploitant operatoer company empresa reporter ba baid"
)
CODE = word_set(
    "code cod codigo id ident identifier number no num nr numero nro key kid cde cd idn npdid"
)
NAME = word_set("name nombre nome nom navn naam nm sigla desc description label")
NO_WELL = word_set(
    "status stat type typ tipo class clase classe count depth td tvd md date fecha purpose kind operator owner "
    "operador county cnty township lat latitude lon long longitude x y spud wells head permitted state estado "
    "category casing tubing pressure test direction profile orientation reason fluid content company gas oil "
    "water volume injection injected sub elevation section sequence seq sidetrack"
)
NO_FIELD = word_set(
    "operator owner operador office district status type class date company supervisor discovery kind count "
    "wells state code_type estado tipo in section township range rules"
)

# -- when ---------------------------------------------------------------------------------------

YEAR = word_set("year yr ano anio annee aar ar jaar yyyy")
MONTH = word_set("month mon mnth mth mo mes mois maned maaned maand mm")
QUARTER = word_set("quarter qtr quart trimestre kvartal kwartaal qrt")
DAY = word_set("day dia jour dag dd")
DATE = word_set(
    "date dte fecha data dato datum period periodo periode time timestamp cycle first day dateprd"
)
NO_PERIOD = word_set(
    "spud completion completed compl test updated update modified modification mod created creation received "
    "recd filed filing entered ingreso effective load loaded submission submitted approval approved end fin "
    "expiry expire issue issued permit plugged abandon abandoned status start_up sales injection drilling "
    "drilled birth vigencia carga actualizacion source discovery publish published publication download extract"
)
CHANGED = word_set(
    "updated update modified modification mod changed received recd filed filing entered ingreso submission "
    "submitted rectificado actualizacion amend amended amendment revision version"
)
DAYS = word_set("days day dias dia jours jour dager dag dagen tef daysonprod uptime")
HOURS = word_set("hours hrs hour hr horas hora heures heure timer uren uur stream")
NO_DAYS = word_set(
    "injected injection inj date fecha shut shutin down downtime idle cum first month year mes test"
)

# -- what a unit is made of ---------------------------------------------------------------------

UNIT = word_set(
    "bbl bbls barrel barrels stb mbbl mbbls mmbbl mstb mmstb kbbl kbd kbpd bpd bopd bwpd bppd bapd kl bblpd stbd "
    "gal gallon gallons cf scf mcf mscf kcf mmcf mmscf bcf bscf tcf mcfd mcfpd mscfd mmcfd mmcfpd mmscfd mpc "
    "mmpc mpcd mmpcd barriles barris barils fat vaten m3 sm3 nm3 e3m3 e6m3 e9m3 e3sm3 e6sm3 ksm3 mm3 mmm3 km3 "
    "mcm mmcm bcm mill bill million billion thousand mrd millones miles milhoes tusen mille duizend tonnes tonne "
    "mbd mb mboe mmbtu gj ft3 ksm"
)
_BESIDE = word_set(
    "or of the de da do del des en on to per por by and y e et og van vor til for av la le el los las em county "
    "cnty state api kid well prf wellno prdn rpt report reported reporting date operations temperature location "
    "operating information flowing from lease gathering conventional concesion"
)
_VOCABULARY = frozenset().union(
    *PRODUCTS.values(),
    PRODUCED,
    VOLUME,
    TOTAL,
    RATE,
    WITH_OIL,
    WITHOUT_OIL,
    NO_PRODUCTION,
    WELL,
    FIELD,
    LEASE,
    FORMATION,
    OWNER,
    CODE,
    NAME,
    NO_WELL,
    NO_FIELD,
    YEAR,
    MONTH,
    QUARTER,
    DAY,
    DATE,
    NO_PERIOD,
    CHANGED,
    DAYS,
    HOURS,
    NO_DAYS,
    UNIT,
    _BESIDE,
)
LEAST_GLUED, MOST_GLUED = 5, 30  # letters of a word that may be several

# Where a word begins in wellName and in APINumber.
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_LIKE_LATIN = str.maketrans(
    {"ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ß": "ss", "ł": "l", "Ł": "L"}
)
_SPANISH = word_set(
    "pozo petroleo agua ano anio mes campo yacimiento fecha produccion dias tef gas_asociado crudo nombre"
)
_PORTUGUESE = word_set("poco oleo agua ano mes campo producao petroleo bacia gas estado instalacao")


def plain(text: str) -> str:
    """Without accents; `³` is 3."""
    latin = text.translate(_LIKE_LATIN)
    apart = unicodedata.normalize("NFKD", latin)  # é becomes e and an accent
    letters = [sign for sign in apart if not unicodedata.combining(sign)]
    return "".join(letters)


def vocabulary() -> frozenset[str]:
    """All words that say something."""
    return _VOCABULARY


@lru_cache(maxsize=4_096)
def words_of(name: str) -> tuple[str, ...]:
    """`API_WELLNO` is api, well, no; `prfPrdOilNetMillSm3` is prf, prd, oil, net, mill, sm3."""
    spaced = name if name.isupper() else _HUMPS.sub(" ", name)
    letters = plain(spaced).lower()
    words: list[str] = []
    for part in re.split(r"[^a-z0-9]+", letters):
        if part:
            words += _split_compound(part)
    return tuple(words)


def _split_compound(word: str) -> list[str]:
    """A word that is none, as the fewest words that it is made of: wellname is well, name.

    `best[end]` are the fewest words that make up the first `end` letters; None where none do.
    """
    if word in _VOCABULARY or not LEAST_GLUED <= len(word) <= MOST_GLUED:
        return [word]

    best: list[list[str] | None] = [[]] + [None] * len(word)
    for end in range(2, len(word) + 1):
        for begin in range(end - 1):  # a word has two letters at least
            words_before = best[begin]
            part = word[begin:end]
            if words_before is None or part not in _VOCABULARY:
                continue  # no words end where this one begins, or it is no word

            known = best[end]
            if known is None or len(words_before) + 1 < len(known):
                best[end] = [*words_before, part]

    return best[-1] or [word]


def is_mil(names: tuple[str, ...]) -> bool:
    """Whether the names are Spanish or Portuguese, where M is a thousand (mil)."""
    words = {word for name in names for word in words_of(name)}
    known = max(len(words & _SPANISH), len(words & _PORTUGUESE))
    return known >= 2  # noqa: PLR2004
