// The seven steps beside the page: which one it is at, and what was sent and answered in each.

import { showExchange } from "./show.js";

const KEPT = 8;
const $ = (selector) => document.querySelector(selector);

/** One request and its answer, under its step; `step` "later" for what comes after the seven. */
export function record(step, exchange) {
  const place = step === "later" ? $("#later") : $(`#step-${step}`);
  place.hidden = false;
  let list = place.querySelector(".exchanges");
  if (!list) place.append((list = Object.assign(document.createElement("div"), { className: "exchanges" })));
  list.append(showExchange(exchange));
  while (list.childElementCount > KEPT) list.firstElementChild.remove();
}

/** state   now, done or failed */
export function mark(step, state) {
  $(`#step-${step}`).classList.remove("now", "done", "failed");
  $(`#step-${step}`).classList.add(state);
}

/** A no was said at step 3: what comes after it was never tried. */
export function markRefusal() {
  $("#step-6").classList.remove("now");
  mark(2, "done");
  mark(3, "now");
}

/** Whatever step it was at did not work. */
export function markFailure() {
  $("#timeline li.now")?.classList.replace("now", "failed");
  say("Something needs your attention");
}

/** The line at the top, which screen readers hear. */
export function say(text) {
  $("#status").textContent = text;
}
