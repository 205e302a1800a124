// What the console's scripts speak of, by name: in their comments the names stand alone. Answers of the API are in
// api.d.ts, which `make lint` writes out of the OpenAPI document.

// -- what the API answers ---------------------------------------------------------------------------------------------

// ["GET sources", "{name}"] of "GET sources/{name}", with `string` in the place of a name in braces.
type Segments<Path> = Path extends `${infer First}/${infer Rest}`
  ? [Segment<First>, ...Segments<Rest>]
  : [Segment<Path>];
type Segment<Text> = Text extends `{${string}}` ? string : Text;
type WithoutQuery<Path> = Path extends `${infer Before}?${string}` ? Before : Path;
type RouteOf<Called> = Called extends keyof Api.Answers
  ? Called
  : { [Route in keyof Api.Answers]: Segments<Called> extends Segments<Route> ? Route : never }[keyof Api.Answers];

// Of `ask("wells/import/jobs?limit=6")`: Api.JobPage. Of a path that is put together elsewhere nobody knows it.
type AnswerTo<Method extends string, Path extends string> =
  string extends WithoutQuery<Path>
    ? any
    : Path extends string
      ? Api.Answers[RouteOf<`${Method} ${WithoutQuery<Path>}`>]
      : never;

interface AskOptions<Method extends string = string> {
  method?: Method;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
}
interface Facts {
  status?: number;
  code?: string;
  retryable?: boolean;
  details?: any;
  retryAfter?: number | null;
  rule?: string;
}
// One of a list tells neither its time line nor what it would change.
type Job = Api.JobSummary & Partial<Pick<Api.Job, "events" | "diff">>;

// -- elements ---------------------------------------------------------------------------------------------------------

type Child = Node | string | number | null | undefined | false | readonly Child[];
type Handlers = { [Name in keyof HTMLElementEventMap as `on${Name}`]?: (event: HTMLElementEventMap[Name]) => unknown };
interface Attributes extends Handlers {
  [name: string]: string | number | boolean | null | undefined | ((event: never) => unknown);
}
interface Column<Row> {
  title: string;
  class?: string;
  cell: (row: Row) => Child;
}
interface Page {
  root: HTMLElement;
  signal: AbortSignal;
  parameters: string[];
  query: URLSearchParams;
  name?: string; // of what it shows
  focus(): unknown;
  retitle(title: string): void;
  fail(error: any): void;
}
type Follow = (jobId: string) => unknown;
type Refused = (error: any) => unknown;

// -- production ---------------------------------------------------------------------------------------------------------

// Of a period: a well's, or the totals of several. Its columns are asked for by their names.
interface Row {
  production_period: string;
  period_days?: number | null;
  [column: string]: any;
}
interface Unit {
  key: string;
  sign: string;
  name: string;
  factor: number;
}
type Units = { liquid: Unit; gas: Unit };
type Amount = number | null;
type As = "rate" | "producing" | "volume" | "cumulative" | "both";
interface Product {
  key: string;
  title: string;
  kind: "liquid" | "gas";
  rate: string; // a column
  volume: string;
  unit: string;
}
interface Measure {
  key: string;
  name: string; // of its column
  title: string;
  kind: "liquid" | "gas";
  colour: string;
}
interface OfTwoColumns<Kind> {
  key: string;
  name?: undefined;
  title: string;
  kind: Kind;
  colour: string;
}
type Panel = Measure | OfTwoColumns<"share"> | OfTwoColumns<"ratio">;
interface Ratio {
  pair: string[];
  sides: (rates: Record<string, Amount>) => Amount[];
  of: (sides: Amount[]) => Amount;
}
interface Entity {
  name: string;
  rows: Row[];
  revisions?: Row[];
}
interface View {
  from: string | null;
  to: string | null;
  ages: number[] | null;
  as: As;
  over: "calendar" | "months" | "cumulative";
  show: Set<string>;
  isLog: boolean;
  units: Units;
  tab: "plot" | "decline";
}
type Changes = Record<string, string | number | null | undefined>; // of the address

