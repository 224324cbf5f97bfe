"use strict";

/* The page "Map of the films": what plane.js draws, in words and lists. Titles are put in as text, never as HTML. */
(() => {
  const FOUND = 6;
  const SPACES = {
    text: ["text", "the words of their summaries", "no summary of it"],
    pictures: ["pictures", "their posters or trailers", "no poster and no trailer of it"],
    sound: ["sound", "the sound of their trailers", "no sound of it"],
    facts: ["facts", "genres, directors, cast and years", "a fact about it is missing"],
    encyclopedia: ["encyclopedia", "their place in an encyclopedia", "no entry on it"],
    taste: ["taste", "what people like alike", "no rating of it"],
  };

  const { films, spaces, groups, example } = filmMap;
  const at = (id) => document.getElementById(`film-map-${id}`);
  const title = (film) => films[film].title;
  const name = (film) => `${films[film].title} (${films[film].year})`;
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  const groupOf = {};
  for (const [group, { themes }] of Object.entries(groups)) for (const theme of themes) groupOf[theme] = group;
  const group = (film) => groupOf[films[film].themes[0]];

  let space = Object.keys(spaces)[0], film = example, only = null;

  /** An element with attributes and children; strings become text. */
  function made(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  const drawing = "http://www.w3.org/2000/svg";
  /** A group's mark, as the plane draws it. */
  function mark(of) {
    const svg = document.createElementNS(drawing, "svg"), path = document.createElementNS(drawing, "path");
    for (const [key, value] of Object.entries({ viewBox: "-1.6 -1.6 3.2 3.2", class: "film-map-mark", "aria-hidden": "true" }))
      svg.setAttribute(key, value);
    path.setAttribute("d", groups[of].mark);
    path.setAttribute("fill", groups[of].colour);
    svg.append(path);
    return svg;
  }

  const plane = dotPlane.create(at("plane"), {
    marks: Object.fromEntries(Object.entries(groups).map(([of, { mark: path }]) => [of, path])),
    colours: Object.fromEntries(Object.entries(groups).map(([of, { colour }]) => [of, colour])),
    name: title,
    picked: choose,
    pointed(id, x, y) {
      const tip = at("tip");
      tip.hidden = id === null;
      if (tip.hidden) return;
      tip.replaceChildren(made("strong", {}, name(id)), made("span", {}, films[id].themes.join(", ")));
      const frame = at("plane").getBoundingClientRect(), box = tip.getBoundingClientRect();
      tip.style.left = `${Math.min(Math.max(0, x - box.width / 2), frame.width - box.width)}px`;
      tip.style.top = `${y > box.height + 14 ? y - box.height - 12 : y + 14}px`;
    },
  });

  /** A film to choose, with what stands beside it. */
  function choice(of, ...beside) {
    const button = made("button", { type: "button" }, mark(group(of)), made("span", { class: "film-map-name" }, name(of)), ...beside);
    button.addEventListener("click", () => {
      forget();
      choose(of);
      at("film").focus();
    });
    return made("li", {}, button);
  }

  function choose(next) {
    film = next;
    show(null);
  }

  /** Films whose titles hold what is typed, the most-rated first. */
  function showFound() {
    const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    const words = plain(at("find").value).split(/\s+/).filter(Boolean);
    const found = words.length
      ? films.map((_, place) => place).filter((place) => words.every((word) => plain(name(place)).includes(word))) : [];
    at("found").replaceChildren(...found.slice(0, FOUND).map((one) => choice(one)));
    const rest = found.length - FOUND;
    at("more").textContent = words.length && !found.length ? `None of the ${films.length} films on this page has such a title.`
      : rest > 0 ? `and ${rest} more: type more of the title` : "";
    return found;
  }

  function forget() {
    at("find").value = "";
    showFound();
  }

  /** Shows the film in the space; dots are given anew if the space has changed. */
  function show(dots) {
    const { films: there, nearest, cosines, source, kept, alike } = spaces[space];
    const [label, of, lacking] = SPACES[space] ?? [space, space, "nothing known of it"];
    const row = there.indexOf(film);
    const near = row < 0 ? [] : nearest[row];
    at("film").textContent = name(film);
    at("themes").textContent = films[film].themes.join(", ");
    at("nearest").textContent = `Nearest by ${label}`;
    at("near").replaceChildren(...near.map((other, place) => {
      const both = films[other].themes.filter((theme) => films[film].themes.includes(theme));
      const shared = both.length ? [made("small", {}, `both: ${both.join(", ")}`)] : [];
      const cosine = made("span", { class: "film-map-cosine" }, made("span", { class: "film-map-unseen" }, "cosine "), cosines[row][place].toFixed(2));
      return choice(other, cosine, ...shared);
    }));
    at("lacking").hidden = row >= 0;
    at("lacking").textContent = `It is not on this map: ${lacking}.`;
    at("about").textContent = `${there.length.toLocaleString("en")} of ${films.length.toLocaleString("en")} films, by ${of} (${source}). `
      + `Of a film's ten nearest, ${percent(kept)} are among the ten nearest dots as well. `
      + `${percent(alike[0])} of the ten have a theme in common with it; of any other films, ${percent(alike[1])}.`;
    at("status").textContent = near.length
      ? `${name(film)}: ${films[film].themes.join(", ")}. Nearest by ${label}: ${near.slice(0, 3).map(name).join(", ")}.`
      : `${name(film)} is not on the map of ${label}.`;
    plane.show(dots, row < 0 ? null : film, near, only);
  }

  const dotsOf = (of) => spaces[of].films.map((id, row) => (
    { id, group: group(id), x: spaces[of].points[row][0], y: spaces[of].points[row][1] }));

  for (const one of Object.keys(spaces)) {
    const input = made("input", { type: "radio", name: "film-map-space", value: one });
    input.checked = one === space;
    input.addEventListener("change", () => {
      space = one;
      show(dotsOf(one));
    });
    at("spaces").append(made("label", {}, input, made("span", {}, (SPACES[one] ?? [one])[0])));
  }
  for (const one of Object.keys(groups)) {
    const button = made("button", { type: "button", "aria-pressed": "false" }, mark(one), one);
    button.addEventListener("click", () => {
      only = only === one ? null : one;
      for (const other of at("groups").querySelectorAll("button"))
        other.setAttribute("aria-pressed", String(other === button && only !== null));
      show(null);
    });
    at("groups").append(made("li", {}, button));
  }
  at("find").addEventListener("input", showFound);
  at("find").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const [first] = showFound();
    if (first === undefined) return;
    forget();
    choose(first);
  });
  at("nearer").addEventListener("click", plane.nearer);
  at("farther").addEventListener("click", plane.farther);
  at("whole").addEventListener("click", plane.whole);

  at("app").hidden = false;
  at("picture").remove();
  plane.measure();
  show(dotsOf(space));
})();
