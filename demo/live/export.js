// The picture as one HTML file: no script, nothing from outside, every arrow a link to what it holds.

import { showDetails } from "./details.js";
import { element } from "./dom.js";

const INTRO = "A sign-in through the token broker, as it was captured. Secrets are cut to their first characters; each arrow opens.";

/** Ask for everything that is drawn, put it into one document, and save it. */
export async function saveAsHtml(diagram) {
  const opened = await Promise.all(diagram.numbers.map(async (number) => (await fetch(`/exchanges/${number}`)).json()));
  const styles = await Promise.all(["/theme.css", "/style.css"].map(async (path) => (await fetch(path)).text()));
  const page = build(opened).outerHTML.replace("</head>", () => `<style>\n${styles.join("\n")}</style>\n</head>`);
  const file = new Blob([`<!doctype html>\n${page}\n`], { type: "text/html" });
  const save = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: "sign-in.html" });
  save.click();
  setTimeout(() => URL.revokeObjectURL(save.href), 10_000);
}

function build(opened) {
  const page = document.implementation.createHTMLDocument("A sign-in through the token broker");
  const meta = { charset: "utf-8" };
  page.documentElement.lang = "en";
  page.head.prepend(tag("meta", meta), tag("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }), tag("meta", { name: "color-scheme", content: "light dark" }), tag("meta", { "http-equiv": "Content-Security-Policy", content: "default-src 'none'; style-src 'unsafe-inline'" }));
  const left = element("section", "left", document.querySelector(".frame").cloneNode(true));
  left.querySelector("#empty").remove();
  const articles = opened.map((one) => {
    const article = showDetails(one, () => undefined);
    article.id = `exchange-${one.number}`;
    for (const named of article.querySelectorAll("[id]")) named.removeAttribute("id");
    for (const input of article.querySelectorAll("input")) input.setAttribute("value", input.value);
    return article;
  });
  const right = element("aside", "right", ...articles, element("p", "quiet", "Choose an arrow: what it holds is shown here."));
  page.body.append(element("header", "bar", element("h1", "", "A sign-in"), element("p", "quiet", INTRO)), element("main", "", left, right));
  for (const button of page.querySelectorAll("button")) button.replaceWith(asLink(button));
  return page.documentElement;
}

/** An arrow, or the name of one, as a link within the file. */
function asLink(button) {
  const number = button.dataset.number ?? button.textContent.replace(/\D/g, "");
  const made = tag("a", { class: button.className, href: `#exchange-${number}` });
  for (const name of ["from", "to", "way"]) if (name in button.dataset) made.dataset[name] = button.dataset[name];
  made.append(...button.childNodes);
  return made;
}

function tag(name, attributes) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
