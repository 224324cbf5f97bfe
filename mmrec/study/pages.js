// What a reader of this page would meet: an expression that `pages.py` evaluates in every page.
(() => {
  const shown = (node) => node.checkVisibility() && node.getClientRects().length > 0;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const words = (text) => text.trim().replace(/\s+/g, " ").slice(0, 60);
  const picture = (image) => ({
    source: image.currentSrc || image.src,
    alt: image.getAttribute("alt"),
    hidden: image.closest("[aria-hidden=true]") !== null,
    scale: image.naturalWidth ? image.getBoundingClientRect().width / image.naturalWidth : 1,
    broken: image.complete && image.naturalWidth === 0,
  });
  const texts = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let smallest = { px: Infinity, text: "" };
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!node.data.trim() || parent.closest("mjx-container, script, style, noscript")) continue;
      if (!shown(parent)) continue;
      const svg = parent.closest("svg");
      const matrix = svg && parent.getScreenCTM ? parent.getScreenCTM() : null;
      const scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
      const px = parseFloat(getComputedStyle(parent).fontSize) * scale;
      if (px < smallest.px) smallest = { px, text: words(node.data) };
    }
    return smallest;
  };
  const root = document.documentElement;
  const beyond = root.scrollWidth - root.clientWidth;
  const wide = beyond <= 0 ? [] : all("body *").filter((node) => {
    if (node.getBoundingClientRect().right <= root.clientWidth + 1) return false;
    for (let above = node.parentElement; above && above !== document.body; above = above.parentElement)
      if (getComputedStyle(above).overflowX !== "visible") return false;
    return true;
  });
  return {
    description: document.querySelector("meta[name=description]")?.content ?? "",
    theme: root.dataset.theme,
    beyond,
    wide: wide.slice(0, 3).map((node) => node.tagName.toLowerCase() + " " + words(node.textContent)),
    scrolling: all(".bd-article pre")
      .filter((block) => block.scrollWidth > block.clientWidth + 1)
      .map((block) => words(block.textContent)),
    images: all("img").map(picture),
    smallest: texts(),
  };
})()
