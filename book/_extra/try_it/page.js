"use strict";

/* The page "Try it": shows what taste.js finds. Titles and names are put in as text, never as HTML. */
(() => {
  const TOP = 10, FOUND = 6, REASONS = 8;
  const BLOCKS = {
    text: "its synopsis", themes: "its themes", directors: "its directors", cast: "its cast",
    years: "its year", setting: "period, country and language", level: "how high you rate in general",
  };

  const model = taste.read(smallModel);
  const ratings = new Map(); // place of the film → stars
  const opened = new Set(); // films whose reasons are shown
  const at = (id) => document.getElementById(`try-it-${id}`);
  const name = (place) => {
    const { title, year } = model.films[place];
    return year === null ? title : `${title} (${year})`;
  };
  const signed = (value) => {
    const shown = Math.abs(value).toFixed(2);
    return shown === "0.00" ? shown : `${value < 0 ? "−" : "+"}${shown}`;
  };

  /** An element with attributes and children; strings become text. */
  function made(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  const hidden = (text) => made("span", { class: "try-it-unseen" }, text);

  /** A film with five stars to choose from: radio buttons, so that arrow keys work. */
  function row(place, where) {
    const stars = made("fieldset", { class: "try-it-stars" },
      made("legend", { class: "try-it-unseen" }, `Your rating of ${name(place)}`));
    for (let value = 1; value <= 5; value += 1) {
      const input = made("input", { type: "radio", name: `${where}-${place}`, value, id: `try-it-${where}-${place}-${value}` });
      input.checked = ratings.get(place) === value;
      input.addEventListener("change", () => rate(place, value));
      const lit = value <= (ratings.get(place) ?? 0) ? { class: "try-it-lit" } : {};
      stars.append(made("label", lit, input, made("span", { "aria-hidden": "true" }, "★"),
        hidden(value === 1 ? "1 star" : `${value} stars`)));
    }
    const item = made("li", {}, made("span", { class: "try-it-name" }, name(place)), stars);
    if (ratings.has(place)) {
      const forget = made("button", { type: "button", "aria-label": `Forget ${name(place)}`, title: "forget" }, "×");
      forget.addEventListener("click", () => {
        ratings.delete(place);
        show(`${name(place)} is forgotten.`);
        (at("rated").querySelector("button") ?? at("find")).focus();
      });
      item.append(forget);
    }
    return item;
  }

  function rate(place, stars) {
    ratings.set(place, stars);
    show(`${name(place)}: ${stars} of 5 stars.`);
    at(`rated-${place}-${stars}`).focus();
  }

  /** Films to rate: those whose titles hold what is typed, the most-rated first. */
  function showFound() {
    const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    const words = plain(at("find").value).split(/\s+/).filter(Boolean);
    const found = model.films.map((_, place) => place).filter(
      (place) => !ratings.has(place) && words.every((word) => plain(name(place)).includes(word)));
    at("found").replaceChildren(...found.slice(0, FOUND).map((place) => row(place, "found")));
    const rest = found.length - FOUND;
    at("more").textContent = !found.length
      ? `None of the ${model.films.length} films on this page has such a title.`
      : rest > 0 ? `and ${rest} more: type a part of a title` : "";
  }

  /** A rating between 1 and 5 as a point, and where it probably lies as a bar. */
  function gauge(prediction, [from, to]) {
    const share = (value) => `${((value - 1) / 4) * 100}%`;
    const bar = made("span", { class: "try-it-bar" });
    bar.style.left = share(from);
    bar.style.width = `${((to - from) / 4) * 100}%`;
    const point = made("span", { class: "try-it-point" });
    point.style.left = share(prediction);
    return made("span", { class: "try-it-gauge", "aria-hidden": "true" }, bar, point);
  }

  function reasons(person, film) {
    const added = person.contributions(film);
    const lower = person.differences(film);
    const order = added.map((_, j) => j).sort((a, b) => Math.abs(lower[b]) - Math.abs(lower[a]));
    const body = made("tbody", {});
    const line = (first, value, last = "") => body.append(made("tr", {},
      made("th", { scope: "row" }, ...first), made("td", {}, value), made("td", {}, last)));
    line(["what everybody thinks of it"], model.mean[film].toFixed(2));
    for (const j of order.slice(0, REASONS)) {
      const other = person.rated[j];
      const both = taste.shared(model.films[film], model.films[other]).flatMap(([, names]) => names);
      const common = both.length ? [made("small", {}, `both: ${both.slice(0, 4).join(", ")}`)] : [];
      const change = Math.abs(lower[j]).toFixed(2);
      line([`your ${"★".repeat(person.stars[j])} for ${name(other)}`, ...common], signed(added[j]),
        `${change} ${lower[j] < 0 ? "higher" : "lower"}`);
    }
    const rest = order.slice(REASONS);
    if (rest.length) {
      const sum = rest.reduce((all, j) => all + added[j], 0);
      line([`${rest.length} more of your films`], signed(sum));
    }
    line([made("strong", {}, "what you would rate it")], person.predictions[film].toFixed(2));
    const shares = person.shares(film);
    const told = added.reduce((all, value) => all + value, 0);
    const beyond = told - shares.reduce((all, [, value]) => all + value, 0);
    const parts = [...shares.map(([block, value]) => [BLOCKS[block] ?? block, value]),
      ["what people who rate like you say, beyond content", beyond]];
    parts.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    const words = parts.filter(([, value]) => Math.abs(value) >= 0.005).map(([what, value]) => `${what} ${signed(value)}`).join(", ");
    return [
      made("table", {}, made("thead", {}, made("tr", {}, made("td", {}),
        made("th", { scope: "col" }, "stars"), made("th", { scope: "col" }, "without it"))), body),
      made("p", {}, `Your films add ${signed(told)} in all. By what they have in common with this one: ${words}.`),
    ];
  }

  function recommendation(person, film) {
    const prediction = Math.min(Math.max(person.predictions[film], 1), 5);
    const [from, to] = taste.interval(model, person, film);
    const details = made("details", {}, made("summary", {}, "why", hidden(` ${name(film)}`)));
    const fill = () => details.children.length > 1 || details.append(...reasons(person, film));
    details.open = opened.has(film);
    if (details.open) fill();
    details.addEventListener("toggle", () => {
      opened[details.open ? "add" : "delete"](film);
      if (details.open) fill();
    });
    return made("li", {},
      made("span", { class: "try-it-name" }, name(film)),
      made("span", { class: "try-it-stated" }, hidden("predicted "), made("strong", {}, prediction.toFixed(1)),
        hidden(", with 80 % probability"), ` ${from.toFixed(1)}–${to.toFixed(1)}`),
      gauge(prediction, [from, to]), details);
  }

  function show(said = "") {
    const person = taste.visitor(model, ratings);
    const decade = at("decade").value;
    const theme = at("theme").value;
    const list = taste.listed(model, person, {
      top: TOP,
      themes: theme ? [theme] : [],
      years: decade ? decade.split("-").map((year) => (year ? Number(year) : null)) : [null, null],
      popularity: at("known").checked ? model.about.popularity : 0,
      diversity: model.about.diversity,
    });
    at("rated").replaceChildren(...[...ratings.keys()].reverse().map((place) => row(place, "rated")));
    at("none").hidden = ratings.size > 0;
    at("clear").hidden = !ratings.size;
    showFound();
    if (!said) opened.add(list[0]); // the first time
    at("list").replaceChildren(...list.map((film) => recommendation(person, film)));
    at("empty").hidden = list.length > 0;
    const first = list.length ? `First of your list: ${name(list[0])}.` : "";
    at("status").textContent = said && `${said} ${first}`;
  }

  const themes = [...new Set(model.films.flatMap((film) => film.themes))].sort();
  at("theme").append(...themes.map((theme) => made("option", { value: theme }, theme)));
  at("find").addEventListener("input", showFound);
  at("clear").addEventListener("click", () => {
    ratings.clear();
    show("All ratings are forgotten.");
    at("find").focus();
  });
  for (const id of ["theme", "decade", "known"]) at(id).addEventListener("change", () => show("The list has changed."));
  for (const [place, stars] of model.about.example) ratings.set(place, stars);
  show();
  at("app").hidden = false;
  at("picture").remove();
})();