// -- lists of wells and fields ------------------------------------------------------------------------------------------

type Listed = "wells" | "fields";
// What the address says of a list, all of it as text.
type Chosen = {
  q: string;
  sort: string;
  order: string;
  field: string;
  source: string;
  units: string;
  page: string;
};
// Changes what is chosen and asks anew; resolves to whether it shows.
type Choose = (changes: Partial<Chosen>, options?: { isTyped?: boolean }) => Promise<boolean>;
// So many pages on; `end` below zero leads to the last row of that page.
type TurnPage = (step: number, end?: number) => Promise<void>;
interface Figure {
  name: keyof Api.Registered;
  title: string;
  sign?: string;
  unit?: string;
  format: Intl.NumberFormat;
  factor: number;
}
interface Words {
  name: keyof Api.Registered;
  title: string;
  sign?: undefined;
  unit?: undefined;
  format?: undefined;
  cell: (row: Api.Registered) => string;
  address?: (row: Api.Registered) => string;
}
type ListColumn = Figure | Words;

// -- plots --------------------------------------------------------------------------------------------------------------

type Span = number[]; // [low, high]
type Key = string | number;
interface Point {
  x: number;
  y: number;
  key?: Key; // none where no cursor stands
  end?: number;
  now?: number | null;
}
interface Line {
  entity: number;
  as: string;
  colour: string;
  dash: number[];
  width?: number;
  points: (Point | null)[];
  values: Map<Key | undefined, number>;
  former?: Point[];
  dots?: boolean;
  bar?: number;
}
interface PlotPanel {
  title: string;
  lines: Line[];
  scale: "linear" | "log" | "share";
  below?: string;
  isFree?: boolean;
}
interface Axis {
  kind: "time" | "number" | "names";
  range: Span | null;
  title?: string;
  names?: string[];
}
interface RowName {
  entity: number;
  as: string;
  text: string;
}
interface Model {
  panels: PlotPanel[];
  axis: Axis;
  keys: Key[];
  latest?: Key;
  lead?: string;
  nameOf: (key: any) => string;
  names: RowName[];
}
interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}
interface Area extends Box {
  range: Span;
  vertical: Span;
  toX: (x: number) => number;
  toY: (y: number) => number;
  fromX: (x: number) => number;
}
interface LegendEntry {
  text: string;
  colour: string;
  dash: number[];
}
interface PathShape {
  type: "path";
  runs: number[][];
  stroke: string;
  width: number;
  dash: number[];
  name: string;
}
interface RingsShape {
  type: "rings";
  points: number[][];
  fill: string;
  stroke: string;
  radius: number;
  name: string;
}
interface RectsShape {
  type: "rects";
  rects: number[][];
  fill: string;
  name?: string;
}
interface TextShape {
  type: "text";
  text: string;
  x: number;
  y: number;
  anchor: "start" | "middle" | "end";
  fill: string;
  size: number;
  strong: boolean;
}
type Shape = PathShape | RingsShape | RectsShape | TextShape;
interface Picture {
  width: number;
  height: number;
  shapes: Shape[];
}

// -- definitions of sources -------------------------------------------------------------------------------------------

type Values = Record<string, any>; // the keys of a definition, as TOML and JSON have them
interface Fault {
  key: string;
  problem: string;
  instead: string;
}
interface Guess {
  key: string;
  value: any;
  why: string;
  sure: boolean;
}
type Rule =
  | { kind: "field"; field: string; table: Values }
  | { kind: "none" | "value" | "parts" | "own"; field?: undefined; table: Values };
