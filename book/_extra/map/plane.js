"use strict";

/* A plane of dots on a canvas: places, looks, moves, and what pointer and keys mean. It knows nothing of films. */
const dotPlane = (() => {
  const MARGIN = 16, SIZE = 4.2, HOVER = 14, TAP = 24, CLOSEST = 12, STEP = 1.6, DURATION = 500;
  const FONT = 12, GAP = 4, AREA = 9000; // pixels, the last one for each name at most
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * A plane in an element that holds a canvas.
   *
   * marks: outlines by group, of a unit's size. colours: their colours by group.
   * name(id): what a dot is called. picked(id), pointed(id or null, x, y): called when it happens.
   */
  function create(frame, { marks, colours, name, picked, pointed }) {
    const canvas = frame.querySelector("canvas");
    const pen = canvas.getContext("2d");
    const outlines = Object.fromEntries(Object.entries(marks).map(([group, path]) => [group, new Path2D(path)]));
    let dots = []; // id, group, x, y, and where it comes from: fromX, fromY
    let shown = { chosen: null, near: [], only: null };
    let width = 1, height = 1, zoom = 1, centre = { x: 0, y: 0 }, moved = 1, start = 0;

    // Where a dot is, in pixels of the frame.
    const unit = () => (Math.min(width, height) / 2 - MARGIN) * zoom;
    const now = (from, to) => from + (to - from) * moved;
    const across = (dot) => width / 2 + (now(dot.fromX, dot.x) - centre.x) * unit();
    const down = (dot) => height / 2 - (now(dot.fromY, dot.y) - centre.y) * unit();

    function mark(dot, size, faded) {
      pen.save();
      pen.globalAlpha = faded ? 0.14 : 1;
      pen.translate(across(dot), down(dot));
      pen.scale(size, size);
      pen.fillStyle = colours[dot.group];
      pen.fill(outlines[dot.group]);
      pen.lineWidth = 0.7 / size;
      pen.stroke(outlines[dot.group]);
      pen.restore();
    }

    /** Words with a halo, so that they can be read on dots. */
    function words(text, x, y, ink, paper) {
      pen.lineWidth = 4;
      pen.lineJoin = "round";
      pen.strokeStyle = paper;
      pen.strokeText(text, x, y);
      pen.fillStyle = ink;
      pen.fillText(text, x, y);
    }

    /** Names beside their dots, as many as find room on one of the four sides; those that come first have it. */
    function labels(list, taken, style) {
      for (const { dot, text, size, needed } of list) {
        const x = across(dot), y = down(dot), long = pen.measureText(text).width;
        if (x < 0 || x > width || y < 0 || y > height) continue;
        const sides = [[x + size + GAP, y], [x - size - GAP - long, y], [x - long / 2, y - size - GAP - FONT / 2],
          [x - long / 2, y + size + GAP + FONT / 2]];
        const boxes = sides.map(([left, middle]) => [left - 2, middle - FONT / 2 - 2, left + long + 2, middle + FONT / 2 + 2]);
        const free = (box) => box[0] >= 0 && box[2] <= width && box[1] >= 0 && box[3] <= height
          && !taken.some((one) => box[0] < one[2] && one[0] < box[2] && box[1] < one[3] && one[1] < box[3]);
        const side = boxes.findIndex(free);
        if (side < 0 && !needed) continue;
        const [left, middle] = sides[Math.max(side, 0)];
        taken.push(boxes[Math.max(side, 0)]);
        words(text, left, middle, style.ink, style.paper);
      }
    }

    function draw() {
      const looks = getComputedStyle(frame);
      const style = { ink: looks.getPropertyValue("--map-ink"), paper: looks.getPropertyValue("--map-paper"),
        line: looks.getPropertyValue("--map-line") };
      const scale = devicePixelRatio || 1;
      pen.setTransform(scale, 0, 0, scale, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.font = `${FONT}px ${looks.fontFamily}`;
      pen.textBaseline = "middle";
      const size = SIZE * Math.min(1.5, zoom ** 0.4) * (width < 480 ? 0.7 : 1);
      const near = new Set(shown.near);
      const faded = (dot) => shown.only !== null && dot.group !== shown.only;
      const chosen = dots.find((dot) => dot.id === shown.chosen);
      pen.strokeStyle = style.ink;
      for (const dot of dots) if (faded(dot)) mark(dot, size, true);
      for (const dot of dots) if (!faded(dot) && !near.has(dot.id)) mark(dot, size, false);
      if (chosen) {
        const neighbours = dots.filter((dot) => near.has(dot.id));
        pen.strokeStyle = style.line;
        pen.lineWidth = 1.5;
        for (const dot of neighbours) {
          pen.beginPath();
          pen.moveTo(across(chosen), down(chosen));
          pen.lineTo(across(dot), down(dot));
          pen.stroke();
        }
        pen.strokeStyle = style.ink;
        for (const dot of neighbours) mark(dot, size * 1.25, false);
        mark(chosen, size * 1.7, false);
        pen.beginPath();
        pen.arc(across(chosen), down(chosen), size * 1.7 + 4, 0, 2 * Math.PI);
        pen.lineWidth = 2;
        pen.stroke();
      }
      if (moved < 1) return; // names of dots under way cannot be read
      const taken = [];
      const first = chosen ? [{ dot: chosen, text: name(chosen.id), size: size * 1.7 + 4, needed: true }] : [];
      const numbers = (chosen ? shown.near : []).map((id, place) => (
        { dot: dots.find((dot) => dot.id === id), text: String(place + 1), size: size * 1.25 }));
      pen.font = `bold ${pen.font}`;
      labels([...first, ...numbers], taken, style);
      pen.font = `${FONT}px ${looks.fontFamily}`;
      const others = dots.filter((dot) => !faded(dot) && dot !== chosen && !near.has(dot.id));
      // Names of the first dots in view, so that there are more of them the closer one looks.
      const inside = others.filter((dot) => across(dot) > 0 && across(dot) < width && down(dot) > 0 && down(dot) < height);
      labels(inside.slice(0, Math.round((width * height) / AREA)).map((dot) => ({ dot, text: name(dot.id), size })), taken, style);
    }

    function step(time) {
      moved = Math.min(1, (time - start) / DURATION);
      draw();
      if (moved < 1) requestAnimationFrame(step);
    }

    /** Shows dots (id, group, x, y) with one chosen, those near it, and one group alone or null. */
    function show(given, chosen, near, only) {
      shown = { chosen, near, only };
      if (given !== null) {
        const before = new Map(dots.map((dot) => [dot.id, dot]));
        dots = given.map((dot) => {
          const old = before.get(dot.id) ?? dot;
          return { ...dot, fromX: old.x, fromY: old.y };
        });
        moved = before.size && !still.matches ? 0 : 1;
        if (moved < 1) requestAnimationFrame((time) => { start = time; step(time); });
      }
      const target = dots.find((dot) => dot.id === chosen);
      if (target && zoom > 1 && !inView(target)) look(zoom, target.x, target.y);
      else draw();
    }

    function inView(dot) {
      const x = width / 2 + (dot.x - centre.x) * unit(), y = height / 2 - (dot.y - centre.y) * unit();
      return x > MARGIN && x < width - MARGIN && y > MARGIN && y < height - MARGIN;
    }

    /** Looks at a point of the plane from as near as that. */
    function look(closer, x, y) {
      zoom = Math.min(CLOSEST, Math.max(1, closer));
      const most = 1 - 1 / zoom;
      const within = (value) => Math.min(most, Math.max(-most, value));
      centre = { x: within(x), y: within(y) };
      frame.classList.toggle("film-map-closer", zoom > 1);
      pointed(null, 0, 0);
      draw();
    }

    /** Looks nearer by a factor; what lies at a place of the frame stays there. */
    function nearer(factor, x = width / 2, y = height / 2) {
      const next = Math.min(CLOSEST, Math.max(1, zoom * factor)), by = unit();
      const there = { x: centre.x + (x - width / 2) / by, y: centre.y - (y - height / 2) / by };
      const after = (by / zoom) * next;
      look(next, there.x - (x - width / 2) / after, there.y + (y - height / 2) / after);
    }

    /** The dot nearest to a place of the frame, within a reach, or null. */
    function under(x, y, reach) {
      let best = null, least = reach * reach;
      for (const dot of dots) {
        if (shown.only !== null && dot.group !== shown.only && dot.id !== shown.chosen && !shown.near.includes(dot.id)) continue;
        const apart = (across(dot) - x) ** 2 + (down(dot) - y) ** 2;
        if (apart < least) [best, least] = [dot, apart];
      }
      return best;
    }

    /** The dot that comes next in a direction, the straighter ahead the sooner. */
    function towards(dx, dy) {
      const from = dots.find((dot) => dot.id === shown.chosen) ?? { x: centre.x, y: centre.y };
      let best = null, least = Infinity;
      for (const dot of dots) {
        const x = dot.x - from.x, y = dot.y - from.y, ahead = x * dx + y * dy;
        if (ahead <= 0 || Math.abs(x * dy - y * dx) > ahead || dot.id === shown.chosen) continue;
        const cost = (x * x + y * y) / ahead;
        if (cost < least) [best, least] = [dot, cost];
      }
      return best;
    }

    const pressed = new Map(); // pointer → where it is
    let travelled = 0;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      if (!pressed.size) travelled = 0;
      pressed.set(event.pointerId, place(event));
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const to = place(event), from = pressed.get(event.pointerId);
      if (!from) {
        if (event.pointerType === "touch") return;
        const dot = under(to.x, to.y, HOVER);
        canvas.style.cursor = dot ? "pointer" : "";
        pointed(dot?.id ?? null, dot ? across(dot) : 0, dot ? down(dot) : 0);
        return;
      }
      travelled += Math.hypot(to.x - from.x, to.y - from.y);
      const others = [...pressed].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      pressed.set(event.pointerId, to);
      if (others.length === 1) {
        const [other] = others;
        const ratio = Math.hypot(to.x - other.x, to.y - other.y) / (Math.hypot(from.x - other.x, from.y - other.y) || 1);
        nearer(ratio, (to.x + other.x) / 2, (to.y + other.y) / 2);
      } else if (zoom > 1 && travelled > 4) {
        look(zoom, centre.x - (to.x - from.x) / unit(), centre.y + (to.y - from.y) / unit());
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      const at = pressed.get(event.pointerId);
      if (pressed.delete(event.pointerId) && !pressed.size && travelled < 8) {
        const dot = under(at.x, at.y, event.pointerType === "touch" ? TAP : HOVER);
        if (dot) picked(dot.id);
      }
    });
    canvas.addEventListener("pointercancel", (event) => pressed.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => pointed(null, 0, 0));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      const { x, y } = place(event);
      nearer(Math.exp(-event.deltaY / 200), x, y);
    }, { passive: false });
    frame.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      const looks = { "+": () => nearer(STEP), "=": () => nearer(STEP), "-": () => nearer(1 / STEP), 0: () => look(1, 0, 0) };
      if (event.key in ways) {
        const dot = towards(...ways[event.key]);
        if (dot) picked(dot.id);
      } else if (event.key in looks) looks[event.key]();
      else return;
      event.preventDefault();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") pointed(null, 0, 0);
    });

    function measure() {
      const box = canvas.getBoundingClientRect(), scale = devicePixelRatio || 1;
      if (!box.width) return;
      [width, height] = [box.width, box.height];
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      draw();
    }
    new ResizeObserver(measure).observe(canvas);
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });

    return { show, measure, nearer: () => nearer(STEP), farther: () => nearer(1 / STEP), whole: () => look(1, 0, 0) };
  }

  return { create };
})();
