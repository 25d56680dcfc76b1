// What a person would check by eye, for every element that shows: contrast, labels, headings, names.
(() => {
  const wrong = [];
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(one).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const isShown = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 0;
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || !isShown(element)) continue;
    const style = getComputedStyle(element);
    const found = ratio(light(parse(style.color)), light(ground(element)));
    if (found < 4.5) wrong.push(`contrast ${found.toFixed(2)} of "${text.data.trim().slice(0, 40)}"`);
  }
  // Shapes that mean something need 3 to 1 (WCAG 1.4.11).
  for (const mark of document.querySelectorAll(".mark, .grid a")) {
    if (!isShown(mark)) continue;
    const tone = document.createElement("span");
    tone.style.color = getComputedStyle(mark).getPropertyValue("--tone");
    document.body.append(tone);
    const found = ratio(light(parse(getComputedStyle(tone).color)), light(ground(mark.parentElement)));
    tone.remove();
    if (found < 3) wrong.push(`contrast ${found.toFixed(2)} of a mark ${mark.className}`);
  }
  for (const field of document.querySelectorAll("input, select")) if (!field.labels.length) wrong.push(`no label: ${field.name}`);
  for (const link of document.querySelectorAll("a, button, summary")) {
    if (!(link.textContent.trim() || link.title || link.ariaLabel)) wrong.push(`no name: ${link.outerHTML.slice(0, 80)}`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`h${next} after h${level}: ${heading.textContent}`);
    level = next;
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  for (const landmark of ["header", "nav", "main", "footer"]) if (!document.querySelector(landmark)) wrong.push(`no ${landmark}`);
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) wrong.push(`id twice: ${id}`);
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`scrolls sideways: ${document.documentElement.scrollWidth} in ${innerWidth}`);
  return wrong;
})();