type Sheet = import("../../chalicelib/api/console/sheet.js").Sheet;
// What a look at the source found.
interface Found {
  fields: string[];
  rows: Values[] | null;
  columns?: FoundColumn[];
  [name: string]: any;
}
interface FoundColumn {
  name: string;
  field: string;
  example: string;
  stored: string;
  empty: number | null;
  source_unit?: string;
  unit?: string;
}
interface Draft {
  text: string;
  guesses: Guess[];
}
type Picked = { field: string };
type FieldPicked = Picked | (string & { field?: undefined }); // one of the other choices is a word
type Change = (values: Values) => unknown;
// What the choices for rows, periods and numbers stand on; `faults` has the line of each key.
interface Choices {
  sheet: Sheet;
  faults: Record<string, HTMLElement>;
  changed: (change: Change) => void;
}
// What the choices for one of our columns stand on; `changed` edits the definition and makes them anew.
interface Mapping {
  sheet: Sheet;
  name: string;
  title: string;
  own: any; // the rule that the definition had, where the form only repeats it
  units: Omit<Api.Units, "at">; // by what is measured
  changed: (change: Change) => void;
}

// -- decline curves ---------------------------------------------------------------------------------------------------

type Parameter = "qi" | "d" | "b";
interface Curve {
  model: string;
  qi: number;
  d: number;
  b?: number;
  terminal: number;
}
type CurveOf = (values: number[]) => Curve;
interface Dated {
  t: number; // years
  q: number; // rate
}
interface Fit {
  curve: Curve;
  sum: number;
  errors: Record<string, number | null>;
  residuals: number[];
  r2: number | null;
  deviation: number;
  isDeclining: boolean;
  isAtBound: boolean;
}
interface Forecast {
  end: number;
  isLimit: boolean;
  volume: number;
  rate: number;
}
// What somebody wants to be fitted.
interface Wanted extends View {
  measure: Measure;
  model: string;
  terminal: number;
  limit: number;
  years: number;
}
interface Placed {
  row: Row;
  key: string;
  x: number;
  t: number;
  q: Amount;
  isIn: boolean;
}
type Used = Placed & Dated;
interface Analysis {
  points: Placed[];
  used: Used[];
  fit: Fit | null;
  start: number;
  now: number;
  sum: number;
  ahead: Forecast | null;
}
type Analysed = Analysis & { fit: Fit; ahead: Forecast };

// Of a row along the axis.
interface Place {
  x: number;
  key: Key;
  end: number;
  row: Row;
  isApart: boolean;
}

// What a look at a source came to, so far.
interface Looked {
  state: "waiting" | "done" | "faulty" | "failed" | "stopped";
  result?: Found;
  faults?: Fault[];
  error?: any;
  lacking?: string[]; // units that are to be chosen, in words
  isEarly?: boolean;
}

// The last column of the table of figures.
interface LastColumn {
  title: string;
  name: string;
}

// The ends of a range that was drawn in a panel; none for all.
type PickRange = (low?: number, high?: number, panel?: PlotPanel) => unknown;

// Of the buttons of a source: where an answer shows, and what follows a change.
interface Context {
  answer: HTMLElement;
  changed: () => void;
}

// [source, field, well], without a well of a field.
type Ids = (string | null | undefined)[];
type Compared = Partial<Entity> & { error?: any };

// What a workbench shows; `kind` is "well" or "field" where others can be compared and a decline be fitted.
interface Bench {
  title: string;
  rows: Row[];
  revisions?: Row[];
  name: string;
  last: LastColumn;
  folded?: boolean;
  kind?: string | null;
  id?: Ids;
}

// -- answers in SQL -----------------------------------------------------------------------------------------------------

type Cell = string | number | boolean | null;
type SqlRows = Pick<Api.SqlAnswer, "columns" | "rows">;
// What of an answer can be plotted, by the places of its columns.
interface Plan {
  kind: Axis["kind"];
  x: number | null; // none below an axis of names
  texts: number[];
  panels: number[];
}
interface AnswerView {
  show: Set<number>;
  range: Span | null;
  isLog: boolean;
}

interface YearAhead {
  year: number;
  volume: number;
  rate: number;
  cumulative: number;
}
type SqlColumn = Api.SqlAnswer["columns"][number];
