// Written by `make shared` out of infra/words.py and the product: change it there.

/** @type {string[]} */
export const STATUSES = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"];

/** @type {string[]} */
export const FINAL = ["COMPLETED", "FAILED", "CANCELLED"];

/** @type {string[]} */
export const OPEN = ["PENDING", "RUNNING"];

/** @type {Record<string, string>} */
export const STATUS_WORDS = {
  PENDING: "Pending",
  RUNNING: "Running",
  COMPLETED: "Completed",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
  HELD: "Held",
};

/** @type {Record<string, string>} */
export const STEP_WORDS = {
  PENDING: "Waiting",
  FETCHING: "Fetching",
  MERGING: "Merging",
  CHECKING: "Checking",
  PUBLISHING: "Publishing",
};

/** @type {Record<string, string>} */
export const OUTCOME_WORDS = {
  new: "New",
  updated: "Updated",
  duplicate: "Duplicate",
  failed: "Rejected",
  skipped: "Skipped",
  withdrawn: "Withdrawn",
};

/** @type {Record<string, string>} */
export const CHECK_WORDS = {
  SOURCE_INCOMPLETE: "The source delivered fewer rows than it counts",
  REJECTED: "Rows were rejected",
  NULLED: "Stored values would turn empty",
  WITHDRAWN: "Stored rows did not come any more",
  RESTATED: "Volumes of periods that are known would change",
  CONFLICTS: "Rows of one key have different values",
  ADOPTED_UNMATCHED: "Wells of the adopted source did not come",
  RATE_BEYOND_A_WELL: "Rates are more than a well can produce",
  COLUMN_GONE: "A column that was filled came no more",
  COMPLETENESS_UNKNOWN: "Whether all rows came cannot be proved",
};

/** @type {[string, number, number][]} */
export const PERIODS = [
  ["day", 1, 1],
  ["month", 28, 31],
  ["quarter", 90, 92],
  ["year", 365, 366],
];

/** @type {Product[]} */
export const PRODUCTS = [
  {
    key: "oil",
    title: "Oil",
    kind: "liquid",
    rate: "oil_production_kbd",
    volume: "oil_production_kb",
    unit: "thousand barrels",
  },
  {
    key: "gas",
    title: "Gas",
    kind: "gas",
    rate: "gas_production_mmcfd",
    volume: "gas_production_mmcf",
    unit: "million standard cubic feet",
  },
  {
    key: "liquids",
    title: "Liquids",
    kind: "liquid",
    rate: "liquids_production_kbd",
    volume: "liquids_production_kb",
    unit: "thousand barrels",
  },
  {
    key: "water",
    title: "Water",
    kind: "liquid",
    rate: "water_production_kbd",
    volume: "water_production_kb",
    unit: "thousand barrels",
  },
];

/** @type {Record<string, string>} */
export const COLUMN_WORDS = {
  field_code: "Field, its code",
  field_name: "Field, its name",
  well_code: "Well, its code",
  well_reference: "Well, the operator's reference",
  well_name: "Well, its name",
  production_period: "Period",
  days_on_production: "Days on production",
  oil_production_kbd: "Oil",
  gas_production_mmcfd: "Gas",
  liquids_production_kbd: "Liquids",
  water_production_kbd: "Water",
  data_source: "Where the source has it from",
  source_data: "The source's remarks",
  partition_0: "The source's partition",
};

/** @type {Record<string, "liquid" | "gas" | "days">} */
export const KINDS = {
  oil_production_kbd: "liquid",
  gas_production_mmcfd: "gas",
  liquids_production_kbd: "liquid",
  water_production_kbd: "liquid",
  days_on_production: "days",
};

/** @type {Unit[]} */
export const LIQUIDS = [
  { key: "bbl", sign: "bbl", name: "barrels", factor: 1000 },
  { key: "Mbbl", sign: "Mbbl", name: "thousand barrels", factor: 1 },
  { key: "m3", sign: "m³", name: "cubic metres", factor: 158.987294928 },
  { key: "Sm3", sign: "Sm³", name: "standard cubic metres", factor: 158.987294928 },
];

/** @type {Unit[]} */
export const GASES = [
  { key: "Mcf", sign: "Mcf", name: "thousand standard cubic feet", factor: 1000 },
  { key: "MMcf", sign: "MMcf", name: "million standard cubic feet", factor: 1 },
  { key: "m3", sign: "m³", name: "standard cubic metres", factor: 28316.846592 },
];

/** @type {RegExp} */
export const FORMULA = /^[\t\r\n]|^[\p{C}\p{Z}]*[=+\-@＝＋－＠]/u;

/** @type {number[]} */
export const BACKOFF = [1, 2, 4, 8, 15];
