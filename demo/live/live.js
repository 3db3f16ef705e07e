// The page: follows the stream, draws, and opens arrows.

import { offerAttacks } from "./breaking.js";
import { showDetails } from "./details.js";
import { Diagram } from "./diagram.js";
import { element } from "./dom.js";
import { saveAsHtml } from "./export.js";

const $ = (selector) => document.querySelector(selector);
const hint = $("#details").firstElementChild;
const diagram = new Diagram($("#diagram"), open);
let opened;

follow();
offerAttacks($("#attacks"), $("#outcome"), diagram, open);
$("#export-html").addEventListener("click", () => saveAsHtml(diagram));
$("#export").addEventListener("click", ({ target }) => {
  if (target.closest("a, button")) $("#export").open = false;
});
$("#forget").addEventListener("click", () => fetch("/forget", { method: "POST" }));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if ($("#export").open) $("#export").open = false;
  else if (opened) close();
});

function follow() {
  const events = new EventSource("/events");
  events.addEventListener("open", () => say("Watching"));
  events.addEventListener("error", () => say("The demo does not answer. Is it running?"));
  events.addEventListener("run", ({ data }) => {
    Object.assign($("#to-app"), { href: JSON.parse(data), hidden: false });
    diagram.clear();
    $("#outcome").replaceChildren();
    close();
    count();
  });
  events.addEventListener("exchange", ({ data }) => {
    const brief = JSON.parse(data);
    diagram.show(brief);
    count();
    if (opened === brief.number) open(brief.number, false);
  });
}

function say(text) {
  $("#state").textContent = text;
  $("#state").classList.toggle("on", text === "Watching");
}

function count() {
  const { length } = diagram.numbers;
  $("#empty").hidden = length > 0;
  $("#count").textContent = length ? `${length} ${length === 1 ? "request" : "requests"}` : "";
}

async function open(number, go = true) {
  const another = opened !== number;
  opened = number;
  diagram.select(number);
  const response = await fetch(`/exchanges/${number}`, { cache: "no-store" });
  if (opened !== number || !response.ok) return;
  const back = element("button", "close", "✕");
  back.setAttribute("aria-label", "Close");
  back.addEventListener("click", close);
  $("#details").replaceChildren(back, showDetails(await response.json(), open));
  $("#details").classList.add("open");
  if (another) $("#details").scrollTo(0, 0);
  if (go) $("#details").focus({ preventScroll: matchMedia("(min-width: 64rem)").matches });
}

function close() {
  const last = opened;
  opened = undefined;
  diagram.select(undefined);
  $("#details").classList.remove("open");
  $("#details").replaceChildren(hint);
  if (last) diagram.focus(last);
}
