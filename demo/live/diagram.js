// The diagram: one row for each request and each answer, in the order in which they were made.

import { element } from "./dom.js";

const LANES = ["browser", "app", "broker", "provider"];
const NAMES = { browser: "Browser", app: "App", broker: "Broker", provider: "Provider" };
export const nameOf = (lane) => NAMES[lane];

export class Diagram {
  #rows = new Map(); // order -> row
  #exchanges = new Map(); // number -> brief

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
    this.list.replaceChildren();
  }

  /** Draw what is new of one exchange. */
  show(brief) {
    this.#exchanges.set(brief.number, brief);
    this.#draw(brief.asked, brief, false);
    if (brief.answered) this.#draw(brief.answered, brief, true);
  }

  select(number) {
    for (const row of this.#rows.values()) {
      const button = row.querySelector("button");
      button.setAttribute("aria-expanded", String(Number(button.dataset.number) === number));
    }
  }

  /** Put the focus on an arrow of an exchange. */
  focus(number) {
    const row = [...this.#rows.values()].find((one) => Number(one.querySelector("button").dataset.number) === number);
    row?.querySelector("button").focus();
  }

  #draw(order, brief, back) {
    if (this.#rows.has(order)) return;
    const row = element("li", "row", this.#arrow(brief, back));
    if (brief.attempt) row.classList.add("attempt");
    this.#rows.set(order, row);
    const after = [...this.#rows.keys()].filter((one) => one > order).sort((a, b) => a - b)[0];
    const near = this.#isNearEnd();
    this.list.insertBefore(row, after ? this.#rows.get(after) : null);
    if (near) row.scrollIntoView({ block: "nearest" });
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
    button.setAttribute("aria-label", this.#say(brief, back, from, to));
    button.append(element("span", "text", ...(back ? answerText(brief, failed) : askText(brief))), element("span", "line"));
    button.addEventListener("click", () => this.open(brief.number));
    return button;
  }

  #say(brief, back, from, to) {
    const way = `${brief.number}: ${NAMES[from]} ${back ? "answers" : "to"} ${NAMES[to]}`;
    const what = back ? [brief.answer, brief.reason, callsOf(brief)] : [`${brief.method} ${brief.path}`, brief.title];
    return [way, ...what].filter(Boolean).join(", ");
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
    const { scrollHeight, scrollTop, clientHeight } = document.scrollingElement;
    return scrollHeight - scrollTop - clientHeight < 240 && !this.list.contains(document.activeElement);
  }
}

function askText(brief) {
  return [
    element("span", "number", String(brief.number)),
    element("span", "title", brief.title || brief.path),
    element("code", "", `${brief.method} ${brief.path}`),
  ];
}

function answerText(brief, failed) {
  return [
    failed ? element("span", "stop", "✕") : "",
    element("code", "", brief.answer),
    brief.reason ? element("span", "why", brief.reason) : "",
    callsOf(brief) ? element("span", "calls", callsOf(brief)) : "",
  ].filter(Boolean);
}

export function callsOf(brief) {
  return Object.entries(brief.calls).map(([service, count]) => `${service} ${count}`).join(" · ");
}
