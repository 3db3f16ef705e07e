// The buttons that break something: what each did is read from the broker's own log, and its arrow is opened.

import { element } from "./dom.js";

/** One button for each attack; `open` opens an exchange by its number, and moves there where asked to. */
export async function offerAttacks(place, outcome, diagram, open) {
  const attacks = await (await fetch("/attacks")).json();
  diagram.titles = Object.fromEntries(attacks.map(({ name, title }) => [name, title]));
  place.replaceChildren(...attacks.map(({ name, title, says }) => {
    const button = Object.assign(element("button", "", title), { title: says });
    button.addEventListener("click", () => run(name, title));
    return button;
  }));

  async function run(name, title) {
    const focused = document.activeElement;
    for (const one of place.children) one.disabled = true;
    try {
      const answer = await fetch(`/attacks/${name}`, { method: "POST" });
      if (!answer.ok) throw new Error(String(answer.status));
      show(title, await answer.json());
    } catch {
      say("open", element("p", "", element("b", "", title), ": it could not be tried. Is the demo running?"));
    }
    for (const one of place.children) one.disabled = false;
    focused?.focus({ preventScroll: true }); // a button that was off has lost it
  }

  function show(title, { stopped, number, check, told, requests }) {
    if (!stopped) {
      say("open", element("p", "", element("b", "", `Nothing stopped it (${title}): `), `${requests} requests, and none was refused.`));
      return;
    }
    const to = element("button", "", `Show arrow ${number}`);
    to.addEventListener("click", () => open(number));
    say("", element("p", "", element("b", "", "Stopped: "), `“${check}” did not hold. Told: ${told}.`), to);
    if (matchMedia("(min-width: 64rem)").matches) {
      open(number, false);
      diagram.reveal(number);
    }
  }

  function say(kind, ...children) {
    outcome.className = kind;
    outcome.replaceChildren(...children);
  }
}
