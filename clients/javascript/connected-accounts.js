// <connected-accounts>: lists the user's connected accounts, disconnects them, and offers more to connect.
// CSS variables set colours and sizes, `part` names every part, and `words` holds every text: docs/broker-js.md.

/** @typedef {import("./broker.js").Broker} Broker @typedef {import("./broker.js").Connection} Connection */
/** @typedef {import("./broker.js").BrokerError} BrokerError */
/** @typedef {{ provider: string, name: string, scope?: string }} Offer */

const STYLE = `
:host { display: block; color: var(--accounts-color, CanvasText); font: var(--accounts-font, inherit) }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: var(--accounts-gap, .5rem) }
li { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; padding: var(--accounts-padding, .75rem);
  background: var(--accounts-background, Canvas); border: 1px solid var(--accounts-border, GrayText);
  border-radius: var(--accounts-radius, .5rem) }
[part=name] { font-weight: 600 }
[part=said] { flex: 1 1 10rem }
button { font: inherit; min-height: 2.25rem; padding: 0 .75rem; cursor: pointer; border: 1px solid;
  border-radius: var(--accounts-radius, .5rem); background: none; color: var(--accounts-accent, LinkText) }
:focus-visible { outline: 2px solid var(--accounts-accent, LinkText); outline-offset: 2px }
p { margin: .75rem 0 0 } p:empty { margin: 0 } a { color: var(--accounts-accent, LinkText) }`;

export class ConnectedAccounts extends HTMLElement {
  /** Every text that it shows. Change them for another language. */
  words = {
    connect: "Connect", reconnect: "Connect again", disconnect: "Disconnect", sure: "Really disconnect?",
    active: "Connected", partial: "Connected with fewer permissions than requested", in_doubt: "Renewal interrupted",
    reauth_required: "Needs to be connected again", none: "Not connected", open: "Open the page of the connection",
    revoked: "Disconnected, also at the provider.", ended: "Disconnected. At the provider: ",
    popup_blocked: "The browser blocked the window.",
    user_closed: "You closed the window. Nothing was connected.",
    access_denied: "You declined. Nothing was connected.", failed: "Something went wrong: ",
  };
  /** @type {Offer[]} */
  #offers = [];
  /** @type {Connection[] | undefined} */
  #found;
  /** @type {Broker | undefined} */
  #broker;
  #list = document.createElement("ul");
  #said = document.createElement("p");

  constructor() {
    super();
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.#list.part.value = "list";
    this.#said.part.value = "message";
    this.#said.setAttribute("role", "status");
    this.#said.tabIndex = -1;
    this.attachShadow({ mode: "open" }).append(style, this.#list, this.#said);
  }

  /** The accounts that can be connected, in the order of the list. */
  get offers() {
    return this.#offers;
  }

  set offers(offers) {
    this.#offers = offers;
    this.#show();
  }

  get broker() {
    return this.#broker;
  }

  set broker(broker) {
    this.#broker?.removeEventListener("change", this.refresh);
    this.#broker = broker;
    broker?.addEventListener("change", this.refresh);
    this.refresh();
  }

  /** Read the connections again and show them. */
  refresh = async () => {
    this.#found = (await this.#broker?.connections().catch(this.#fail)) ?? this.#found;
    this.#show();
  };

  #show() {
    const found = this.#found;
    if (!found) return;
    const offered = new Set(this.#offers.map(({ provider }) => provider));
    const others = new Set(found.map(({ provider }) => provider).filter((provider) => !offered.has(provider)));
    const offers = [...this.#offers, ...[...others].map((provider) => ({ provider, name: provider }))];
    const rows = offers.flatMap((offer) => {
      const accounts = found.filter(({ provider }) => provider === offer.provider);
      if (accounts.length) return accounts.map((one) => this.#account(offer, one));
      return [this.#row(offer.name, this.words.none, this.#connect(offer, this.words.connect))];
    });
    const focused = this.#buttons().indexOf(/** @type {any} */ (this.shadowRoot?.activeElement));
    this.#list.replaceChildren(...rows);
    this.#buttons()[focused]?.focus();
  }

  #buttons = () => [...this.#list.querySelectorAll("button")];

  /** @param {Offer} offer @param {Connection} one */
  #account(offer, one) {
    const said = [one.label, this.words[one.status]].filter(Boolean).join(" · ");
    const again = one.status === "reauth_required" || one.status === "partial";
    const ways = again ? [this.#connect(offer, this.words.reconnect)] : [];
    return this.#row(offer.name, said, ...ways, this.#disconnect(offer, one));
  }

  /** @param {string} name @param {string} text @param {HTMLElement[]} buttons */
  #row(name, text, ...buttons) {
    const row = document.createElement("li");
    const [title, said] = [document.createElement("span"), document.createElement("span")];
    [title.textContent, said.textContent] = [name, text];
    [row.part.value, title.part.value, said.part.value] = ["account", "name", "said"];
    row.append(title, said, ...buttons);
    return row;
  }

  /** @param {Offer} offer @param {string} word */
  #connect({ provider, name, scope }, word) {
    return this.#button(word, name, async () => {
      await this.#broker?.connect(provider, scope);
      this.#say(`${name}: ${this.words.active}`);
    });
  }

  /** The first press asks, the second disconnects. @param {Offer} offer @param {Connection} one */
  #disconnect({ name }, { connection_id, label = "" }) {
    const button = this.#button(this.words.disconnect, `${label} ${name}`.trim(), async () => {
      if (button.textContent !== this.words.sure) {
        button.textContent = this.words.sure;
        return;
      }
      const ending = await this.#broker?.revoke(connection_id);
      this.#say(ending?.at_provider === "revoked" ? this.words.revoked : this.words.ended + ending?.at_provider);
    });
    button.onblur = () => (button.textContent = this.words.disconnect);
    return button;
  }

  /** @param {string} word @param {string} of what, for screen readers @param {() => Promise<void>} act */
  #button(word, of, act) {
    const button = document.createElement("button");
    button.textContent = word;
    button.part.value = "button";
    button.setAttribute("aria-description", of);
    button.onclick = () => {
      this.#said.textContent = "";
      return act().catch(this.#fail);
    };
    return button;
  }

  /** The message takes the focus, because the row that had it is gone. @param {string} text */
  #say(text) {
    this.#said.textContent = text;
    this.#said.focus();
  }

  /** @param {BrokerError} error */
  #fail = ({ code, details }) => {
    const known = /** @type {Record<string, string>} */ (this.words)[code];
    this.#say(known ?? this.words.failed + code);
    if (code !== "popup_blocked" || !details.connect_uri) return;
    const link = document.createElement("a");
    [link.href, link.target, link.rel, link.textContent] = [details.connect_uri, "_blank", "noopener", this.words.open];
    this.#said.append(" ", link);
  };
}

customElements.define("connected-accounts", ConnectedAccounts);
