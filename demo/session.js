// Who is signed in: the tokens, in memory and nowhere else, and what is done with them one thing after another.

/** `tokens` null: nobody. `changed` is called with new tokens. */
export class Session {
  #last = Promise.resolve();

  constructor(app, changed) {
    this.app = app;
    this.changed = changed;
    this.tokens = null;
  }

  /** Ask with tokens that are good; once more with new ones where the broker says that this would help. */
  async ask(question) {
    if (this.#isAlmostOver()) await this.refresh();
    try {
      return await question(this.app, this.tokens);
    } catch (problem) {
      if (problem.document?.retry !== "with_new_token" || !this.tokens.refresh_token) throw problem;
      await this.refresh();
      return question(this.app, this.tokens);
    }
  }

  async refresh() {
    this.tokens = await this.app.refresh(this.tokens);
    this.changed();
  }

  /** No two things at once, so that no two use the same refresh token. */
  inTurn(action) {
    this.#last = this.#last.then(action, action);
    return this.#last;
  }

  #isAlmostOver() {
    const { refresh_token, received_at, expires_in } = this.tokens;
    return refresh_token && received_at + (expires_in - 10) * 1000 < Date.now();
  }
}
