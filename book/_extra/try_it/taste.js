"use strict";

/* What the small model expects of a visitor who has rated some films: one small linear solve.
 *
 * The same numbers as mmrec/recommending/page.py (SmallModel), people.py (Person) and lists.py,
 * which a test compares. Nothing here knows of a web page. */
globalThis.taste = (() => {
  const LEAST = 1, MOST = 5;
  const POOL = 10; // films looked at for each place of a list

  const dot = (a, b) => {
    let sum = 0;
    for (let k = 0; k < a.length; k += 1) sum += a[k] * b[k];
    return sum;
  };

  /** A matrix of 16-bit integers in base64, as rows of numbers. */
  function unpacked({ step, data }, rank) {
    const bytes = Uint8Array.from(atob(data), (mark) => mark.charCodeAt(0));
    const whole = new DataView(bytes.buffer);
    const row = (at) =>
      Float64Array.from({ length: rank }, (_, k) => whole.getInt16(at + 2 * k, true) * step);
    return Array.from({ length: bytes.length / (2 * rank) }, (_, film) => row(2 * rank * film));
  }

  /** The model of a file: as the file has it, but matrices as rows of numbers. */
  function read(file) {
    const factor = unpacked(file.factor, file.rank);
    const blocks = Object.entries(file.blocks).map(([name, part]) => [
      name,
      unpacked(part, file.rank),
    ]);
    return { ...file, factor, blocks };
  }

  /** Inverse of a symmetric positive definite matrix, by Cholesky's L: rows of L⁻ᵀL⁻¹. */
  function inverse(matrix) {
    const n = matrix.length;
    const low = matrix.map(() => new Float64Array(n));
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j <= i; j += 1) {
        let rest = matrix[i][j];
        for (let k = 0; k < j; k += 1) rest -= low[i][k] * low[j][k];
        low[i][j] = i === j ? Math.sqrt(rest) : rest / low[j][j];
      }
    }
    const columns = matrix.map((_, c) => {
      const x = new Float64Array(n);
      for (let i = c; i < n; i += 1) {
        let rest = i === c ? 1 : 0;
        for (let k = c; k < i; k += 1) rest -= low[i][k] * x[k];
        x[i] = rest / low[i][i];
      }
      for (let i = n - 1; i >= 0; i -= 1) {
        let rest = x[i];
        for (let k = i + 1; k < n; k += 1) rest -= low[k][i] * x[k];
        x[i] = rest / low[i][i];
      }
      return x;
    });
    return columns; // symmetric: its columns are its rows
  }

  /** What is expected of a visitor.
   *
   * @param model what read() returned
   * @param ratings [[place of the film, stars], …]
   */
  function visitor(model, ratings) {
    const given = [...ratings].sort((a, b) => a[0] - b[0]);
    const rated = given.map(([place]) => place);
    const { factor, diagonal, mean, noise } = model;
    const between = (one, other) =>
      dot(factor[one], factor[other]) + (one === other ? diagonal[one] : 0);
    const covariance = mean.map((_, film) => rated.map((other) => between(film, other)));
    const back = inverse(
      rated.map((film, i) => covariance[film].map((value, j) => value + (i === j ? noise : 0))),
    );
    const surprise = given.map(([place, stars]) => stars - mean[place]);
    const coefficients = back.map((row) => dot(row, surprise));
    const predictions = mean.map((value, film) => value + dot(covariance[film], coefficients));
    const told = (one, other) => dot(covariance[one], back.map((row) => dot(row, covariance[other])));
    const sds = mean.map((_, film) =>
      Math.sqrt(noise + Math.max(between(film, film) - told(film, film), 0)),
    );
    const pulled = Float64Array.from({ length: model.rank }, (_, k) =>
      rated.reduce((sum, film, j) => sum + factor[film][k] * coefficients[j], 0),
    );
    return {
      rated,
      stars: given.map(([, stars]) => stars),
      predictions,
      sds,
      /** What each rating adds to a prediction: with the film's mean they add up to it. */
      contributions: (film) => covariance[film].map((value, j) => value * coefficients[j]),
      /** By how much a prediction would be lower without each rating. */
      differences: (film) =>
        back.map((row, j) => (dot(row, covariance[film]) * coefficients[j]) / row[j]),
      /** What each block of content adds to a prediction: [[name, stars], …]. */
      shares: (film) => model.blocks.map(([name, rows]) => [name, dot(rows[film], pulled)]),
      /** Correlation of what the visitor thinks of some films, given the ratings. */
      correlation: (films) => {
        const left = films.map((one) => films.map((other) => between(one, other) - told(one, other)));
        const scale = left.map((row, i) => Math.sqrt(Math.max(row[i], 1e-12)));
        return left.map((row, i) => row.map((value, j) => value / (scale[i] * scale[j])));
      },
    };
  }

  /** Where a rating lies with one of the probabilities 0.5, 0.8 and 0.95, kept to the scale. */
  function interval(model, person, film, level = 1) {
    const reach = model.about.reach[level] * person.sds[film];
    const kept = (value) => Math.min(Math.max(value, LEAST), MOST);
    return [kept(person.predictions[film] - reach), kept(person.predictions[film] + reach)];
  }

  function fits(film, { themes = [], years = [null, null] }) {
    const [first, last] = years;
    const inYears =
      film.year === null
        ? first === null && last === null
        : (first === null || first <= film.year) && (last === null || film.year <= last);
    return inYears && (!themes.length || themes.some((theme) => film.themes.includes(theme)));
  }

  /** Each place goes to the best film, its likeness to those listed before taken off. */
  function diversified(score, correlation, diversity, top) {
    const chosen = [];
    const likest = score.map(() => 0);
    while (chosen.length < Math.min(top, score.length)) {
      let best = -1;
      let most = -Infinity;
      score.forEach((value, i) => {
        const worth = value - diversity * likest[i];
        if (!chosen.includes(i) && worth > most) [best, most] = [i, worth];
      });
      chosen.push(best);
      correlation[best].forEach((value, i) => { likest[i] = Math.max(likest[i], value); });
    }
    return chosen;
  }

  /** Places of the films of a list, best first; wish: top, themes, years, popularity, diversity. */
  function listed(model, person, wish) {
    const score = person.predictions.map(
      (value, film) => value + wish.popularity * model.popularity[film],
    );
    const pool = score
      .map((_, film) => film)
      .filter((film) => !person.rated.includes(film) && fits(model.films[film], wish))
      .sort((a, b) => score[b] - score[a])
      .slice(0, POOL * wish.top);
    if (!wish.diversity || pool.length < 2) return pool.slice(0, wish.top);
    const order = diversified(
      pool.map((film) => score[film]), person.correlation(pool), wish.diversity, wish.top,
    );
    return order.map((place) => pool[place]);
  }

  /** What two films have in common: [[what, names], …]. */
  function shared(one, other) {
    const facts = ["directors", "cast", "themes"].map((what) => [
      what,
      one[what].filter((name) => other[what].includes(name)),
    ]);
    return facts.filter(([, names]) => names.length);
  }

  return { read, visitor, interval, listed, shared };
})();
