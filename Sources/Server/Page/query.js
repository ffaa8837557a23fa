// A query as the address bar and the API write it: the same parameters for both.

const TERMS = ["q", "like", "unlike", "upload"];
const FILTERS = [
  "under", "not_under", "since", "until", "camera", "near", "within", "type", "shape", "has",
];
const SETTINGS = ["rerank", "min_match", "all"];
const REPEATED = new Set(["like", "unlike", "upload", "under", "not_under", "type", "has"]);

/** What is searched for. It never changes; the methods that seem to change it make another one. */
export class Query {
  #values;

  /** @param {URLSearchParams|string} [parameters] Those that are not part of a query are left out. */
  constructor(parameters = "") {
    const given = new URLSearchParams(parameters);
    this.#values = new Map();
    for (const name of [...TERMS, ...FILTERS, ...SETTINGS]) {
      const values = [...new Set(given.getAll(name).map((value) => value.trim()))].filter(Boolean);
      if (values.length) this.#values.set(name, REPEATED.has(name) ? values : values.slice(-1));
    }
  }

  /** The text in the query language, as it was typed. */
  get text() {
    return this.#values.get("q")?.[0] ?? "";
  }

  /** Whether there is nothing to search for; filters alone are not a query. */
  get isEmpty() {
    return !["q", "like", "upload"].some((name) => this.#values.has(name));
  }

  /** The pictures in the query: `{name, value}` with the name like, unlike or upload. */
  get pictures() {
    return this.#entries(TERMS.slice(1));
  }

  /** The filters that are set: `{name, value}`. */
  get filters() {
    return this.#entries(FILTERS);
  }

  /**
   * @param {string} name
   * @returns {string[]} The values of a parameter.
   */
  all(name) {
    return this.#values.get(name) ?? [];
  }

  /**
   * @param {string} name
   * @param {string} value
   * @returns {boolean}
   */
  has(name, value) {
    return this.all(name).includes(String(value));
  }

  /**
   * The query with a value added, or set where the parameter takes one value only.
   * @param {string} name
   * @param {string} value
   */
  with(name, value) {
    return this.#changed(name, REPEATED.has(name) ? [...this.all(name), value] : [value]);
  }

  /**
   * The query without one value of a parameter, or without all of them.
   * @param {string} name
   * @param {string} [value]
   */
  without(name, value) {
    const others = value === undefined ? [] : this.all(name).filter((other) => other !== String(value));
    const query = this.#changed(name, others);
    // A distance means nothing without the place it is measured from.
    return name === "near" ? query.#changed("within", []) : query;
  }

  /** The query without its texts and pictures. */
  get withoutTerms() {
    return TERMS.reduce((query, name) => query.#changed(name, []), this);
  }

  /** The query without its filters. */
  get withoutFilters() {
    return FILTERS.reduce((query, name) => query.#changed(name, []), this);
  }

  /** @returns {URLSearchParams} */
  get parameters() {
    return new URLSearchParams(this.#entries([...this.#values.keys()]).map(({ name, value }) => [name, value]));
  }

  /** The same for queries that ask for the same. */
  toString() {
    return this.parameters.toString();
  }

  #entries(names) {
    return names.flatMap((name) => this.all(name).map((value) => ({ name, value })));
  }

  #changed(name, values) {
    const parameters = this.parameters;
    parameters.delete(name);
    for (const value of values) parameters.append(name, value);
    return new Query(parameters);
  }
}

/**
 * The texts of a query that results should be like, without signs, weights and quotes: what there is to explain.
 * @param {string} text In the query language: `a beach + 1.5*at night - people`.
 * @returns {string[]} `["a beach", "at night"]`
 */
export function wantedTexts(text) {
  const terms = [{ isWanted: true, text: "" }];
  let isQuoted = false;
  const isSpace = (character) => character === undefined || /\s/.test(character);
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    const isSign = !isQuoted && (character === "+" || character === "-")
      && isSpace(text[index - 1]) && isSpace(text[index + 1]);
    if (character === '"') isQuoted = !isQuoted;
    else if (isSign) terms.push({ isWanted: character === "+", text: "" });
    else terms.at(-1).text += character;
  }
  return terms
    .filter((term) => term.isWanted)
    .map((term) => term.text.trim().replace(/^[\d.]+\*\s*/, ""))
    .filter(Boolean);
}
