// What the buttons of a card do, and what is done when another tab comes back from connecting.

import { countRefreshes, play, readByHandOut, readThroughProxy } from "./access.js";
import { disconnect, listConnections } from "./accounts.js";
import { openConnect } from "./connect.js";
import { Problem } from "./oauth.js";
import { mark, say } from "./timeline.js";

const HOW = {
  "hand-out": "With the provider’s own token, which this page got for a while.",
  proxy: "Called by the broker: this page never had a token of the provider.",
};

export class Actions {
  #waiting = new Map(); // state -> card, while its connect is under way in another tab

  constructor(session, cards) {
    this.session = session;
    this.cards = cards;
  }

  /** action   a button's data-action */
  run(card, action) {
    const actions = { connect: this.#connect, disconnect: this.#disconnect, expire: this.#expire, remove: this.#remove };
    return (actions[action] ?? this.#read).call(this, card, action);
  }

  /** What is connected, as the broker says it now. `choose` is a connection_id to choose in its card. */
  async show(choose) {
    const { connections, ended } = await this.session.ask(listConnections);
    for (const card of this.cards) {
      const here = ({ provider }) => provider === card.provider.id;
      card.showAccounts(connections.filter(here), choose);
      card.showRefreshes(await countRefreshes(this.session.app, card.provider));
      card.ended = ended.filter(here);
    }
  }

  /** In the first tab: another one came back. Its word is a hint; what is connected is asked of the broker. */
  async hear(told) {
    const waits = this.#waiting.get(told.state);
    if (!this.session.tokens || (told.state && !waits)) return;
    this.#waiting.delete(told.state);
    if (told.error) {
      waits?.showProblem(this.session.app, new Problem(told.error, told.error_description ?? ""));
      return;
    }
    if (this.session.tokens.refresh_token) await this.session.refresh(); // it carries what was allowed just now
    await this.show(told.connection_id);
    const card = this.cards.find(({ chosen }) => chosen?.connection_id === told.connection_id);
    const less = told.missing_scopes ? `, without ${told.missing_scopes}` : "";
    card?.say(`${card.chosen.label ?? "The account"} is connected${less}.`);
    say(`${card?.provider.name ?? "An account"} is connected`);
  }

  async #read(card, way) {
    const { app } = this.session;
    const before = await countRefreshes(app, card.provider);
    if (way === "hand-out") mark(7, "now");
    const read = way === "hand-out" ? readByHandOut : readThroughProxy;
    const asked = this.session.ask((_, tokens) => read(app, tokens, card.provider, card.audience));
    const answer = await asked.catch(async (problem) => {
      await this.show(); // how the account stands may have changed with the refusal
      throw problem;
    });
    if (way === "hand-out") mark(7, "done");
    await this.show();
    const after = await countRefreshes(app, card.provider);
    card.showAnswer(answer, [HOW[way], sayRefreshes(after - before)]);
    say(`${card.provider.name} has answered`);
  }

  async #connect(card) {
    const state = await this.session.ask((app, tokens) => openConnect(app, tokens, card.provider));
    this.#waiting.set(state, card);
    card.say(`Go on in the tab that has opened: you are asked there whether ${card.provider.name} may be used.`);
  }

  async #disconnect(card) {
    const account = card.chosen;
    const ending = await this.session.ask((app, tokens) => disconnect(app, tokens, account));
    await this.show();
    card.showEnding(ending, account.label ?? "The account");
    say(`An account at ${card.provider.name} is disconnected`);
  }

  async #expire(card) {
    await play(card.provider, "expire");
    await this.show();
    card.say("The time of its token is up. Read now, either way: one refresh comes first, and none before the next call.");
  }

  async #remove(card) {
    await play(card.provider, "remove");
    await this.show();
    card.say(`${card.provider.name} takes nothing from the broker any more, as if you had said so there. Read now.`);
  }
}

function sayRefreshes(count) {
  if (Number.isNaN(count)) return ""; // a provider that is not played does not tell
  if (count === 0) return "The token in the vault was still good.";
  return count === 1 ? "One refresh at the provider came before it." : `${count} refreshes at the provider came before it.`;
}
