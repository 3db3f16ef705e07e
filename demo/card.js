// One provider on the page: what is connected there, what can be done with it, and what came of it.

import { describeAccount, describeEnding } from "./accounts.js";
import { isLink } from "./connect.js";
import { detailsOf, explain } from "./problems.js";
import { element } from "./show.js";

const sayCount = (count) => (count === 0 ? "not connected" : count === 1 ? "1 account" : `${count} accounts`);

export class Card {
  /**
   * provider   one of config.providers
   * act        called with (card, action) when a button is pressed: the button's data-action
   */
  constructor(provider, act) {
    this.provider = provider;
    this.accounts = [];
    this.root = document.querySelector("#card").content.firstElementChild.cloneNode(true);
    this.root.id = `card-${provider.id}`;
    const name = this.find("h2");
    name.id = `name-${provider.id}`;
    name.textContent = provider.name;
    this.root.setAttribute("aria-labelledby", name.id);
    this.find(".mark").textContent = provider.name.replace("Demo ", "").slice(0, 1);
    if (provider.proxied === false) this.find("[data-action=proxy]").remove();
    for (const button of this.root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => act(this, button.dataset.action));
    }
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  /** The account that the buttons are for; undefined where none is connected. */
  get chosen() {
    const id = this.find("input:checked")?.value;
    return this.accounts.find((account) => account.connection_id === id);
  }

  /** What to ask for: nothing for the default account, which the provider's id stands for. */
  get audience() {
    return this.chosen && !this.chosen.default ? this.chosen.connection_id : undefined;
  }

  /** Show what is connected; what had been chosen stays chosen. `choose` is a connection_id to choose instead. */
  showAccounts(accounts, choose) {
    const keep = [choose, this.chosen?.connection_id].find((id) => accounts.some((one) => one.connection_id === id));
    const chosen = keep ?? (accounts.find((account) => account.default) ?? accounts[0])?.connection_id;
    this.accounts = accounts;
    const rows = accounts.map((account) => this.#row(account, account.connection_id === chosen));
    const focused = this.find("input:focus")?.value;
    this.find(".accounts").replaceChildren(this.find("legend"), ...rows);
    if (focused) this.find(`input[value="${focused}"]`)?.focus();
    this.find(".accounts").hidden = !accounts.length;
    this.find(".none").hidden = accounts.length > 0;
    this.find(".no-default").hidden = !accounts.length || accounts.some((account) => account.default);
    this.find(".count").textContent = sayCount(accounts.length);
    this.#arrangeButtons(accounts.length > 0);
  }

  /** What one most likely wants comes first: to connect, and then to read. */
  #arrangeButtons(connected) {
    const [connect, read, end] = ["connect", "hand-out", "disconnect"].map((name) => this.find(`[data-action=${name}]`));
    connect.textContent = connected ? "Add another account" : "Connect";
    connect.classList.toggle("main", !connected);
    read.classList.toggle("main", connected);
    end.hidden = !connected;
    (connected ? end : read).before(connect);
  }

  #row(account, chosen) {
    const radio = element("input", "");
    Object.assign(radio, { type: "radio", name: `account-${this.provider.id}`, value: account.connection_id, checked: chosen });
    const name = element("span", "label", account.label ?? "An account");
    if (account.default) name.append(" ", element("span", "chip", "default"));
    const state = element("small", "state", describeAccount(account));
    return element("label", `account ${account.status}`, radio, element("span", "of", name, state));
  }

  /** The seconds run. */
  tick() {
    for (const [index, state] of [...this.root.querySelectorAll(".state")].entries()) {
      const said = describeAccount(this.accounts[index]);
      if (state.textContent !== said) state.textContent = said;
    }
  }

  /** What the provider answered, and sentences about how it was had. */
  showAnswer(answer, how) {
    const { things, name, noun = things } = this.provider;
    const items = (answer?.[things] ?? [answer]).map((item) => element("li", "", item?.text ?? JSON.stringify(item)));
    const whose = answer?.owner ? `${answer.owner}’s ${noun} at ${name}` : `Your ${noun} at ${name}`;
    this.#showOnly(".answer");
    this.find(".answer h3").textContent = whose;
    this.find(".answer .how").replaceChildren(...how.filter(Boolean).map((text) => element("p", "", text)));
    this.find(".answer ul").replaceChildren(...items);
  }

  /** One sentence about what has just happened. */
  say(text) {
    this.#showOnly(".said");
    this.find(".said").textContent = text;
  }

  /** A refusal, and the link out of it where there is one. */
  showProblem(app, problem) {
    const { title, todo } = explain(problem, this.accounts.length > 0);
    const uri = problem.document?.connect_uri;
    this.#showOnly(".problem");
    this.find(".problem h3").textContent = title;
    this.find(".problem .todo").textContent = todo;
    this.find(".problem .detail").textContent = detailsOf(problem);
    const link = this.find(".problem a");
    link.hidden = !isLink(app, uri);
    this.find(".problem").classList.toggle("calm", !link.hidden);
    if (link.hidden) link.removeAttribute("href");
    else link.href = uri;
  }

  /** What became of an account that was taken back. */
  showEnding(ending, label) {
    const { all, tokens } = describeEnding(ending, this.provider.name);
    const rows = tokens.map(({ token, result, mark, word, reason }) => {
      const sign = element("span", "sign", mark);
      sign.setAttribute("aria-hidden", "true");
      return element("li", result, element("strong", "", sign, `${token}: ${word}`), element("small", "", reason));
    });
    const place = this.find(".ending a");
    place.hidden = !ending.provider_settings?.startsWith("https://");
    if (!place.hidden) place.href = ending.provider_settings;
    this.#showOnly(".ending");
    this.find(".ending h3").textContent = label ? `${label} is disconnected` : "An account that was disconnected";
    this.find(".ending .all").textContent = all;
    this.find(".ending ul").replaceChildren(...rows);
  }

  /** How often a played provider was asked to refresh; undefined where it is a real one. */
  showRefreshes(count) {
    this.find(".play").hidden = count === undefined || !this.accounts.length;
    if (count !== undefined) this.find(".refreshes").textContent = String(count);
  }

  /** Nothing has happened yet. */
  clear() {
    this.#showOnly("");
  }

  #showOnly(shown) {
    for (const selector of [".answer", ".said", ".problem", ".ending"]) this.find(selector).hidden = selector !== shown;
  }
}
