// The diagram: one row for each request and each answer, in the order in which they were made.

import { element } from "./dom.js";

const LANES = ["browser", "app", "broker", "provider"];
const NAMES = { browser: "Browser", app: "App", broker: "Broker", provider: "Provider" };
export const nameOf = (lane) => NAMES[lane];

export class Diagram {
  #rows = new Map(); // order -> row
  #exchanges = new Map(); // number -> brief
  #attempts = new Set(); // names under which something was broken
  #titles = {}; // of attacks, by name

  /** open   called with the number of an exchange */
  constructor(list, open) {
    this.list = list;
    this.open = open;
    list.addEventListener("keydown", (event) => this.#move(event));
  }

  get numbers() {
    return [...this.#exchanges.keys()];
  }

  brief(number) {
    return this.#exchanges.get(number);
  }

  clear() {
    this.#rows.clear();
    this.#exchanges.clear();
    this.#attempts.clear();
    this.list.replaceChildren();
  }

  /** What an attempt is called, once the attacks are known. */
  title(attempt) {
    const [name] = attempt.split(".");
    return this.#titles[name] ?? name;
  }

  set titles(titles) {
    this.#titles = titles;
  }

  /** Draw what is new of one exchange. */
  show(brief) {
    this.#exchanges.set(brief.number, brief);
    this.#draw(brief.asked, brief, false);
    if (brief.answered) this.#draw(brief.answered, brief, true);
  }

  select(number) {
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-expanded", String(Number(button.dataset.number) === number));
    }
  }

  /** Put the focus on an arrow of an exchange. */
  focus(number) {
    this.list.querySelector(`button[data-number="${number}"]`)?.focus();
  }

  /** Scroll an answer into sight; the focus stays. */
  reveal(number) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.list.querySelector(`.back[data-number="${number}"]`)?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  }

  #draw(order, brief, back) {
    if (this.#rows.has(order)) return;
    const near = this.#isNearEnd();
    if (brief.attempt && !this.#attempts.has(brief.attempt)) {
      this.#attempts.add(brief.attempt);
      this.#place(order - 0.5, element("li", "row heading", element("span", "", `Broken: ${this.title(brief.attempt)}`)));
    }
    const row = element("li", brief.attempt ? "row attempt" : "row", this.#arrow(brief, back));
    this.#place(order, row);
    if (near) row.scrollIntoView({ block: "nearest" });
  }

  #place(order, row) {
    const after = [...this.#rows.keys()].filter((one) => one > order).sort((a, b) => a - b)[0];
    this.#rows.set(order, row);
    this.list.insertBefore(row, after ? this.#rows.get(after) : null);
  }

  #arrow(brief, back) {
    const [from, to] = back ? [brief.callee, brief.caller] : [brief.caller, brief.callee];
    const failed = back && brief.state === "failed";
    const button = element("button", `arrow ${back ? "back" : "ask"}`);
    if (failed) button.classList.add("failed");
    const [a, b] = [LANES.indexOf(from), LANES.indexOf(to)];
    Object.assign(button.dataset, { number: brief.number, from: a, to: b, way: a < b ? "right" : "left", party: brief.party });
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", "details");
    const way = `${NAMES[from]} ${back ? `answers ${brief.number} to` : "to"} ${NAMES[to]}: `;
    const text = back ? answerText(brief, failed) : askText(brief);
    button.append(element("span", "text", element("span", "unseen", way), ...text), element("span", "line"));
    button.addEventListener("click", () => this.open(brief.number));
    return button;
  }

  /** Up and down go from arrow to arrow; Tab goes past them one by one as well. */
  #move(event) {
    const buttons = [...this.list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (next === undefined || !buttons[next]) return;
    event.preventDefault();
    buttons[next].focus();
  }

  #isNearEnd() {
    const frame = this.list.parentElement;
    const scroller = getComputedStyle(frame).overflowY === "auto" ? frame : document.scrollingElement;
    const { scrollHeight, scrollTop, clientHeight } = scroller;
    return scrollHeight - scrollTop - clientHeight < 240 && !this.list.contains(document.activeElement);
  }
}

function askText(brief) {
  return [
    element("span", "number", String(brief.number)), " ",
    element("span", "title", brief.title || brief.path), " ",
    element("code", "", `${brief.method} ${brief.path}`),
  ];
}

function answerText(brief, failed) {
  return [
    failed ? element("span", "stop", "✕ ") : "",
    element("code", "", brief.answer), " ",
    brief.reason ? element("span", "why", brief.reason) : "", " ",
    callsOf(brief) ? element("span", "calls", callsOf(brief)) : "",
  ];
}

function callsOf(brief) {
  return Object.entries(brief.calls).map(([service, count]) => `${service} ${count}`).join(" · ");
}
