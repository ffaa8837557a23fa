// The arithmetic of a justified grid: rows that fill the width, with pictures in their own proportions.

/** A panorama or a very tall picture is cropped to these, so that it leaves room for others. */
const NARROWEST = 0.5;
const WIDEST = 2.8;

/** Where every picture of the grid lies. */
export class Layout {
  /** @type {{top: number, height: number, first: number, end: number}[]} */
  rows = [];
  /** The left edges and widths of all pictures, by position. */
  lefts = [];
  widths = [];
  #rowOf = [];

  /**
   * @param {{width: number, height: number}[]} pictures
   * @param {number} width Of the grid.
   */
  constructor(pictures, width) {
    this.width = width;
    const gap = width < 600 ? 4 : 8;
    const target = width < 600 ? 130 : Math.min(260, 150 + width / 20);
    let top = 0;
    let first = 0;
    let sum = 0;
    const finish = (end, height) => {
      this.#place(pictures, first, end, top, height, gap);
      top += Math.round(height) + gap;
      first = end;
      sum = 0;
    };
    for (let index = 0; index < pictures.length; index += 1) {
      sum += proportions(pictures[index]);
      const height = (width - gap * (index - first)) / sum;
      if (height <= target) finish(index + 1, height);
    }
    if (first < pictures.length) {
      const height = (width - gap * (pictures.length - first - 1)) / sum;
      finish(pictures.length, Math.min(height, target));
    }
    this.height = Math.max(0, top - gap);
  }

  /**
   * @param {number} index
   * @returns {{left: number, top: number, width: number, height: number}}
   */
  box(index) {
    const row = this.rows[this.#rowOf[index]];
    return { left: this.lefts[index], top: row.top, width: this.widths[index], height: row.height };
  }

  /**
   * The positions of the pictures in the rows that touch a range of heights.
   * @param {number} top
   * @param {number} bottom
   * @returns {{first: number, end: number}}
   */
  range(top, bottom) {
    if (!this.rows.length) return { first: 0, end: 0 };
    return { first: this.rows[this.#rowAt(top)].first, end: this.rows[this.#rowAt(bottom)].end };
  }

  /**
   * The position next to another one in a direction; the same where there is none.
   * @param {number} index
   * @param {"ArrowLeft"|"ArrowRight"|"ArrowUp"|"ArrowDown"} key
   * @returns {number}
   */
  neighbour(index, key) {
    if (key === "ArrowLeft") return Math.max(0, index - 1);
    if (key === "ArrowRight") return Math.min(this.lefts.length - 1, index + 1);
    const row = this.rows[this.#rowOf[index] + (key === "ArrowUp" ? -1 : 1)];
    if (!row) return index;
    const centre = this.lefts[index] + this.widths[index] / 2;
    let nearest = row.first;
    for (let other = row.first; other < row.end; other += 1) {
      if (this.lefts[other] > centre) break;
      nearest = other;
    }
    return nearest;
  }

  /** Rounds the edges rather than the widths, so that rows end exactly at the right edge. */
  #place(pictures, first, end, top, height, gap) {
    const row = this.rows.push({ top, height: Math.round(height), first, end }) - 1;
    let left = 0;
    for (let index = first; index < end; index += 1) {
      const right = left + proportions(pictures[index]) * height;
      this.lefts.push(Math.round(left));
      this.widths.push(Math.round(right) - Math.round(left));
      this.#rowOf.push(row);
      left = right + gap;
    }
  }

  /** The row at a height, by bisection. */
  #rowAt(height) {
    let low = 0;
    let high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.rows[middle].top <= height) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function proportions({ width, height }) {
  const ratio = width > 0 && height > 0 ? width / height : 4 / 3;
  return Math.min(WIDEST, Math.max(NARROWEST, ratio));
}
